import pytest
import torch
from stores import bright_or_dark_store
from tiny import TinyEncoder
from trained import trained

from uscl.models.encoders import ULTRASOUND, encoder_spec
from uscl.models.imagenet import imagenet_encoder
from uscl.pretrain.engine.initial import initial_encoder
from uscl.pretrain.methods import imagenet, simclr, untrained
from uscl.training.device import start


@pytest.fixture(scope="module")
def fabric():
    return start("cpu", "32-true", threads=1)


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(tensor, b[name]) for name, tensor in a.items())


def control(fabric, encoder=None, groups=10, **settings):
    given = {"epochs": 3, "batch_size": 3} | settings
    return trained(untrained, encoder or TinyEncoder(), bright_or_dark_store(groups=groups), fabric, 0, **given)


def test_random_weights_follow_the_seed():
    first, again, other = (initial_encoder("resnet18", "random", seed).encoder for seed in (0, 0, 1))
    assert torch.equal(first.backbone.conv1.weight, again.backbone.conv1.weight)
    assert not torch.equal(first.backbone.conv1.weight, other.backbone.conv1.weight)


def test_imagenet_weights_are_the_published_ones():
    encoder = imagenet.published_encoder("tf_efficientnet_lite0", 0, None, imagenet.ImageNet()).encoder
    expected = imagenet_encoder("tf_efficientnet_lite0")
    assert torch.equal(encoder.backbone.conv_stem.weight, expected.backbone.conv_stem.weight)


@pytest.mark.parametrize(
    "settings", [{}, {"batchnorm": "joint"}, {"remainder": "drop", "batch_size": 4}, {"train_on": "all"}]
)
def test_the_calibrated_control_is_a_pretraining_that_learns_nothing(fabric, settings):
    """With a learning rate of 0, a training moves BatchNorm's statistics alone."""
    given = {"epochs": 3, "batch_size": 3, "warmup_epochs": 0, "lr": 0.0} | settings
    nothing_learned = trained(simclr, TinyEncoder(), bright_or_dark_store(groups=10), fabric, 0, **given)
    found = control(fabric, **settings)
    assert same(found.encoder.state_dict(), nothing_learned.encoder.state_dict())
    assert not found.encoder.training
    assert found.parts.equals(nothing_learned.parts)
    assert found.history["images"].item() == nothing_learned.history["images"].sum()
    assert found.history["validation_loss"].item() == nothing_learned.history["validation_loss"].iloc[-1]


def test_calibration_moves_statistics_and_no_weight(fabric):
    found = control(fabric).encoder
    assert same(dict(found.named_parameters()), dict(TinyEncoder().named_parameters()))
    assert not torch.equal(found.backbone[1].running_mean, TinyEncoder().backbone[1].running_mean)


def test_without_calibration_the_encoder_is_the_one_given(fabric):
    found = control(fabric, calibrate=False)
    assert same(found.encoder.state_dict(), TinyEncoder().state_dict())
    assert found.history["images"].item() == 0


def test_passes_that_batchnorm_has_forgotten_are_not_made(fabric, monkeypatch):
    whole = control(fabric, epochs=90)
    monkeypatch.setattr(untrained, "FORGOTTEN", 10**9)
    every_pass = control(fabric, epochs=90)
    assert whole.history["images"].item() < every_pass.history["images"].item()
    for name, tensor in whole.encoder.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            torch.testing.assert_close(tensor, every_pass.encoder.state_dict()[name], rtol=1e-6, atol=1e-7)


def test_the_bare_form_is_named_in_the_table():
    assert untrained.METHOD.remarks(untrained.Untrained()) == ()
    assert "uncalibrated" in untrained.METHOD.remarks(untrained.Untrained(calibrate=False))[0]


def test_an_arm_keeps_the_normalisation_of_its_starting_weights(fabric):
    lite0 = "tf_efficientnet_lite0"
    for init, stats in (("random", ULTRASOUND), ("imagenet", encoder_spec(lite0).image_statistics)):
        encoder = initial_encoder(lite0, init, 0).encoder
        store = bright_or_dark_store(groups=10)
        result = trained(simclr, encoder, store, fabric, 0, epochs=1, batch_size=8)
        assert result.encoder.stats == stats
        assert result.encoder.mean.flatten().tolist() == pytest.approx(stats.mean)
