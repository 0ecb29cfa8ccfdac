import numpy as np
import pytest
from audit_sets import tissue

from benchmarks.changed_copies import COPIES
from uscl.audit.changed_copies import (
    ALL_POINTS,
    COLUMNS,
    FEW,
    FEWEST,
    SAME,
    SAME_OF_FEW,
    copies_between,
    copies_within,
    is_copy,
    points_searched,
)
from uscl.audit.geometry import LEAST
from uscl.audit.point_search import Pictures
from uscl.audit.points import POINTS, SIDE, points_of
from uscl.data.decode.image import fit_image

UNSEEN = ("inverted",)
ORIGINALS = [tissue(seed, 300, 400) for seed in range(4)]


def pictures(*shown, video=None, group=None):
    """Every picture is a video, and every video a group of its own, unless given."""
    video = np.arange(len(shown)) if video is None else np.array(video)
    points = points_of((10 + row, fit_image(picture, SIDE)) for row, picture in enumerate(shown))
    return Pictures(points, video, video if group is None else np.array(group))


@pytest.fixture(scope="module")
def own():
    return pictures(*ORIGINALS)


@pytest.mark.parametrize("copy", [name for name in COPIES if name not in UNSEEN])
def test_changed_copies_are_found_and_no_other_pair_matches(own, copy):
    found = copies_between(pictures(*(COPIES[copy](picture) for picture in ORIGINALS)), own)
    assert found[["video_a", "video_b"]].values.tolist() == [[n, n] for n in range(len(ORIGINALS))]
    assert found["mirrored"].tolist() == [copy in ("mirrored", "flipped vertically")] * len(ORIGINALS)


def test_zoom_and_rotation_are_measured(own):
    row = copies_between(pictures(COPIES["zoom 1.4"](ORIGINALS[2])), own).iloc[0]
    assert (row["row_a"], row["row_b"]) == (10, 12)
    assert (row["zoom"], row["degrees"]) == (pytest.approx(1 / 1.4, rel=0.02), pytest.approx(0, abs=1))
    turned = copies_between(pictures(COPIES["rotated by 90 degrees"](ORIGINALS[1])), own).iloc[0]
    assert abs(turned["degrees"]) == pytest.approx(90, abs=1)


def test_one_screen_around_two_pictures_does_not_make_them_copies():
    first, second, third = (COPIES["a scanner's screen around it"](picture) for picture in ORIGINALS[:3])
    assert copies_within(pictures(first, second, third)).empty


def test_within_a_set_videos_of_one_group_are_not_compared_and_the_best_frames_stand_for_two_videos():
    copy = COPIES["zoom 0.7"](ORIGINALS[0])
    shown = [ORIGINALS[0], ORIGINALS[1], copy, ORIGINALS[0], ORIGINALS[2], ORIGINALS[0]]
    found = copies_within(pictures(*shown, video=[0, 0, 1, 1, 2, 3], group=[0, 0, 1, 1, 2, 0]))
    assert found[["video_a", "video_b", "frames", "row_a", "row_b"]].values.tolist() == [
        [0, 1, 2, 10, 13],
        [1, 3, 2, 13, 15],
    ]
    assert list(found.columns) == COLUMNS


def test_larger_sets_are_searched_with_fewer_points():
    assert (points_searched(2), points_searched(ALL_POINTS)) == (POINTS, POINTS)
    assert points_searched(5000) == 360
    assert points_searched(10**6) == FEWEST


def test_few_points_need_pixels_that_are_more_alike():
    assert (is_copy(FEW - 1, SAME), is_copy(FEW, SAME)) == (False, True)
    assert is_copy(LEAST, SAME_OF_FEW)
