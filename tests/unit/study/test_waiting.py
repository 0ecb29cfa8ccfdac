from pathlib import Path

import pytest
import yaml

from uscl.jobs.outcome import write_done, write_failed
from uscl.study import waiting
from uscl.study.study import Study

ROOT = Path(__file__).parents[3]


@pytest.fixture
def study(tmp_path):
    config = yaml.safe_load((ROOT / "tests/integration/tiny.yaml").read_text())
    return Study.from_config(config | {"results": str(tmp_path / "results")}, ROOT)


def finished(study, place):
    """The folder of a run that is done."""
    folder = Path(study.results, place)
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("a")
    write_done(folder, "key", ["a.csv"])
    return folder


def test_a_run_waits_for_the_checks_unless_it_is_there_with_its_present_key(study):
    outcome = str(finished(study, "encoders/simclr/seed0") / "outcome.json")
    assert waiting.after_checks(study, outcome, "key") == []
    assert waiting.after_checks(study, outcome, "another key") == [waiting.checked(study)]
    assert waiting.after_checks(study, f"{outcome}.gone", "key") == [waiting.checked(study)]


@pytest.mark.parametrize(
    "place",
    ["encoders/simclr/seed0", "cells/pocus/finetune/labels100/simclr/seed0", "cells/busi/linear/labels25/uscl/seed0"],
)
def test_a_run_that_has_lost_a_file_is_repeated(study, place):
    folder, other = finished(study, place), finished(study, "encoders/meta_uscl/seed0")
    assert waiting.forget_lost_runs(study) == []
    (folder / "a.csv").unlink()
    assert waiting.forget_lost_runs(study) == [str(folder / "a.csv")]
    assert not (folder / "outcome.json").exists()
    assert (other / "outcome.json").exists()


def test_runs_that_failed_are_named_with_their_reasons(study):
    assert waiting.failed_runs(study) == []
    finished(study, "encoders/meta_uscl/seed0")
    write_failed(finished(study, "encoders/simclr/seed0"), "key", "the loss is NaN.")
    assert waiting.failed_runs(study) == ["encoders/simclr/seed0: the loss is NaN."]
