import numpy as np
import pytest
from sklearn.metrics import f1_score, jaccard_score

from uscl.metrics.masks import dice, hd95, iou, surface

DIAGONAL = np.hypot(20, 30)


def square(top, left, side=6):
    """One image of 20 x 30 pixels with a square lesion."""
    mask = np.zeros((1, 20, 30), dtype=bool)
    mask[0, top : top + side, left : left + side] = True
    return mask


EMPTY = np.zeros((1, 20, 30), dtype=bool)


def test_dice_and_iou_of_hand_made_masks():
    true = np.zeros((4, 4, 4), dtype=bool)
    predicted = np.zeros_like(true)
    true[1, :2] = predicted[1, :2] = True  # equal
    true[2, 0], predicted[2, 0, 2:] = True, True  # half found
    true[3, 0] = predicted[3, 3] = True  # apart; number 0: both empty
    np.testing.assert_allclose(dice(predicted, true), [1, 1, 2 * 2 / 6, 0])
    np.testing.assert_allclose(iou(predicted, true), [1, 1, 2 / 4, 0])


def test_all_three_metrics_show_that_one_of_two_lesions_is_missed():
    true = square(2, 2) | square(12, 20)
    predicted = square(2, 2)
    assert dice(predicted, true) == pytest.approx(2 * 36 / (36 + 72))
    assert iou(predicted, true) == pytest.approx(36 / 72)
    # Of 40 surface pixels 20 are found. The others are hypot(5 to 10, 13 to 18) from the found lesion's corner, and the
    # 95th percentile lies a twentieth of the way from the third farthest, hypot(10, 17), to the second, hypot(9, 18).
    far = np.hypot(10, 17) + 0.05 * (np.hypot(9, 18) - np.hypot(10, 17))
    assert hd95(predicted, true) == hd95(true, predicted) == pytest.approx(far)


@pytest.mark.parametrize("metric", [dice, iou])
def test_one_empty_mask_has_no_overlap(metric):
    assert metric(square(2, 2), EMPTY) == metric(EMPTY, square(2, 2)) == 0
    assert metric(EMPTY, EMPTY) == 1


def test_one_empty_mask_is_a_diagonal_away_and_two_are_no_distance_apart():
    assert hd95(square(2, 2), EMPTY) == hd95(EMPTY, square(2, 2)) == DIAGONAL
    assert hd95(EMPTY, EMPTY) == 0


def test_no_two_masks_are_as_far_apart_as_one_from_none():
    assert hd95(square(0, 0, 1), square(19, 29, 1)) == np.hypot(19, 29) < DIAGONAL


def test_images_are_scored_one_by_one():
    predicted = np.concatenate([EMPTY, square(2, 2), square(2, 5), EMPTY, square(2, 2)])
    true = np.concatenate([EMPTY, EMPTY, square(2, 2), square(2, 2), square(2, 2)])
    np.testing.assert_allclose(hd95(predicted, true), [0, DIAGONAL, 3, DIAGONAL, 0])
    np.testing.assert_array_equal(dice(predicted, true), [1, 0, 0.5, 0, 1])


@pytest.mark.parametrize("shift", [0, 1, 4, 9])
def test_the_distance_of_shifted_squares_is_their_shift(shift):
    assert hd95(square(5, 3 + shift), square(5, 3)) == shift


def test_a_lesion_at_the_border_has_surface_there():
    whole = np.ones((1, 40, 40), dtype=bool)
    border = np.ones((40, 40), dtype=bool)
    border[1:-1, 1:-1] = False
    np.testing.assert_array_equal(surface(whole)[0], border)
    # Without its border the whole image would have no surface at all.
    inner = np.zeros_like(whole)
    inner[0, 1:-1, 1:-1] = True
    assert hd95(whole, inner) == hd95(inner, whole) == 1


def test_the_surface_of_a_mask_has_one_of_four_neighbours_outside():
    plus = np.array([[[0, 1, 1], [1, 1, 1], [1, 1, 1]]], dtype=bool)
    np.testing.assert_array_equal(surface(plus)[0], [[0, 1, 1], [1, 0, 1], [1, 1, 1]])
    # The middle of a thick cross has only diagonal neighbours outside, so it is not surface.
    cross = np.pad(np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=bool), 1)[None]
    assert not surface(cross)[0, 2, 2]
    assert surface(cross).sum() == 4


def test_a_twentieth_of_the_surface_may_be_anywhere():
    true, predicted = np.zeros((2, 1, 120, 120), dtype=bool)
    true[0, 5:115, 5:115] = predicted[0, 5:115, 5:115] = True
    true[0, 40:60, 40:60] = predicted[0, 40:60, 40:60] = False
    predicted[0, 50, 50] = True  # 1 of more than 500 surface pixels
    assert hd95(predicted, true) == 0
    predicted[0, 46:54, 46:54] = True  # 28 of them
    assert hd95(predicted, true) > 0


def loop_hd95(predicted, true):
    """All distances between surface pixels, one image."""
    edges = []
    for mask in (predicted, true):
        padded = np.pad(mask, 1)
        found = [
            (y, x)
            for y, x in np.argwhere(mask)
            if not (padded[y, x + 1] and padded[y + 2, x + 1] and padded[y + 1, x] and padded[y + 1, x + 2])
        ]
        edges.append(np.array(found, dtype=float))
    distances = np.sqrt(((edges[0][:, None] - edges[1][None]) ** 2).sum(-1))
    return max(np.percentile(distances.min(axis), 95) for axis in (0, 1))


@pytest.mark.parametrize("density", [0.01, 0.1, 0.5, 0.95])
def test_hd95_equals_that_of_all_pairs_of_surface_pixels(density):
    predicted, true = np.random.default_rng(0).random((2, 12, 17, 23)) < density
    predicted[:, 3, 4] = true[:, 16, 9] = True  # none is empty
    expected = [loop_hd95(*pair) for pair in zip(predicted, true, strict=True)]
    np.testing.assert_allclose(hd95(predicted, true), expected)


def test_dice_and_iou_equal_scikit_learn():
    rng = np.random.default_rng(0)
    predicted, true = rng.random((2, 10, 9, 7)) > 0.5
    for i in range(10):
        assert dice(predicted, true)[i] == pytest.approx(f1_score(true[i].ravel(), predicted[i].ravel()))
        assert iou(predicted, true)[i] == pytest.approx(jaccard_score(true[i].ravel(), predicted[i].ravel()))
