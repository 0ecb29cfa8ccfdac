import pytest
import torch

from uscl.models.encoders import Encoder, InputStats
from uscl.models.unet import UNet


@pytest.mark.parametrize(("arch", "tensors"), [("resnet18", 120), ("tf_efficientnet_lite0", 288)])
def test_all_of_the_unet_encoder_comes_from_the_pretrained_one(arch, tensors):
    encoder = Encoder(arch, InputStats((0.5,) * 3, (0.25,) * 3))
    unet = UNet(encoder)
    own = unet.net.encoder.state_dict()
    assert unet.matched == len(own) == tensors
    prefix = "" if arch == "resnet18" else "model."
    given = encoder.backbone.state_dict()
    assert all(torch.equal(tensor, given[name.removeprefix(prefix)]) for name, tensor in own.items())


def test_logits_have_the_shape_of_the_frames_and_the_encoders_normalisation():
    encoder = Encoder("resnet18", InputStats((0.5,) * 3, (0.25,) * 3))
    unet = UNet(encoder).eval()
    seen = []
    unet.net.encoder.conv1.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    with torch.inference_mode():
        logits = unet(torch.full((2, 1, 64, 96), 0.75))
    assert logits.shape == (2, 1, 64, 96)
    assert torch.equal(seen[0], torch.ones(2, 3, 64, 96))


def test_the_unet_does_not_share_weights_with_the_encoder():
    encoder = Encoder("resnet18")
    unet = UNet(encoder)
    with torch.no_grad():
        unet.net.encoder.conv1.weight.zero_()
    assert encoder.backbone.conv1.weight.abs().sum() > 0
