import pytest
import torch

from uscl.base.errors import UserError
from uscl.models.encoder import Encoder
from uscl.models.encoders import ULTRASOUND, InputStats


@pytest.mark.parametrize(("arch", "dim"), [("resnet18", 512), ("tf_efficientnet_lite0", 1280)])
def test_grey_frames_become_features(arch, dim):
    encoder = Encoder(arch).eval()
    with torch.inference_mode():
        assert encoder(torch.rand(2, 1, 64, 64)).shape == (2, dim)
    assert encoder.dim == dim


def test_grey_frames_are_normalised_for_each_channel():
    encoder = Encoder("resnet18", InputStats((0.1, 0.2, 0.3), (0.5, 0.25, 0.1)))
    seen = []
    encoder.backbone.conv1.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    encoder(torch.full((2, 1, 32, 32), 0.6))
    torch.testing.assert_close(seen[0][0, :, 5, 5], torch.tensor([1.0, 1.6, 3.0]))


def test_weights_have_the_published_names():
    names = set(Encoder("resnet18").backbone.state_dict())
    assert {"conv1.weight", "layer4.1.bn2.running_var"} <= names
    assert not any(name.startswith("fc.") for name in names)
    assert Encoder("resnet18").stats == ULTRASOUND


def test_an_unknown_encoder_is_named_with_the_known_ones():
    with pytest.raises(UserError, match=r"resnet81.*resnet18, tf_efficientnet_lite0"):
        Encoder("resnet81")
