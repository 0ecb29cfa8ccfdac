import types
from functools import partial

import numpy as np
import pytest
import torch
from stores import bright_or_dark_store

from uscl.pretrain.pairs.pair_views import Views
from uscl.pretrain.pairs.pairs import Videos, anchored, interpolated, one_frame
from uscl.training.parallel import own

STREAM = (0, "augment", 3, 1)


class Squaring(torch.nn.Module):
    """An augmentation that gives another result before mixing than after it."""

    def forward_parameters(self, shape):
        return []

    def forward(self, frames, params):
        return frames.square()


@pytest.fixture(scope="module")
def store():
    return bright_or_dark_store(groups=7, frames=4)


@pytest.fixture
def squaring(monkeypatch):
    monkeypatch.setattr("uscl.pretrain.pairs.pair_views.contrastive", lambda size, style: Squaring())


def process(rank=0, world=1):
    """The part of Fabric that views need, in one of several processes."""
    return types.SimpleNamespace(
        global_rank=rank, world_size=world, device=torch.device("cpu"), to_device=lambda tensor: tensor
    )


def drawn(store, draw, count=7):
    return draw(Videos(store.manifest), np.arange(count), np.random.default_rng(0))


def mixed_by_hand(store, pairs, change):
    """All first views, then all second views, pixel by pixel in float64; `change` is applied to every frame before."""
    views = []
    for view in (0, 1):
        for rows, shares in zip(pairs.rows, pairs.shares.tolist(), strict=True):
            frames = [change(store.frames[row].astype(float) / 255) for row in rows]
            views.append(sum(share * frame for share, frame in zip(shares[view], frames, strict=True)))
    return torch.from_numpy(np.stack(views)).unsqueeze(1).float()


@pytest.mark.usefixtures("squaring")
@pytest.mark.parametrize("draw", [interpolated, anchored, one_frame])
def test_frames_are_mixed_before_they_are_augmented(store, draw):
    pairs = drawn(store, draw)
    expected = mixed_by_hand(store, pairs, lambda frame: frame).square()
    torch.testing.assert_close(Views(store, process()).mixed_first(pairs, STREAM), expected)


@pytest.mark.usefixtures("squaring")
@pytest.mark.parametrize("draw", [interpolated, anchored, one_frame])
def test_uscl_augments_frames_before_they_are_mixed(store, draw):
    pairs = drawn(store, draw)
    expected = mixed_by_hand(store, pairs, np.square)
    torch.testing.assert_close(Views(store, process()).augmented_first(pairs, STREAM), expected)


@pytest.mark.parametrize("way", [Views.mixed_first, Views.augmented_first])
def test_the_same_stream_gives_the_same_views_and_another_gives_others(store, way):
    make = partial(way, Views(store, process()), drawn(store, interpolated))
    views = make(STREAM)
    assert views.shape == (14, 1, 32, 32)
    assert 0 <= views.min() <= views.max() <= 1 + 1e-6
    assert torch.equal(views, make(STREAM))
    for other in [(1, *STREAM[1:]), (*STREAM[:3], 2), (0, "meta", 3, 1)]:
        assert not torch.isclose(views, make(other)).flatten(1).all(1).any()


@pytest.mark.parametrize("way", [Views.mixed_first, Views.augmented_first])
def test_making_views_leaves_torchs_own_random_numbers_alone(store, way):
    before = torch.get_rng_state()
    way(Views(store, process()), drawn(store, interpolated), STREAM)
    assert torch.equal(before, torch.get_rng_state())


def test_every_view_of_a_batch_draws_its_own_augmentation(store):
    pairs = drawn(store, one_frame)
    views = Views(store, process()).mixed_first(pairs._replace(rows=np.zeros_like(pairs.rows)), STREAM)
    assert len({tuple(view.flatten().tolist()) for view in views}) == len(views)


def test_both_views_of_a_uscl_pair_share_the_augmented_anchor(store):
    pairs = drawn(store, anchored)
    shares = np.broadcast_to(np.array([0, 1, 0], np.float32), pairs.shares.shape)
    first, second = Views(store, process()).augmented_first(pairs._replace(shares=shares), STREAM).chunk(2)
    assert torch.equal(first, second)


# Of 2 pairs the batch has 4 views, as many as the colour jitter has steps; of 3 processes one then has no pair.
@pytest.mark.parametrize(("count", "world"), [(2, 2), (3, 2), (4, 2), (7, 2), (2, 3), (7, 3)])
@pytest.mark.parametrize("way", [Views.mixed_first, Views.augmented_first])
@pytest.mark.parametrize("draw", [one_frame, anchored])
@pytest.mark.filterwarnings("error:The given NumPy array is not writable")
def test_each_process_makes_its_rows_of_the_whole_batch(store, draw, way, count, world):
    pairs = drawn(store, draw, count)
    whole = way(Views(store, process()), pairs, STREAM).unflatten(0, (2, count))
    for rank in range(world):
        fabric = process(rank, world)
        expected = whole[:, own(fabric, count)].flatten(0, 1)
        assert torch.equal(way(Views(store, fabric), pairs, STREAM), expected)
