"""The Python examples of the pages do what the pages say."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from rescored import random_cases
from stores import bright_or_dark_store
from studies import example
from tiny import TinyEncoder
from trained import trained

from tests.documents import ROOT, blocks
from uscl.base.seeds import generator
from uscl.pretrain.methods import methods
from uscl.study.study import Study
from uscl.training.device import start


@pytest.fixture
def own_method(tmp_path, monkeypatch):
    """The method of the page as a study names it, its file where the study is."""
    (code,) = blocks(ROOT / "docs/how-to/own-method.md", "python")
    (tmp_path / "align_uniform.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    return "./align_uniform.py"


def test_the_method_of_the_page_has_sixty_lines_and_is_an_arm_of_a_study(own_method):
    assert len(Path(own_method).read_text().splitlines()) <= 60
    (settings,) = blocks(ROOT / "docs/how-to/own-method.md", "yaml")
    config = example()
    config["methods"] |= yaml.safe_load(settings)["methods"]
    study = Study.from_config(config, ROOT)
    assert study.method("mine").name == "align_uniform"
    assert study.method_settings("mine")["spread"] == 0.5
    assert "mine" in study.pretrained


def test_the_method_of_the_page_learns_and_repeats(own_method):
    method = SimpleNamespace(METHOD=methods()[own_method], pretrain=methods()[own_method].pretrain)
    settings = {"epochs": 8, "batch_size": 8, "warmup_epochs": 0, "lr": 0.05, "shares": (0.1, 0.0)}
    fabric = start("cpu", "32-true", threads=1)
    found = [trained(method, TinyEncoder(), bright_or_dark_store(groups=24), fabric, 0, **settings) for _ in "ab"]
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
