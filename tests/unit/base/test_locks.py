"""A lock keeps others out, on disks that lock files and on those that don't."""

import errno
import fcntl
import subprocess
import sys

import pytest
from filelock import Timeout

from uscl.base.locks import can_lock, locked


def without_locks(monkeypatch, number):
    def refuse(*_):
        raise OSError(number, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)


@pytest.mark.parametrize("number", [None, errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP])
def test_a_lock_keeps_another_holder_out_and_can_be_taken_again(tmp_path, monkeypatch, number):
    if number:
        without_locks(monkeypatch, number)
    for _ in range(2):
        with locked(tmp_path / "a.lock"), pytest.raises(Timeout), locked(tmp_path / "a.lock", 0.1):
            raise AssertionError("two hold it")


def test_a_killed_holder_leaves_nothing_that_others_wait_for(tmp_path, monkeypatch):
    script = (
        "import errno, fcntl, os, sys\n"
        "from pathlib import Path\n"
        "from uscl.base.locks import can_lock, locked\n"
        "def refuse(*_): raise OSError(errno.ENOLCK, 'No locks available')\n"
        "fcntl.flock = refuse\n"
        "with locked(Path(sys.argv[1])): os.kill(os.getpid(), 9)\n"
    )
    run = subprocess.run([sys.executable, "-c", script, str(tmp_path / "a.lock")], check=False)
    assert run.returncode == -9
    assert (tmp_path / "a.lock.soft").exists()
    without_locks(monkeypatch, errno.ENOLCK)
    with locked(tmp_path / "a.lock", 10):
        pass


def test_a_disk_that_cannot_lock_files_is_told_from_one_that_can_or_that_cannot_be_tried(tmp_path, monkeypatch):
    assert can_lock(tmp_path)
    assert can_lock(tmp_path / "missing")

    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", refuse)
    assert not can_lock(tmp_path)


def test_another_error_is_not_hidden(tmp_path, monkeypatch):
    without_locks(monkeypatch, errno.EIO)
    with pytest.raises(OSError, match="No locks available"), locked(tmp_path / "a.lock", 1):
        raise AssertionError("it is held")
