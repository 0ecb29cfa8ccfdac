import cv2
import numpy as np
import pytest
from audit_sets import tissue

from uscl.audit.geometry import LEAST, SEEDS, Motion, PicturePoints, agreeing, correlation, motion_of, refined

THUMBNAIL = 128


def moved(places, zoom, degrees, shift):
    """Places after a motion."""
    turn = np.deg2rad(degrees)
    matrix = zoom * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    at = places[:, :2] @ matrix.T + shift
    return np.column_stack([at, places[:, 2] * zoom, places[:, 3] + turn]).astype(np.float32)


def drawn(count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform([0.1, 0.1, 0.005, 0], [0.9, 0.9, 0.1, 6.28], (count, 4)).astype(np.float32)


@pytest.mark.parametrize(("zoom", "degrees"), [(1.0, 0.0), (0.7, 10.0), (1.4, -90.0), (2.5, 179.0)])
def test_the_motion_is_found_among_as_many_wrong_matches(zoom, degrees):
    right, wrong = drawn(30), drawn(30, 1)
    a, b = np.concatenate([right, wrong]), np.concatenate([moved(right, zoom, degrees, [0.1, -0.2]), drawn(30, 2)])
    (matches,) = agreeing(np.full(60, 5), a, b)
    assert set(range(30)) <= set(matches.tolist())
    found = motion_of(a[matches], b[matches], LEAST)
    assert (found.zoom, found.points) == (pytest.approx(zoom, rel=0.01), 30)
    assert np.cos(np.deg2rad(found.degrees - degrees)) > 0.9999
    assert found.matrix[:, 2] == pytest.approx([0.1, -0.2], abs=0.01)


def test_few_points_and_points_without_one_motion_do_not_agree():
    right = drawn(SEEDS - 1)
    assert agreeing(np.zeros(SEEDS - 1, int), right, moved(right, 1.2, 20, [0, 0])) == []
    assert motion_of(right, moved(right, 1.2, 20, [0, 0]), SEEDS) is None
    assert motion_of(right, moved(right, 1.2, 20, [0, 0]), SEEDS - 1) is not None
    assert motion_of(drawn(20), drawn(20, 1), LEAST) is None
    assert agreeing(np.zeros(0, int), drawn(0), drawn(0)) == []


def test_each_pair_of_pictures_is_counted_by_itself():
    right = drawn(2 * SEEDS)
    other = moved(right, 1, 0, [0, 0])
    pair = np.repeat([3, 8], SEEDS)
    assert [sorted(matches.tolist()) for matches in agreeing(pair, right, other)] == [
        list(range(SEEDS)),
        list(range(SEEDS, 2 * SEEDS)),
    ]
    assert agreeing(np.arange(2 * SEEDS) // (SEEDS - 1), right, other) == []


def test_equal_points_on_one_place_count_once():
    one = np.repeat(drawn(1), 3 * LEAST, axis=0)
    assert motion_of(one, one, 2) is None


def described(places, seed):
    """Points with drawn descriptors."""
    return PicturePoints(places, np.random.default_rng(seed).integers(0, 60, (len(places), 128), dtype=np.uint8))


def test_a_rough_motion_gathers_all_points_that_it_brings_together_and_that_look_alike():
    right = drawn(40)
    copy = moved(right, 1.3, 25, [0.1, -0.2])
    a = described(np.concatenate([right, drawn(40, 1)]), 0)
    b = described(np.concatenate([copy, drawn(40, 2)]), 3)
    b.descriptors[:40] = a.descriptors[:40]
    rough = motion_of(right[:SEEDS] + np.float32([0.004, 0, 0, 0]), copy[:SEEDS], SEEDS - 1)
    found = refined(rough, a, b)
    assert found.points == 40
    assert (found.zoom, found.degrees) == (pytest.approx(1.3, rel=0.01), pytest.approx(25, abs=0.5))
    assert refined(rough, a, PicturePoints(b.places, described(b.places, 4).descriptors)) is None
    assert refined(None, a, b) is None


@pytest.mark.parametrize("zoom", [6.0, 0.15])
def test_a_motion_that_makes_a_picture_a_dot_is_none(zoom):
    assert motion_of(drawn(30), moved(drawn(30), zoom, 0, [0, 0]), LEAST) is None


@pytest.mark.parametrize(("zoom", "degrees"), [(1.0, 0.0), (0.6, 30.0), (1.5, -75.0)])
def test_pixels_correlate_after_the_right_motion_only(zoom, degrees):
    picture = cv2.resize(tissue(1, 512, 512), (384, 384))
    around = cv2.getRotationMatrix2D((191.5, 191.5), -degrees, zoom)
    copy = cv2.warpAffine(picture, around, (384, 384), flags=cv2.INTER_AREA)
    first, second, other = (
        cv2.resize(p, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
        for p in (picture, copy, tissue(2, 384, 384))
    )
    turn = np.deg2rad(degrees)
    rotation = zoom * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    motion = Motion(np.column_stack([rotation, [0.5, 0.5] - rotation @ [0.5, 0.5]]), 9)
    assert correlation(first, second, motion) > 0.8
    assert correlation(first, other, motion) < 0.1
    wrong = motion._replace(matrix=motion.matrix + np.array([[0, 0, 0.05], [0, 0, 0]]))
    assert correlation(first, second, wrong) < 0.1


def test_nothing_is_compared_where_either_picture_is_flat():
    picture = cv2.resize(tissue(1), (THUMBNAIL, THUMBNAIL))
    away = Motion(np.array([[1.0, 0, 0.95], [0, 1, 0]]), 9)
    assert correlation(picture, picture, away) == 0
    assert correlation(picture, np.zeros_like(picture), away._replace(matrix=np.eye(2, 3))) == 0
