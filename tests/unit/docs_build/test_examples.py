"""The Python examples of the pages do what the pages say."""

import sys
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import torch
from rescored import random_cases
from stores import bright_or_dark_store
from tiny import TinyEncoder
from trained import trained

from tests.documents import ROOT, blocks
from uscl.base.seeds import generator
from uscl.pretrain import methods as package
from uscl.pretrain.methods import methods
from uscl.training.device import start


@pytest.fixture
def barlow_twins(monkeypatch):
    """The method of the page, as if its file were in the folder of methods."""
    (code,) = blocks(ROOT / "docs/how-to/own-method.md", "python")
    module = ModuleType("uscl.pretrain.methods.barlow_twins")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(code, "barlow_twins.py", "exec", dont_inherit=True), module.__dict__)
    known = [*package.pkgutil.iter_modules(package.__path__)]
    monkeypatch.setattr(package.pkgutil, "iter_modules", lambda path: [*known, known[0]._replace(name="barlow_twins")])
    methods.cache_clear()
    yield module
    methods.cache_clear()


def test_the_method_of_the_page_is_a_method_and_learns(barlow_twins):
    assert methods()["barlow_twins"] is barlow_twins.METHOD
    settings = {"epochs": 8, "batch_size": 8, "warmup_epochs": 0, "lr": 0.05, "shares": (0.1, 0.0)}
    fabric = start("cpu", "32-true", threads=1)
    found = [trained(barlow_twins, TinyEncoder(), bright_or_dark_store(groups=24), fabric, 0, **settings) for _ in "ab"]
    losses = found[0].history["loss"]
    assert losses.iloc[-1] < losses.iloc[0]
    first, again = (result.encoder.state_dict() for result in found)
    assert all(torch.equal(tensor, again[name]) for name, tensor in first.items())


def test_own_predictions_are_compared_with_an_arm(tmp_path, monkeypatch, capsys):
    split, compare = blocks(ROOT / "docs/how-to/own-predictions.md", "python")
    monkeypatch.chdir(tmp_path)
    cases = random_cases(generator(0, "predictions"), ("mine", "imagenet")).drop(columns=["predicted", "correct"])
    asked = [
        "arm",
        "seed",
        "fold",
        "case",
        "group",
        "unit",
        "label",
        *(name for name in cases if name.startswith("p_")),
    ]
    cases[cases["arm"] == "mine"][asked].to_parquet("mine.parquet")
    for seed, part in cases[cases["arm"] == "imagenet"].groupby("seed"):
        folder = tmp_path / f"results/cells/pocus/linear/labels100/imagenet/seed{seed}"
        folder.mkdir(parents=True)
        part.to_parquet(folder / "predictions.parquet")
    names: dict[str, object] = {}
    exec(compare.replace("10_000", "50"), names)
    assert set(names["scores"]["arm"]) == {"mine", "imagenet"}
    assert names["against"].set_index("metric").loc["accuracy", "p"] <= 1
    assert "macro_f1" in capsys.readouterr().out

    store = tmp_path / "results/frames/sim_lung"
    store.mkdir(parents=True)
    np.save(store / "frames.npy", np.arange(12, dtype=np.uint8).reshape(3, 2, 2))
    (tmp_path / "results/splits").mkdir()
    rows = pd.DataFrame({"row": [0, 2], "group": ["07", "8"], "label": ["x", "y"], "fold0": ["test", "train"]})
    rows.to_csv(tmp_path / "results/splits/pocus-2x3-seed0.csv", index=False)
    exec(split, names)
    assert names["images"].tolist() == [[[8, 9], [10, 11]]]
    assert names["labels"].tolist() == ["y"]
