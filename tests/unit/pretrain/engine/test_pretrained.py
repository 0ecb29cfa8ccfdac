import json

import numpy as np
import pandas as pd
import pytest
import torch
from stores import bright_or_dark_store
from torch import nn

from uscl.data.store import FrameStore
from uscl.jobs.run_record import RunRecord
from uscl.models.encoder import Encoder
from uscl.pretrain.engine.pretrained import PAIRS_A_VIDEO, Pretrained, heads, weighed_pairs, write_pretrained
from uscl.pretrain.pairs.pairs import anchored, interpolated, one_frame
from uscl.pretrain.pairs.pool import Pool
from uscl.pretrain.pairs.pool_parts import Shares
from uscl.training.device import start

ROWS = ["row_a", "row_b", "row_c"]


@pytest.fixture(scope="module")
def pool():
    store = bright_or_dark_store(groups=10, frames=6)
    order = np.random.default_rng(0).permutation(60)
    scrambled = FrameStore(store.frames[order], None, store.manifest.iloc[order].reset_index(drop=True))
    return Pool(scrambled, start("cpu", "32-true", threads=1), 0, Shares(0.2, 0.2))


def table_of(pool, draw=interpolated, weigh=None, seed=0):
    return weighed_pairs(pool, lambda videos, rng: draw(pool.videos, videos, rng), weigh, seed)


@pytest.mark.parametrize("draw", [one_frame, interpolated, anchored])
def test_every_video_of_the_pool_gives_a_few_pairs_of_its_own_frames(pool, draw):
    table = table_of(pool, draw)
    assert list(table.columns) == ["video", "group", "part", *ROWS, "distance", "weight"]
    assert list(table["video"]) == list(np.repeat(pool.parts["video"], PAIRS_A_VIDEO))
    for name in ROWS:
        of_rows = pool.manifest.iloc[table[name].to_numpy()]
        assert list(of_rows["video"]) == list(table["video"])
        assert list(of_rows["group"]) == list(table["group"])
    part = pool.parts.set_index("video")["part"]
    assert list(part[table["video"]]) == list(table["part"])


def test_rows_a_b_c_are_in_time_order_and_the_distance_is_theirs(pool):
    table = table_of(pool)
    frames = pool.manifest["frame"].to_numpy()[table[ROWS].to_numpy()]
    assert (np.diff(frames, axis=1) > 0).all()
    assert (table["distance"] > 0).all()
    assert (table["distance"] <= frames[:, 2] - frames[:, 0]).all()


def test_each_pair_has_the_weight_that_it_was_given(pool):
    table = table_of(pool, weigh=lambda pairs: {"weight": pairs.rows[:, 1] / 100, "start_weight": 0.5})
    assert list(table["weight"]) == list(table["row_b"] / 100)
    assert (table["start_weight"] == 0.5).all()


def test_pairs_weigh_one_if_nothing_weights_them(pool):
    assert (table_of(pool)["weight"] == 1).all()


def test_a_seed_gives_its_pairs_again_and_another_seed_gives_others(pool):
    assert table_of(pool).equals(table_of(pool))
    assert not table_of(pool)[ROWS].equals(table_of(pool, seed=1)[ROWS])


def test_heads_are_named_by_module_and_tensor_and_absent_ones_left_out():
    projector = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 2))
    found = heads(projector=projector, weight_net=nn.Linear(2, 1), classifier=None)
    assert list(found) == [
        *[f"projector.{name}" for name in ("0.weight", "0.bias", "2.weight", "2.bias")],
        "weight_net.weight",
        "weight_net.bias",
    ]
    assert torch.equal(found["projector.2.weight"], projector[2].weight)
    assert not any(tensor.requires_grad for tensor in found.values())


@pytest.mark.parametrize(
    ("figures", "verdict"),
    [
        ({"loss": 4.1, "chance_loss": 4.14, "ideal_loss": 2.24}, "at chance: training loss 4.10, chance 4.14"),
        ({}, None),
    ],
)
def test_the_record_says_what_the_encoder_learned(figures, verdict, tmp_path):
    rest = {"start_loss": 4.14, "validation_loss": 2.0, "validation_chance_loss": 2.5, "movement": 0.1, "images": 4}
    history = pd.DataFrame([rest | figures | {"uniformity": -2.0}])
    data = tmp_path / "manifest.csv"
    data.write_text("row\n")
    record = RunRecord("pretrain/a/seed0", params={}, config={}, data=[data], tags={"arm": "a"})
    result = Pretrained(
        Encoder("resnet18"), {"head": torch.zeros(1)}, history, pd.DataFrame(), pd.DataFrame(), 1.0, 0.9
    )
    write_pretrained(result, tmp_path, "simclr", record)
    written = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert written.get("learned") == verdict
    assert written["tags"] == {"arm": "a"}  # MLflow's run began with these
