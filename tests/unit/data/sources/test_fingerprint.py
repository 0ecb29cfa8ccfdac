import os

from uscl.data.sources.fingerprint import computed
from uscl.data.sources.fingerprint import fingerprint as cached


def fingerprint(folder):
    computed.cache_clear()
    return cached(folder)


def test_a_folder_that_comes_later_is_not_taken_for_a_missing_one(tmp_path):
    missing = cached(str(tmp_path / "set"))
    (tmp_path / "set").mkdir()
    (tmp_path / "set/a.mp4").write_text("1")
    assert cached(str(tmp_path / "set")) != missing


def test_a_fingerprint_depends_on_names_sizes_and_times(tmp_path):
    file = tmp_path / "deep" / "a.mp4"
    file.parent.mkdir()
    file.write_text("1")
    first = fingerprint(str(tmp_path))
    assert fingerprint(str(tmp_path)) == first
    os.utime(file, (1, 1))
    second = fingerprint(str(tmp_path))
    file.rename(file.with_name("b.mp4"))
    third = fingerprint(str(tmp_path))
    assert len({first, second, third}) == 3
    (tmp_path / ".timestamp").touch()
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "index.csv").touch()
    (tmp_path / "README.md").touch()
    assert fingerprint(str(tmp_path)) == third
    (tmp_path / "nowhere.mp4").symlink_to(tmp_path / "gone")
    assert fingerprint(str(tmp_path)) != third
    assert fingerprint(str(tmp_path / "missing")) == fingerprint(str(tmp_path / "another"))


def test_videos_of_every_container_and_dicom_files_without_an_ending_count(tmp_path):
    seen = {fingerprint(str(tmp_path))}
    for name in ("a.MKV", "b.ima", "IM_0001", "1.2.840.10008.7"):
        (tmp_path / name).touch()
        seen.add(fingerprint(str(tmp_path)))
    assert len(seen) == 5
