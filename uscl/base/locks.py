"""A lock between processes that also works on file systems which can't lock files, such as some network disks."""

import errno
import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, SoftFileLock

CANT_LOCK = (errno.ENOLCK, errno.ENOTSUP, errno.EINVAL)  # for ENOSYS, filelock changes to a soft lock by itself


@contextmanager
def locked(path: Path, timeout: float = -1) -> Iterator[None]:
    """Hold a lock for the time of a block; waits `timeout` seconds for another process, by default without end.

    Where the file system refuses, the lock is a file that is created exclusively; filelock removes that of a process
    that no longer lives. Raises filelock.Timeout.
    """
    lock: FileLock | SoftFileLock = FileLock(path, timeout=timeout)
    try:
        lock.acquire()
    except OSError as error:
        if error.errno not in CANT_LOCK:
            raise
        lock = SoftFileLock(f"{path}.soft", timeout=timeout)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def can_lock(folder: Path) -> bool:
    """Whether the disk of a folder can lock parts of files, as SQLite does; True if that can't be tried there."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (*CANT_LOCK, errno.ENOSYS)
    return True
