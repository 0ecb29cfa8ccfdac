import inspect
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from stores import bright_or_dark_store

from uscl.device import start
from uscl.errors import UserError
from uscl.pretrain.random import untrained_encoder
from uscl.pretrain.simclr import frame_batches, pretrain
from uscl.seeds import torch_stream

ROOT = Path(__file__).parents[3]


def videos(lengths):
    return pd.Series([f"v{i}" for i, length in enumerate(lengths) for _ in range(length)])


def test_every_video_gives_one_of_its_frames_an_epoch():
    names = videos([3, 1, 5, 2, 4])
    for epoch in range(20):
        rows = np.concatenate(list(frame_batches(names, 2, seed=0, epoch=epoch)))
        assert sorted(names[rows]) == ["v0", "v1", "v2", "v3", "v4"]


def test_all_frames_are_drawn_in_time_and_videos_need_not_lie_together():
    names = videos([3, 1, 5]).sample(frac=1, random_state=0).reset_index(drop=True)
    seen = {row for epoch in range(100) for batch in frame_batches(names, 2, 0, epoch) for row in batch}
    assert seen == set(range(9))


def test_epochs_and_seeds_differ_and_repeat():
    def draw(seed, epoch):
        return np.concatenate(list(frame_batches(videos([9] * 20), 8, seed, epoch))).tolist()

    assert draw(0, 0) == draw(0, 0)
    assert len({tuple(draw(seed, epoch)) for seed in range(3) for epoch in range(3)}) == 9


@pytest.mark.parametrize(
    ("count", "size", "lengths"), [(6, 4, [4, 2]), (5, 4, [5]), (9, 4, [4, 5]), (2, 32, [2]), (8, 4, [4, 4])]
)
def test_no_batch_is_a_single_video(count, size, lengths):
    assert [len(batch) for batch in frame_batches(videos([2] * count), size, 0, 0)] == lengths


@pytest.mark.parametrize(("count", "size"), [(1, 32), (0, 32), (5, 1)])
def test_too_few_to_compare_is_said(count, size):
    with pytest.raises(UserError, match=f"the pool has {count} and `batch_size` is {size}"):
        list(frame_batches(videos([2] * count), size, 0, 0))


@pytest.fixture
def fabric():
    return start("cpu", "32-true", threads=1)


def test_pretraining_lowers_the_loss_and_repeats_bit_by_bit(fabric):
    pool = bright_or_dark_store(groups=8)
    settings = {"epochs": 6, "batch_size": 4, "warmup_epochs": 2, "lr": 0.05}
    encoder, history = pretrain("resnet18", pool, fabric, 0, **settings)
    again, _ = pretrain("resnet18", pool, fabric, 0, **settings)
    other, _ = pretrain("resnet18", pool, fabric, 1, **settings)
    assert history["loss"].iloc[-1] < history["loss"].iloc[0]
    assert list(history["epoch"]) == list(range(6))
    assert all(torch.equal(a, b) for a, b in zip(encoder.parameters(), again.parameters(), strict=True))
    assert not torch.equal(next(encoder.parameters()), next(other.parameters()))


def test_every_setting_of_the_config_is_taken():
    schema = json.loads((ROOT / "workflow/schemas/config.schema.json").read_text())
    settings = schema["properties"]["methods"]["additionalProperties"]["properties"]
    assert set(settings) - {"method"} <= set(inspect.signature(pretrain).parameters)


def test_it_starts_from_the_weights_of_the_random_arm(fabric):
    pool = bright_or_dark_store(groups=4)
    encoder, _ = pretrain("resnet18", pool, fabric, 0, epochs=1, batch_size=4, lr=1e-30, weight_decay=0.0)
    random = untrained_encoder("resnet18", 0)
    assert torch.equal(encoder.backbone.conv1.weight, random.backbone.conv1.weight)
    # BatchNorm has seen ultrasound nevertheless.
    assert not torch.equal(encoder.backbone.bn1.running_mean, random.backbone.bn1.running_mean)


def test_a_loss_that_is_not_finite_stops_and_names_the_place(fabric):
    pool = bright_or_dark_store(groups=4)
    with torch_stream(0, "test"), pytest.raises(UserError, match=r"nan in epoch \d+, step \d+: lower"):
        pretrain("resnet18", pool, fabric, 0, epochs=5, batch_size=4, lr=1e30, warmup_epochs=0)
