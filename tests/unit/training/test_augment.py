import kornia.augmentation as K
import pytest
import torch

from uscl.base.seeds import torch_stream
from uscl.training.augment import META_USCL, USCL, as_float, contrastive, supervised


@pytest.fixture
def frames():
    return as_float(torch.randint(0, 256, (16, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)))


def test_as_float_scales_to_the_unit_interval():
    scaled = as_float(torch.tensor([[[0, 255], [51, 102]]], dtype=torch.uint8))
    torch.testing.assert_close(scaled, torch.tensor([[[[0.0, 1.0], [0.2, 0.4]]]]))


@pytest.mark.parametrize("augmentation", [contrastive(32), supervised(32)])
def test_views_keep_shape_and_range_and_repeat_with_the_stream(frames, augmentation):
    with torch_stream(0, "augment"):
        first, second = augmentation(frames), augmentation(frames)
    with torch_stream(0, "augment"):
        again = augmentation(frames)
    assert first.shape == frames.shape
    assert 0 <= first.min() <= first.max() <= 1
    assert torch.equal(first, again)
    assert not torch.equal(first, second)


def test_saturation_and_hue_leave_grey_frames_as_they_are(frames):
    grey = frames.expand(-1, 3, -1, -1)
    with torch_stream(0, "augment"):
        jittered = K.ColorJitter(saturation=0.64, hue=0.16, p=1.0)(grey)
    torch.testing.assert_close(jittered, grey, atol=1e-5, rtol=0)


def test_every_sample_draws_its_own_parameters():
    same = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0)).expand(8, -1, -1, -1)
    with torch_stream(0, "augment"):
        views = contrastive(32)(same)
    assert len({view.sum().item() for view in views}) == 8


def test_masks_move_with_their_images_and_stay_binary():
    masks = torch.zeros(12, 1, 64, 64)
    masks[:, :, 10:30, 35:60] = 1
    with torch_stream(0, "augment"):
        images, moved = supervised(64, masks=True)(masks * 0.5 + 0.25, masks)
    assert set(moved.unique().tolist()) == {0.0, 1.0}
    assert not torch.equal(moved, masks)
    for image, mask in zip(images, moved, strict=True):
        # The lesion is the brighter part of every image, wherever it went; its rim is blurred by resampling.
        assert image[mask == 1].mean() > image[mask == 0].mean() + 0.1


@pytest.mark.parametrize("style", [META_USCL, USCL])
def test_every_view_has_colour_jitter_of_its_strength(style):
    """A grey picture without structure keeps its level through crop and flip, so only jitter changes it."""
    with torch_stream(0, "augment"):
        views = contrastive(16, style)(torch.full((400, 1, 16, 16), 0.5))
    levels = views.mean(dim=(1, 2, 3))
    assert (levels - 0.5).abs().min() > 1e-6  # none is left as it was
    low, high = 0.5 * (1 - style.jitter), min(1.0, 0.5 * (1 + style.jitter))
    assert low <= levels.min() < low + 0.02
    assert high - 0.02 < levels.max() <= high


@pytest.mark.parametrize(("style", "smallest"), [(META_USCL, 0.7), (USCL, 0.8)])
def test_crops_are_as_large_as_published(style, smallest):
    crop = contrastive(64, style)[0]
    with torch_stream(0, "augment"):
        drawn = crop.forward_parameters(torch.Size((2000, 1, 64, 64)))
    corners = drawn["src"]
    sides = corners[:, 2] - corners[:, 0] + 1
    shares = sides.prod(dim=1) / 64**2
    assert shares.min() == pytest.approx(smallest, abs=0.05)
    assert shares.min() > smallest - 0.05


def test_the_order_of_the_jitter_is_one_for_a_batch():
    jitter = contrastive(16)[2]
    with torch_stream(0, "augment"):
        drawn = [jitter.forward_parameters(torch.Size((8, 1, 16, 16))) for _ in range(20)]
    assert {tuple(one["order"].shape) for one in drawn} == {(4,)}
    assert len({tuple(one["order"].tolist()) for one in drawn}) > 1
    assert all(len(set(one["brightness_factor"].tolist())) == 8 for one in drawn)
