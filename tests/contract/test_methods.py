"""Every pretraining method declares all of itself, and a study refuses a key that belongs to another method."""

import copy
import inspect
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from uscl.base.errors import UserError
from uscl.pretrain import methods as package
from uscl.pretrain.method import Contrastive, Method
from uscl.pretrain.methods import methods, untrained
from uscl.study.validation import validated

ROOT = Path(__file__).parents[2]
EMBEDDED = yaml.safe_load((ROOT / "config/config.yaml").read_text())


def with_arm(**settings):
    config = copy.deepcopy(EMBEDDED)
    config["methods"]["x"] = settings
    return config


@pytest.mark.parametrize("name", methods())
def test_a_method_declares_its_settings_and_what_it_does(name):
    method = methods()[name]
    assert method.summary
    assert method.settings.model_fields["method"].default == name
    validated(with_arm(method=name))
    if method.trains:
        assert issubclass(method.settings, Contrastive)
        assert method.pairs(method.settings())
        assert method.step_cost > 0
        assert list(inspect.signature(method.pretrain).parameters)[:5] == [
            "encoder",
            "store",
            "fabric",
            "seed",
            "settings",
        ]
    else:
        assert list(inspect.signature(method.start).parameters) == ["arch", "seed", "weights"]


def foreign_keys():
    known = {key for method in methods().values() for key in method.settings.model_fields}
    return [
        (name, key) for name, method in methods().items() for key in sorted(known - set(method.settings.model_fields))
    ]


@pytest.mark.parametrize(("name", "key"), foreign_keys())
def test_a_key_of_another_method_is_refused_when_the_study_is_planned(name, key):
    with pytest.raises(UserError) as caught:
        validated(with_arm(method=name, **{key: 1}))
    text = str(caught.value)
    assert text.startswith("Config: methods.x: ")
    assert key in text
    assert "belongs to" in text or "takes no settings" in text


def test_methods_without_training_are_what_init_knows():
    assert untrained() == ["imagenet", "random"]


@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        (None, "byol.py must declare METHOD = Method('byol', ...)."),
        (Method("other", "", Contrastive, pretrain=print), "byol.py must declare METHOD"),
        (Method("byol", "", Contrastive), "The method 'byol' must declare either `pretrain` or `start`"),
    ],
)
def test_an_incomplete_declaration_is_refused_with_the_methods_name(monkeypatch, declared, sentence):
    module = ModuleType("byol")
    if declared:
        module.METHOD = declared
    monkeypatch.setitem(sys.modules, f"{package.__name__}.byol", module)
    names = [SimpleName(name) for name in ("byol", "random")]
    monkeypatch.setattr(package.pkgutil, "iter_modules", lambda path: names)
    with pytest.raises(UserError) as caught:
        methods.__wrapped__()
    assert sentence in str(caught.value)


class SimpleName:
    """The part of pkgutil's information about a module that the registry reads."""

    def __init__(self, name):
        self.name = name


def test_planning_a_study_imports_nothing_heavy():
    heavy = ("torch", "pandas", "sklearn", "scipy", "mlflow", "numpy", "jsonschema", "matplotlib")
    code = (
        "import sys; from uscl.study import keys, rules, waiting; from uscl.study.planning import plan;"
        f" print([name for name in {heavy} if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
