import cv2
import numpy as np
import pytest
from audit_sets import tissue

from uscl.audit.arrays import write_arrays
from uscl.audit.points import POINTS, Points, joined, mirrored, points_of, read_points, unit_products
from uscl.base.errors import UserError


def test_the_points_of_a_mirrored_picture_follow_from_those_of_the_picture():
    picture = tissue(1, 256, 256)
    own, other = mirrored(points_of([(0, picture)])), points_of([(0, np.ascontiguousarray(picture[:, ::-1]))])
    near = np.abs(own.places[:, None, :2] - other.places[:, :2]).max(2) < 1 / 256
    turn = own.places[:, None, 3] - other.places[:, 3]
    near &= (np.abs(own.places[:, None, 2] / other.places[:, 2] - 1) < 0.05) & (np.cos(turn) > 0.99)
    like = unit_products(own.descriptors, other.descriptors)
    assert near.any(1).mean() > 0.7  # the weakest points of either are not among its strongest
    assert np.median(like[near]) > 0.98
    assert np.median(like[~near]) < 0.8


def test_mirroring_twice_changes_nothing():
    points = points_of([(4, tissue(1))])
    twice = mirrored(mirrored(points))
    assert np.array_equal(twice.descriptors, points.descriptors)
    assert np.array_equal(twice.thumbnails, points.thumbnails)
    assert np.allclose(twice.places[:, :3], points.places[:, :3], atol=1e-6)


def test_every_scale_has_its_share_of_the_points():
    sizes = points_of([(0, tissue(2, 384, 384))]).places[:, 2] * 384
    assert len(sizes) == POINTS
    assert (sizes > 8).sum() > 60
    assert (sizes < 4).sum() > 60


def test_a_picture_without_structure_has_no_points():
    points = points_of([(3, np.full((256, 256), 40, np.uint8)), (5, tissue(1))])
    assert points.rows.tolist() == [3, 5]
    assert set(points.picture) == {1}


def test_parts_of_a_set_are_joined_as_if_they_were_one():
    pictures = [(row, tissue(row, 96, 96)) for row in range(3)]
    whole, parts = points_of(pictures), joined([points_of(pictures[:2]), points_of([]), points_of(pictures[2:])])
    assert all(np.array_equal(one, other) for one, other in zip(whole, parts, strict=True))
    assert whole.thumbnails.shape == (3, 48, 48)
    assert joined([]).thumbnails.shape == points_of([]).thumbnails.shape


def test_the_strongest_points_are_the_first_of_each_picture():
    points = points_of([(0, tissue(1)), (1, np.zeros((256, 256), np.uint8)), (2, tissue(2))])
    few = points.strongest(5)
    assert few.picture.tolist() == [0] * 5 + [2] * 5
    assert np.array_equal(few.places[5:], points.places[points.picture == 2][:5])


def test_points_are_read_as_they_were_written(tmp_path):
    points = points_of([(7, cv2.resize(tissue(1), (96, 96)))])
    write_arrays(points, tmp_path / "points.npz")
    assert all(np.array_equal(a, b) for a, b in zip(points, read_points(tmp_path / "points.npz"), strict=True))
    assert Points._fields == ("rows", "thumbnails", "picture", "places", "descriptors")
    with pytest.raises(UserError, match=r"gone\.npz does not exist: run the rule find_points"):
        read_points(tmp_path / "gone.npz")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "points.npz").read_bytes()[:200])
    with pytest.raises(UserError, match=r"cut\.npz does not hold points"):
        read_points(tmp_path / "cut.npz")
