import pytest
import torch
from timm.models import swin_transformer, vision_transformer

from uscl.base.errors import UserError
from uscl.models.encoder import Encoder
from uscl.models.encoders import InputStats
from uscl.models.foreign_weights import load_published
from uscl.models.published_layout import fitted

VIT, SWIN = "timm/vit_tiny_patch16_224", "timm/swin_tiny_patch4_window7_224"


@pytest.mark.parametrize(
    ("name", "filtered"),
    [(VIT, vision_transformer.checkpoint_filter_fn), (SWIN, swin_transformer.checkpoint_filter_fn)],
)
def test_weights_of_another_size_are_those_that_timm_itself_makes(name, filtered):
    published, small = Encoder(name).backbone.state_dict(), Encoder(name, input_size=64)
    found = fitted(published, small.backbone, None, "a file")
    expected = filtered(dict(published), small.backbone)
    changed = [key for key in expected if published[key].shape != expected[key].shape]
    assert changed
    for key in changed:
        torch.testing.assert_close(found[key], expected[key])
    load_published(small, published, source="a file")


def test_positions_of_torchvision_are_resampled_too():
    published, small = (
        Encoder("torchvision/vit_b_32").backbone.state_dict(),
        Encoder("torchvision/vit_b_32", input_size=64),
    )
    found = fitted(published, small.backbone, None, "a file")["encoder.pos_embedding"]
    assert found.shape == (1, 1 + 4, 768)
    assert torch.equal(found[:, 0], published["encoder.pos_embedding"][:, 0])


def test_a_stem_of_three_channels_gives_the_same_features_with_one():
    grey = InputStats((0.18,), (0.24,))
    three, one = (
        Encoder("timm/resnet18", InputStats(*(3 * part for part in grey))).eval(),
        Encoder("timm/resnet18", grey),
    )
    load_published(one, three.backbone.state_dict(), source="a file")
    frames = torch.rand(2, 1, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(one.eval()(frames), three(frames), rtol=1e-4, atol=1e-5)


def test_weights_of_another_width_are_still_refused():
    with pytest.raises(UserError, match="of another shape"):
        load_published(Encoder(VIT), Encoder("timm/vit_small_patch16_224").backbone.state_dict(), source="a file")
