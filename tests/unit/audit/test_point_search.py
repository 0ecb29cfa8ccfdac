import cv2
import numpy as np
from audit_sets import copied, tissue

from uscl.audit import point_search
from uscl.audit.point_search import BEST, NEAREST, SIMILAR, Pictures, alike
from uscl.audit.points import points_of, unit_products


def pictures(*shown, group=None):
    """Every picture is a video, and a group of its own unless groups are given."""
    numbers = np.arange(len(shown))
    return Pictures(points_of(enumerate(shown)), numbers, numbers if group is None else np.array(group))


def all_pairs(a, b, similar):
    """The slow twin: pairs of points that look alike, every one compared."""
    like = unit_products(a.points.descriptors, b.points.descriptors)
    return set(zip(*(side.tolist() for side in np.nonzero(like >= similar)), strict=True))


def all_alike(a, b, *, within):
    """The pairs of all parts."""
    found = [np.zeros((2, 0), np.int64), *map(np.stack, alike(a, b, within=within))]
    return np.concatenate(found, axis=1)


def test_the_search_finds_nearly_all_pairs_that_comparing_all_points_finds_and_no_others():
    a, b = pictures(tissue(1), tissue(2)), pictures(copied(tissue(2), 0.9, 90), tissue(3), tissue(1))
    found = set(zip(*all_alike(a, b, within=False).tolist(), strict=True))
    assert found <= all_pairs(a, b, SIMILAR - 1e-5)
    sure = all_pairs(a, b, 0.97)
    assert len(sure) > 300
    assert len(found & sure) > 0.95 * len(sure)


def test_within_a_set_only_pictures_of_different_groups_are_compared_and_once():
    picture = tissue(1)
    a = pictures(picture, picture, picture, group=[0, 0, 1])
    first, second = all_alike(a, a, within=True)
    compared = {(int(a.points.picture[i]), int(a.points.picture[j])) for i, j in zip(first, second, strict=True)}
    assert compared == {(0, 2), (1, 2)}


def test_the_best_matches_of_a_point_are_kept():
    blurred = [cv2.GaussianBlur(tissue(1), (0, 0), 0.4 + 0.1 * step) for step in range(BEST + 2)]
    one, many = pictures(tissue(1)), pictures(*blurred, tissue(1))
    first, second = all_alike(one, many, within=False)
    assert BEST <= np.bincount(first).max() <= NEAREST * BEST
    equal = np.bincount(many.points.picture[second], minlength=BEST + 3)
    assert equal[-1] > 0.9 * len(one.points.picture)  # the picture itself comes before its blurred copies
    assert equal[-2] < equal[0]


def test_sets_without_points_have_nothing_in_common():
    blank = pictures(np.zeros((64, 64), np.uint8))
    assert not list(alike(blank, pictures(tissue(1)), within=False))
    assert not list(alike(blank, blank, within=True))


def test_parts_keep_a_picture_together_and_find_the_same(monkeypatch):
    a, b = pictures(*map(tissue, range(4))), pictures(tissue(1), tissue(3))
    whole = all_alike(a, b, within=False)
    monkeypatch.setattr(point_search, "PART", 700)
    parts = [first for first, _ in alike(a, b, within=False)]
    assert len(parts) > 1
    of_parts = [set(a.points.picture[first].tolist()) for first in parts]
    assert sum(map(len, of_parts)) == len(set.union(*of_parts))
    found = all_alike(a, b, within=False)
    assert sorted(zip(*found.tolist(), strict=True)) == sorted(zip(*whole.tolist(), strict=True))
