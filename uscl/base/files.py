"""Writing files whole or not at all."""

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from uscl.base.errors import DiskFullError, UserError

FULL = (errno.ENOSPC, errno.EDQUOT)
LEAST_FREE = 1 << 20  # bytes; if less is free, a writer that hides the system's error failed because the disk is full


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """A path next to `path` to write to; it replaces `path` when the block ends without an error.

    Raises UserError if the disk is full.
    """
    with raising_disk_full(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path)
        # The suffix stays last: writers choose the format by it.
        partial = path.with_name(f".{os.getpid()}.{path.name}")
        try:
            yield partial
            sync(partial)
            partial.replace(path)
            sync(path.parent)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def written_folder(path: Path) -> Iterator[Path]:
    """A new folder next to `path` to fill; it replaces `path` when the block ends without an error."""
    with raising_disk_full(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path)
        partial = path.with_name(f".{os.getpid()}.{path.name}")
        partial.mkdir()
        try:
            yield partial
            for file in partial.rglob("*"):
                sync(file)
            shutil.rmtree(path, ignore_errors=True)
            partial.replace(path)
            sync(path.parent)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def raising_disk_full(path: Path) -> Iterator[None]:
    """Raise DiskFullError for any error that a full disk causes; other errors pass through."""
    try:
        yield
    except Exception as error:  # of any kind: every library wraps the system's error in its own, or hides it
        if is_full(error, path.parent):
            raise DiskFullError(disk_full(path)) from error
        raise


def disk_full(what: str | Path) -> str:
    """The message for a file that a full disk has no room for."""
    return f"{what} can't be written: the disk is full. Free some space and run again: finished work is kept."


def is_full(error: Exception, folder: Path) -> bool:
    """Whether a full disk caused an error."""
    if isinstance(error, UserError):
        return False
    if os.strerror(errno.ENOSPC) in str(error):  # as libraries quote it
        return True
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in FULL
    return folder.is_dir() and shutil.disk_usage(folder).free < LEAST_FREE


def remove_leftovers(path: Path) -> None:
    """Remove the partial files that killed processes left when they were writing `path`."""
    own = re.compile(rf"\.(\d+)\.{re.escape(path.name)}")
    for entry in os.scandir(path.parent):
        found = own.fullmatch(entry.name)
        if found and not running(int(found[1])):
            shutil.rmtree(entry) if entry.is_dir(follow_symlinks=False) else Path(entry).unlink(missing_ok=True)


def nearest_existing(path: Path) -> Path:
    """The path itself if it exists, else the nearest folder above it that does."""
    return next(place for place in (path, *path.absolute().parents) if place.exists())


def not_writable(folder: Path) -> Path | None:
    """The nearest existing ancestor of `folder` (or `folder` itself) if it is not writable, else None."""
    existing = nearest_existing(folder)
    return None if os.access(existing, os.W_OK | os.X_OK) else existing


def running(pid: int) -> bool:
    """Whether a process with this id is running on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def sync(path: Path) -> None:
    """Flush a file's bytes, or a folder's entries, to the disk before anything depends on them."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with written(path) as partial:
        partial.write_text(text, encoding="utf-8")


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, as `sha256sum` prints it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256(*paths: Path) -> str:
    """One hash over the hashes of several files, in the order given."""
    digests = (bytes.fromhex(file_sha256(path)) for path in paths)
    return hashlib.sha256(b"".join(digests)).hexdigest()
