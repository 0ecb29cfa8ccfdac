import hashlib
from pathlib import Path

import pytest

from uscl.base.files import nearest_existing, not_writable, sha256, write_text, written


def fail_while_writing(target):
    with written(target) as path:
        path.write_text("half")
        raise RuntimeError("power cut")


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "new" / "table.csv"
    with pytest.raises(RuntimeError, match="power cut"):
        fail_while_writing(target)
    assert list(target.parent.iterdir()) == []
    write_text(target, "whole")
    assert target.read_text() == "whole"
    assert [path.name for path in target.parent.iterdir()] == ["table.csv"]


def test_the_old_file_stays_when_writing_fails(tmp_path):
    target = tmp_path / "table.csv"
    write_text(target, "old")
    with pytest.raises(RuntimeError, match="power cut"):
        fail_while_writing(target)
    assert target.read_text() == "old"


def test_sha256_depends_on_the_files_and_their_order(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    a.write_bytes(b"1"), b.write_bytes(b"2")
    assert sha256(a, b) != sha256(b, a)
    assert sha256(a) == hashlib.sha256(hashlib.sha256(b"1").digest()).hexdigest()


def test_the_nearest_existing_folder_above_a_path_is_found(tmp_path, monkeypatch):
    assert nearest_existing(tmp_path / "not/yet/there") == nearest_existing(tmp_path) == tmp_path
    monkeypatch.chdir(tmp_path)
    assert nearest_existing(Path("not/yet")) == tmp_path


def test_a_folder_is_not_writable_if_its_nearest_existing_ancestor_is_not(tmp_path, monkeypatch):
    assert not_writable(tmp_path / "not/yet") is None
    monkeypatch.setattr("os.access", lambda path, mode: path != tmp_path)
    assert not_writable(tmp_path / "not/yet") == tmp_path
