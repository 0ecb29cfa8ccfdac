"""Every pretraining method declares all of itself, and a study refuses a key that belongs to another method."""

import copy
import inspect
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from studies import example

from uscl.base.errors import UserError
from uscl.pretrain import methods as package
from uscl.pretrain.method import Contrastive, FromPool, Given, Method, Paired, Trained
from uscl.pretrain.methods import methods
from uscl.study.validation import validated

ROOT = Path(__file__).parents[2]
EXAMPLE = example()
ONE_VIEW_A_NETWORK = ["moco_v2"]
REQUIRED = {  # keys without a default
    "features": {"file": "features.parquet"},
    "file": {"checkpoint": "mine.pth"},
    "predictions": {"folder": "predictions"},
}


def with_arm(**settings):
    config = copy.deepcopy(EXAMPLE)
    config["methods"]["x"] = REQUIRED.get(settings["method"], {}) | settings
    return config


@pytest.mark.parametrize("name", methods())
def test_a_method_declares_its_settings_and_what_it_does(name):
    method = methods()[name]
    assert method.summary
    assert method.settings.model_fields["method"].default == name
    remarks = method.remarks(method.settings(**REQUIRED.get(name, {})))
    assert "not known" in remarks[0] if name in REQUIRED else remarks == ()
    validated(with_arm(method=name))
    if not method.encodes:
        assert issubclass(method.settings, Given)
    elif method.uses_pool:
        assert issubclass(method.settings, FromPool)
        assert method.pairs(method.settings())
        assert list(inspect.signature(method.pretrain).parameters)[:5] == [
            "encoder",
            "pool",
            "fabric",
            "seed",
            "settings",
        ]
    else:
        assert list(inspect.signature(method.start).parameters) == ["arch", "seed", "weights", "settings"]
    assert method.trains == issubclass(method.settings, Trained) == (method.step_cost > 0)
    assert method.sees_labels or not method.needs_labels


def test_only_methods_that_train_or_calibrate_use_the_pool():
    without_pool = ["features", "file", "imagenet", "predictions"]
    assert sorted(methods()) == sorted(
        [
            *without_pool,
            *("barlow_twins", "byol", "meta_uscl", "moco_v2", "simclr", "simsiam"),
            *("supervised", "untrained", "uscl", "vicreg"),
        ]
    )
    assert sorted(name for name, method in methods().items() if not method.uses_pool) == without_pool
    assert [name for name, method in methods().items() if not method.encodes] == ["features", "predictions"]
    assert sorted(name for name, method in methods().items() if not method.trains) == [*without_pool, "untrained"]


@pytest.mark.parametrize(
    ("weights", "learned", "true"),
    [
        ("learned", True, False),
        ("shuffled", True, False),
        ("temporal", False, False),
        ("constant", False, False),
        ("oracle", False, True),
        ("oracle_shuffled", False, True),
        ("anti_oracle", False, True),
    ],
)
def test_weights_decide_what_meta_uscl_needs_and_how_the_table_names_it(weights, learned, true):
    method = methods()["meta_uscl"]
    settings = method.settings(weights=weights)
    assert (method.needs_meta_share(settings), method.needs_truth(settings)) == (learned, true)
    control = f"a control: its pairs have {weights.replace('_', ' ')} weights"
    assert method.remarks(settings) == (() if weights == "learned" else (control,))


@pytest.mark.parametrize("name", [name for name, method in methods().items() if method.uses_pool])
def test_the_table_says_what_sets_an_arm_apart_from_the_others(name):
    method = methods()[name]
    apart = {"train_on": "all"} | ({} if name in ONE_VIEW_A_NETWORK else {"batchnorm": "joint"})
    if method.needs_meta_share(method.settings()):
        apart["weights"] = "constant"  # others may not train on the meta set
    remarks = " ".join(method.remarks(method.settings(**apart)))
    assert "(`train_on: all`)" in remarks
    assert ("(`batchnorm: joint`)" in remarks) == ("batchnorm" in apart)


@pytest.mark.parametrize("name", ONE_VIEW_A_NETWORK)
def test_a_method_whose_networks_see_one_view_each_refuses_batchnorm_over_both(name):
    with pytest.raises(
        UserError, match=r"methods\.x `batchnorm: joint` has no meaning, since each network sees one view"
    ):
        validated(with_arm(method=name, batchnorm="joint"))


PAIRED = [name for name, method in methods().items() if issubclass(method.settings, Paired)]


@pytest.mark.parametrize("name", PAIRED)
@pytest.mark.parametrize("pairs", ["frame", "ppi", "temporal"])
def test_pairs_are_an_option_and_settings_of_others_are_refused(name, pairs):
    method = methods()[name]
    assert method.pairs(method.settings()) == "frame"
    assert method.pairs(method.settings(pairs=pairs)) == pairs
    for key, value, kinds in (("max_dist", 5, ("ppi", "temporal")), ("triples", "uniform", ("ppi",))):
        arm = with_arm(method=name, pairs=pairs, **{key: value})
        if pairs in kinds:
            validated(arm)
        else:
            with pytest.raises(UserError, match=f"methods.x `{key}` has no meaning with `pairs: {pairs}`"):
                validated(arm)


def test_the_methods_of_two_views_leave_the_pairs_open():
    assert PAIRED == ["barlow_twins", "byol", "moco_v2", "simclr", "simsiam", "vicreg"]


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
    assert "belongs to" in text


@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        (None, "invented.py must declare METHOD = Method('invented', ...)."),
        (Method("other", "", Contrastive, pretrain=print), "invented.py must declare METHOD"),
        (Method("invented", "", Contrastive), "The method 'invented' must declare either `pretrain` or `start`"),
        (Method("invented", "", Contrastive, pretrain=print, gives="features"), "neither if it `gives` features"),
    ],
)
def test_an_incomplete_declaration_is_refused_with_the_methods_name(monkeypatch, declared, sentence):
    module = ModuleType("invented")
    if declared:
        module.METHOD = declared
    monkeypatch.setitem(sys.modules, f"{package.__name__}.invented", module)
    names = [SimpleName(name) for name in ("invented", "untrained")]
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
