"""The list of rooms and of argued mutants (tests/mutants.yaml) is of the code as it is."""

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SETTINGS = yaml.safe_load((ROOT / "tests/mutants.yaml").read_text(encoding="utf-8"))


def test_every_module_and_every_test_exists():
    for modules in SETTINGS["rooms"].values():
        for module, tests in modules.items():
            assert [name for name in (module, *tests) if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("entry", SETTINGS["equivalent"], ids=lambda entry: entry["line"][:40])
def test_an_argued_change_is_of_a_line_that_is_still_there(entry):
    code = " ".join((ROOT / entry["module"]).read_text(encoding="utf-8").split())
    assert entry["line"] in code
    assert entry["becomes"] not in code
    assert entry["why"]
