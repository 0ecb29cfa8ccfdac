"""workflow/scripts/pretrain/draw_pretraining.py on two finished arms: one with a weight net, one without."""

import runpy
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from uscl.data.store import FrameStore
from uscl.jobs.outcome import write_done

SCRIPT = Path(__file__).parents[4] / "workflow/scripts/pretrain/draw_pretraining.py"
LOSSES = {"epoch": [0, 1], "loss": 1.0, "lr": 0.1, "rank": 2.0, "alignment": 0.1, "uniformity": -1.0}


def write_arm(folder, history, pairs):
    """The tables of a finished pretraining, and its outcome."""
    folder.mkdir(parents=True)
    pd.DataFrame(LOSSES | history).to_csv(folder / "history.csv", index=False)
    pairs.to_csv(folder / "pairs.csv", index=False)
    write_done(folder, "key", ["history.csv", "pairs.csv"])
    return str(folder / "outcome.json")


def test_the_weights_of_an_arm_come_with_a_verdict_if_it_has_a_weight_net(tmp_path, monkeypatch):
    manifest = pd.DataFrame({"video": "v", "row": range(4), "frame": range(4)})
    manifest = manifest.assign(dataset="pool", label="lung", organ="lung", state=1.0, second_state=0.0)
    store = SimpleNamespace(manifest=manifest, frames=np.random.default_rng(0).integers(0, 256, (4, 8, 8), np.uint8))
    monkeypatch.setattr(FrameStore, "open", lambda folder: store)
    monkeypatch.setattr("uscl.jobs.job.job", lambda snakemake: nullcontext())
    pairs = pd.DataFrame({"video": "v", "group": "p", "row_a": [0, 1], "row_b": [1, 2], "row_c": [2, 3], "distance": 1})
    weights = {"weight_mean": 0.5, "weight_sd": 0.2, "weight_ess": 16.0, "pairs": 20}
    net = weights | {"alpha_distance": [0.01, 0.02], "alpha_bound": [0.03, 0.06]}
    outcomes = [
        write_arm(tmp_path / "net", net, pairs.assign(weight=[0.3, 0.7], start_weight=[0.4, 0.6])),
        write_arm(tmp_path / "temporal", weights, pairs.assign(weight=[0.3, 0.7])),
        write_arm(tmp_path / "constant", weights, pairs.assign(weight=1.0)),
    ]
    snakemake = SimpleNamespace(
        input=SimpleNamespace(frames=str(tmp_path / "store/frames.npy"), outcomes=outcomes),
        output=SimpleNamespace(figures=str(tmp_path / "figures")),
        params=SimpleNamespace(arms=["net", "temporal", "constant"]),
        wildcards=SimpleNamespace(seed="0"),
    )
    runpy.run_path(str(SCRIPT), {"snakemake": snakemake})
    drawn = {arm: (tmp_path / "figures" / arm / "pair_weights.svg").read_text() for arm in ("net", "temporal")}
    assert "weights have not left their random start (correlation +1.000)" in drawn["net"]
    assert "ESS / N): 0.800" in drawn["net"]
    assert "the largest move was 0.02" in drawn["net"]
    assert "Verdict" not in drawn["temporal"]
    names = {path.name for path in (tmp_path / "figures/constant").iterdir()}
    assert names == {f"{name}.{kind}" for name in ("film_strip", "pretraining_curve") for kind in ("png", "svg")}
