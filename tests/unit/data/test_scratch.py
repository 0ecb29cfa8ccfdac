import os

import numpy as np
import pytest

from uscl.base.errors import UserError
from uscl.data.scratch import on_scratch
from uscl.data.store import mapped_array


@pytest.fixture
def array(tmp_path):
    path = tmp_path / "store/frames.npy"
    path.parent.mkdir()
    np.save(path, np.arange(8, dtype=np.uint8).reshape(2, 2, 2))
    return path


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    monkeypatch.setenv("USCL_SCRATCH", str(tmp_path / "scratch/job"))
    return tmp_path / "scratch/job"


def test_without_the_variable_a_file_is_read_where_it_is(array, monkeypatch):
    monkeypatch.delenv("USCL_SCRATCH", raising=False)
    assert on_scratch(array) == array


def test_an_array_is_copied_once_and_mapped_from_there(array, scratch):
    before = np.load(array)
    mapped = mapped_array(array)
    assert mapped.filename.parent == scratch
    assert np.array_equal(mapped, before)
    copy = on_scratch(array)
    first = copy.stat().st_mtime_ns
    assert on_scratch(array).stat().st_mtime_ns == first


def test_a_changed_array_is_copied_again(array, scratch):
    before = on_scratch(array)
    np.save(array, np.zeros((2, 2, 2), np.uint8))
    os.utime(array, (1, 1))
    assert on_scratch(array) != before
    assert not np.load(on_scratch(array)).any()


def test_a_missing_array_is_named_where_it_should_be(array, scratch):
    array.unlink()
    with pytest.raises(UserError, match=r"store/frames\.npy is missing"):
        mapped_array(array)


def test_a_folder_that_cannot_be_written_is_one_sentence(array, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("USCL_SCRATCH", str(tmp_path / "file"))
    with pytest.raises(UserError, match=r"can't be copied to .*/file, which USCL_SCRATCH names .*: free space there"):
        mapped_array(array)
