"""What every encoder of the registry must be able to do."""

import subprocess
import sys

import pytest
import torch

import uscl
from uscl.base.errors import UserError
from uscl.models.checkpoint import save_encoder
from uscl.models.encoder import Encoder
from uscl.models.encoders import ENCODERS, HubWeights, encoder_spec
from uscl.models.freezing import freeze_below_last_block
from uscl.models.imagenet import imagenet_encoder
from uscl.models.segmenter import DECODERS, Segmenter

import torchvision  # isort: skip  (after uscl.models.encoder)

every_encoder = pytest.mark.parametrize("name", ENCODERS)


@every_encoder
def test_an_encoder_is_built_with_the_features_and_parameters_that_it_declares(name):
    spec, encoder = ENCODERS[name], Encoder(name).eval()
    assert spec.name == name
    with torch.inference_mode():
        assert encoder(torch.rand(2, 1, 64, 64)).shape == (2, spec.features)
    count = sum(parameter.numel() for parameter in encoder.parameters())
    assert count == pytest.approx(spec.parameters, rel=0.01)
    assert not any(tensor.startswith(f"{spec.head}.") for tensor in encoder.backbone.state_dict())


@every_encoder
def test_an_encoder_that_is_saved_loads_as_it_was(name, tmp_path):
    encoder = Encoder(name, ENCODERS[name].image_statistics).eval()
    save_encoder(encoder, tmp_path / "encoder.safetensors", method="simclr")
    loaded, frames = uscl.load_encoder(tmp_path / "encoder.safetensors"), torch.rand(2, 1, 64, 64)
    assert loaded.stats == encoder.stats
    with torch.inference_mode():
        assert torch.equal(loaded(frames), encoder(frames))


@every_encoder
def test_last_block_leaves_that_block_alone_to_train(name):
    encoder = Encoder(name)
    freeze_below_last_block(encoder.backbone, name)
    trained = {key for key, parameter in encoder.backbone.named_parameters() if parameter.requires_grad}
    of_block = {key for key, _ in encoder.backbone.named_parameters() if key.startswith(ENCODERS[name].last_block)}
    assert trained == of_block
    for prefix in ENCODERS[name].last_block:
        assert any(key.startswith(prefix) for key in trained), prefix
    assert len(trained) < len(list(encoder.parameters()))


@pytest.mark.parametrize("decoder", DECODERS)
@every_encoder
def test_an_encoder_segments_or_gives_the_reason_why_not(name, decoder):
    known = ENCODERS[name].segmentation
    if isinstance(known, str):
        assert known.endswith(".")
        with pytest.raises(UserError, match=rf"Encoder {name} can't segment: "):
            Segmenter(Encoder(name), decoder)
        return
    model = Segmenter(Encoder(name), decoder)
    model.freeze_below_last_block()
    assert model(torch.rand(2, 1, 64, 64)).shape == (2, 1, 64, 64)
    unused = [key for key in Encoder(name).backbone.state_dict() if key.startswith(known.unused or ("none",))]
    assert model.matched == len(Encoder(name).backbone.state_dict()) - len(unused)


def test_an_encoder_without_a_decoder_is_refused_with_the_reason(monkeypatch):
    monkeypatch.setitem(ENCODERS, "resnet18", ENCODERS["resnet18"]._replace(segmentation="it gives no feature maps."))
    with pytest.raises(UserError, match=r"^Encoder resnet18 can't segment: it gives no feature maps\.$"):
        Segmenter(Encoder("resnet18"))


@every_encoder
def test_published_weights_are_packaged_or_those_of_torchvision(name):
    weights = ENCODERS[name].weights
    if isinstance(weights, HubWeights):
        published = torchvision.models.get_model_weights(name)
        assert weights.url in {entry.url for entry in published}
    else:
        assert imagenet_encoder(name).stats == ENCODERS[name].image_statistics


def test_an_unknown_encoder_is_refused_with_the_known_ones():
    known = ", ".join(sorted(ENCODERS))
    for refused in (encoder_spec, Encoder):
        with pytest.raises(UserError, match=f"Unknown encoder 'resnet81': choose one of {known}"):
            refused("resnet81")


def test_the_registry_is_light_to_import():
    heavy = "{'torch', 'torchvision', 'timm', 'numpy', 'pandas', 'sklearn', 'scipy', 'mlflow'}"
    command = f"import sys, uscl.models.encoders; sys.exit(', '.join({heavy} & set(sys.modules)) or None)"
    ended = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
