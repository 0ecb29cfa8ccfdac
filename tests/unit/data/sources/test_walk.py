import os

import pytest

from uscl.data.sources.walk import TooManyFilesError, walk


def listed(root, most=None):
    """The files and the folders that were not visited again, as relative paths."""
    files, again = [], {}
    for listing in walk(str(root), most):
        files += [os.path.normpath(f"{listing.folder}/{entry.name}") for entry in listing.files]
        again |= listing.visited
    return files, again


def patients(root, count):
    """Folders of patients with one video each."""
    for number in range(1, count + 1):
        (root / f"p{number}").mkdir(parents=True)
        (root / f"p{number}/a.mp4").touch()
    return root


def test_links_to_a_folder_above_end_nowhere(tmp_path):
    patients(tmp_path, 6)
    for number in range(1, 7):
        (tmp_path / f"p{number}/all").symlink_to("..")
    files, again = listed(tmp_path)
    assert files == [f"p{number}/a.mp4" for number in range(1, 7)]
    assert again == {f"p{number}/all": "." for number in range(1, 7)}


def test_folders_that_link_to_each_other_are_visited_once_each(tmp_path):
    patients(tmp_path, 3)
    for number in range(1, 4):
        for other in {1, 2, 3} - {number}:
            (tmp_path / f"p{number}/p{other}").symlink_to(tmp_path / f"p{other}")
    files, again = listed(tmp_path)
    assert files == ["p1/a.mp4", "p2/a.mp4", "p3/a.mp4"]
    assert len(again) == 6


def test_a_folder_has_its_own_path_whatever_links_to_it(tmp_path):
    patients(tmp_path, 2)
    (tmp_path / "p2/scans/day 1").mkdir(parents=True)
    (tmp_path / "p2/scans/day 1/b.mp4").touch()
    (tmp_path / "latest").symlink_to("p2/scans/day 1")
    (tmp_path / "all").symlink_to("p2")
    files, again = listed(tmp_path)
    assert files == ["p1/a.mp4", "p2/a.mp4", "p2/scans/day 1/b.mp4"]
    assert again == {"all": "p2", "latest": "p2/scans/day 1"}


def test_links_out_of_the_folder_are_followed_and_circles_of_links_are_files(tmp_path):
    patients(tmp_path / "elsewhere", 1)
    root = tmp_path / "root"
    root.mkdir()
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "twice").symlink_to(tmp_path / "elsewhere")
    (root / "x").symlink_to("y")
    (root / "y").symlink_to("x")
    assert listed(root) == (["x", "y", "linked/p1/a.mp4"], {"twice": "linked"})


def test_hidden_entries_do_not_count_and_a_missing_folder_has_an_error(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/a.mp4").touch()
    (tmp_path / ".a.mp4").touch()
    assert listed(tmp_path) == ([], {})
    (listing,) = walk(str(tmp_path / "gone"))
    assert isinstance(listing.error, FileNotFoundError)


def test_a_walk_ends_after_so_many_entries(tmp_path):
    patients(tmp_path, 3)
    assert len(listed(tmp_path, 6)[0]) == 3
    with pytest.raises(TooManyFilesError):
        listed(tmp_path, 5)
