import inspect
import json
from pathlib import Path

import pytest
import torch
from stores import bright_or_dark_store

from uscl.device import start
from uscl.errors import UserError
from uscl.pretrain.random import untrained_encoder
from uscl.pretrain.simclr import pretrain
from uscl.seeds import torch_stream

ROOT = Path(__file__).parents[3]


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
