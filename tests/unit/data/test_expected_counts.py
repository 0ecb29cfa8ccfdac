import pytest

from uscl.base.errors import UserError
from uscl.data.expected_counts import check_counts
from uscl.data.readers.shared.listing import sources
from uscl.data.source import Source

EXPECTED = {"videos": 2, "images": 1, "groups": 2, "classes": {"covid": 2, "regular": 1}, "tolerance": 0.0}


def found(*, videos=2):
    files = [Source(f"v{i}", f"v{i}.mp4", "video", "p1", "covid") for i in range(videos)]
    return sources([*files, Source("i", "i.png", "image", "p2", "regular")], [])


def test_a_whole_set_passes(tmp_path):
    check_counts("lung", tmp_path, found(), EXPECTED)


def test_missing_files_are_counted_and_the_solution_is_named(tmp_path):
    with pytest.raises(
        UserError, match=r"1 videos instead of 2, 1 files of class covid instead of 2: complete .*lung\.partial"
    ):
        check_counts("lung", tmp_path, found(videos=1), EXPECTED)


def test_a_class_that_is_absent_counts_as_none(tmp_path):
    with pytest.raises(UserError, match="0 files of class viral instead of 2"):
        check_counts("lung", tmp_path, found(), EXPECTED | {"classes": {"viral": 2}})


def test_the_tolerance_is_a_share_of_the_expected_count(tmp_path):
    check_counts("lung", tmp_path, found(videos=19), EXPECTED | {"videos": 20, "classes": {}, "tolerance": 0.05})
    with pytest.raises(UserError, match="18 videos instead of 20"):
        check_counts("lung", tmp_path, found(videos=18), EXPECTED | {"videos": 20, "classes": {}, "tolerance": 0.05})


def test_unknown_counts_are_not_checked(tmp_path):
    unknown = {"videos": None, "images": None, "groups": None, "classes": None, "tolerance": 0.0}
    check_counts("lung", tmp_path, found(), unknown)
