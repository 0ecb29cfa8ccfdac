import numpy as np
import pytest

from uscl.metrics.masks import hd95 as stored_hd95
from uscl.metrics.native import Pair, dice, hd95, hd95_mm, iou, nsd

EMPTY = np.zeros((30, 40), dtype=bool)


def square(top, left, side=10):
    mask = EMPTY.copy()
    mask[top : top + side, left : left + side] = True
    return mask


def random_pair(seed, tolerance=2.0):
    """Two overlapping unions of squares, off the picture's edge."""
    rng = np.random.default_rng(seed)
    squares = [[square(*rng.integers(1, 18, 2), rng.integers(3, 11)) for _ in range(4)] for _ in range(2)]
    return Pair(*map(np.logical_or.reduce, squares), mm_per_pixel=0.3, tolerance=tolerance)


def by_hand(pair):
    """Distances from each surface pixel to every surface pixel of the other mask, in both directions."""
    surfaces = []
    for mask in (pair.predicted, pair.true):
        framed = np.pad(mask, 1)
        inner = framed[:-2, 1:-1] & framed[2:, 1:-1] & framed[1:-1, :-2] & framed[1:-1, 2:]
        surfaces.append(np.argwhere(mask & ~inner))
    between = np.linalg.norm(surfaces[0][:, None] - surfaces[1][None], axis=2)
    return between.min(axis=1), between.min(axis=0)


def test_a_square_that_is_shifted_by_three_pixels_has_known_scores():
    pair = Pair(square(5, 5), square(5, 8), mm_per_pixel=0.5, tolerance=1.0)
    assert dice(pair) == pytest.approx(2 * 70 / 200)
    assert iou(pair) == pytest.approx(70 / 130)
    assert hd95(pair) == 3
    assert hd95_mm(pair) == 1.5
    # Of each mask's 36 surface pixels, 8 of the 10 in the top row are at most 1 away, as in the bottom row, and of the
    # sides the pixels next to these rows on the side that crosses the other mask.
    assert nsd(pair) == (8 + 8 + 2) * 2 / 72


@pytest.mark.parametrize("seed", range(8))
def test_distances_are_those_of_a_slow_twin_and_of_the_stored_masks(seed):
    pair = random_pair(seed)
    one, other = by_hand(pair)
    assert hd95(pair) == pytest.approx(max(np.percentile(one, 95), np.percentile(other, 95)), abs=1e-12)
    assert hd95(pair) == pytest.approx(stored_hd95(pair.predicted[None], pair.true[None])[0], abs=1e-12)
    assert nsd(pair) == ((one <= 2).sum() + (other <= 2).sum()) / (len(one) + len(other))


@pytest.mark.parametrize("seed", range(3))
def test_distances_are_those_of_monai(seed):
    import monai.metrics as monai  # late: it imports torch
    import torch

    pair = random_pair(seed)
    masks = [torch.from_numpy(np.stack([~mask, mask])[None]) for mask in (pair.predicted, pair.true)]
    assert hd95(pair) == pytest.approx(monai.compute_hausdorff_distance(*masks, percentile=95).item(), abs=1e-4)
    assert nsd(pair) == pytest.approx(monai.compute_surface_dice(*masks, class_thresholds=[2.0]).item(), abs=1e-6)
    assert dice(pair) == pytest.approx(monai.compute_dice(*masks, include_background=False).item(), abs=1e-6)


def test_the_pooled_form_of_hd95_is_another_number():
    pairs = [random_pair(seed) for seed in range(8)]
    less = [hd95(pair) - np.percentile(np.concatenate(pair.distances), 95) for pair in pairs]
    assert max(less) > 0.5


def test_masks_without_a_pixel_count_by_the_rule():
    both, one = Pair(EMPTY, EMPTY, 0.5, 1.0), Pair(EMPTY, square(2, 2), 0.5, 1.0)
    other = Pair(square(2, 2), EMPTY, 0.5, 1.0)
    assert [score(both) for score in (dice, iou, hd95, hd95_mm, nsd)] == [1, 1, 0, 0, 1]
    for pair in (one, other):
        assert [score(pair) for score in (dice, iou, hd95, hd95_mm, nsd)] == [0, 0, 50, 25, 0]
