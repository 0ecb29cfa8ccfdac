"""Methods in files of the user's: how they are found, what the study checks, and one sentence per fault."""

import subprocess
import sys
from pathlib import Path

import pytest
from studies import example

from uscl.base.errors import UserError
from uscl.jobs.code import file_hash
from uscl.pretrain import own_method
from uscl.pretrain.methods import methods
from uscl.study import keys
from uscl.study.study import Study

ROOT = Path(__file__).parents[3]
METHOD = """
from __future__ import annotations

from typing import Annotated

from pydantic import Field

from uscl.base.settings import Float
from uscl.pretrain.method import Method, Trained


class Mine(Trained):
    strength: Annotated[Float, Field(gt=0, description="How strong it is.")] = 1.0


def pretrain(encoder, pool, fabric, seed, settings, *, folder=None, identity=""):
    from uscl.pretrain.engine.loop import fit


METHOD = Method("mine", "mine", Mine, pretrain, pairs=lambda settings: "frame", step_cost=1.0)
"""


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    forget()
    yield
    forget()


def forget():
    own_method.own_method.cache_clear()
    file_hash.cache_clear()


def study(method="./mine.py", root=ROOT, **settings):
    config = example()
    config["methods"]["own"] = {"method": method, "epochs": 3, **settings}
    return Study.from_config(config, root)


def test_a_method_in_a_file_is_an_arm_with_the_settings_that_it_declares():
    Path("mine.py").write_text(METHOD)
    found = study(strength=2)
    assert found.method("own").name == "mine"
    assert {"strength": 2.0, "epochs": 3}.items() <= found.method_settings("own").items()
    assert "own" in found.pretrained
    assert found.settings.methods["own"].given()["method"] == "./mine.py"
    assert "mine" not in methods()
    # A job finds it by the same name, and gets the settings without it.
    assert own_method.method_named("./mine.py").settings(**found.method_settings("own")).strength == 2.0
    assert own_method.method_named("simclr") is methods()["simclr"]


@pytest.mark.parametrize("name", ["{folder}/elsewhere/mine.py", "elsewhere/mine.py", "~/elsewhere/mine.py"])
def test_a_path_may_be_absolute_relative_or_in_the_home(name, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/mine.py").write_text(METHOD)
    assert study(name.format(folder=tmp_path)).method("own").name == "mine"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"strength": -1}, "Config: methods.own.strength must be more than 0, not -1."),
        ({"strenght": 1}, "Config: methods.own: the file of its method declares no setting 'strenght'."),
        ({"epochs": "many"}, "Config: methods.own.epochs must be a whole number, not 'many'."),
    ],
)
def test_its_settings_are_checked_when_the_study_is_planned(settings, sentence):
    Path("mine.py").write_text(METHOD)
    with pytest.raises(UserError) as raised:
        study(**settings)
    assert str(raised.value) == sentence


FAULTS = {
    "no file": (None, "The method ./mine.py doesn't exist: there is no file "),
    "syntax": ("x = (\n", "The method ./mine.py can't be loaded: line 1: '(' was never closed."),
    "import": (
        "\nimport no_such_library\n",
        "The method ./mine.py can't be loaded: line 2: ModuleNotFoundError: No module named 'no_such_library'.",
    ),
    "error": ("1 / 0", "The method ./mine.py can't be loaded: line 1: ZeroDivisionError: division by zero."),
    "not text": (b"\xff\xfe", "The method ./mine.py can't be loaded: "),
    "no METHOD": ("", "The method ./mine.py must declare METHOD = Method('mine', ...)."),
    "no Method": ("METHOD = 'mine'", "The method ./mine.py must declare METHOD = Method('mine', ...)."),
    "other name": (METHOD.replace('("mine"', '("yours"'), "The method ./mine.py must declare METHOD = Method('mine'"),
    "neither": (
        METHOD.replace("Mine, pretrain,", "Mine,"),
        "The method ./mine.py must declare either `pretrain` or `start`",
    ),
    "settings": (
        METHOD.replace("Mine, pretrain,", "dict, pretrain,"),
        "The settings of the method ./mine.py must be a class",
    ),
    "heavy": (
        "import torch\n" + METHOD.replace("from __future__ import annotations", ""),
        "./mine.py imports torch when it is",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_file_is_one_sentence(name, monkeypatch):
    content, sentence = FAULTS[name]
    if content is not None:
        Path("mine.py").write_bytes(content if isinstance(content, bytes) else content.encode())
    if name == "heavy":  # as in a call that has not imported it
        for module in [module for module in sys.modules if module.partition(".")[0] == "torch"]:
            monkeypatch.delitem(sys.modules, module)
        Path("torch.py").write_text("")
        monkeypatch.syspath_prepend(str(Path.cwd()))
    with pytest.raises(UserError) as raised:
        study()
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_name_of_a_method_of_the_project_is_taken():
    Path("simclr.py").write_text(METHOD.replace('("mine"', '("simclr"'))
    with pytest.raises(UserError, match=r"^The method ./simclr.py has the name of a method of the project: rename"):
        study("./simclr.py")


def test_two_files_of_one_name_are_refused_and_two_arms_of_one_file_are_not():
    for folder in ("a", "b"):
        Path(folder).mkdir()
        Path(folder, "mine.py").write_text(METHOD)
    config = example()
    config["methods"] |= {"one": {"method": "a/mine.py"}, "two": {"method": "./a/mine.py", "strength": 2}}
    assert Study.from_config(config, ROOT).method("two").name == "mine"
    config["methods"]["two"]["method"] = "b/mine.py"
    with pytest.raises(UserError, match=r"^Config: methods: a/mine.py and b/mine.py have the same name, mine: rename"):
        Study.from_config(config, ROOT)


def test_an_edit_changes_what_rests_on_the_file_and_another_place_does_not():
    Path("mine.py").write_text(METHOD)
    before = study()

    def identities(found):
        return {arm: keys.encoder_key(found, arm, 0) for arm in found.arms} | {"checks": keys.checks_code(found)}

    first = identities(before)
    Path("elsewhere").mkdir()
    Path("elsewhere/mine.py").write_text(METHOD)
    assert identities(study("elsewhere/mine.py")) == first
    Path("mine.py").write_text(METHOD + "# edited\n")
    forget()
    changed = identities(study())
    assert {name for name in first if first[name] != changed[name]} == {"own", "checks"}


def test_it_rests_on_what_it_imports_of_the_project(monkeypatch):
    Path("mine.py").write_text(METHOD)
    found, seen = study(), []
    monkeypatch.setattr(keys, "code_hash", lambda root, *files: seen.extend(files) or "hash")
    keys.encoder_code(found, "own")
    assert {"uscl/pretrain/engine/loop.py", "uscl/pretrain/method.py"} <= set(seen)
    assert not any("mine.py" in file for file in seen)


def test_planning_a_study_with_it_imports_nothing_heavy():
    Path("mine.py").write_text(METHOD)
    code = (
        "import sys; from uscl.pretrain.methods import methods; assert methods()['./mine.py'].name == 'mine';"
        " print([name for name in ('torch', 'pandas', 'numpy', 'mlflow') if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT)}
    )
    assert run.stdout.strip() == "[]"
