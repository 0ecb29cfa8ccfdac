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
LEAST_FREE = 1 << 20  # bytes; writers that hide the system's error have failed for want of room if less is free


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; it takes the place of `path` when the block ends without an error.

    Raises UserError where the disk is full.
    """
    with told_if_full(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path)
        # The suffix stays last: writers choose the format by it.
        beside = path.with_name(f".{os.getpid()}.{path.name}")
        try:
            yield beside
            sync(beside)
            beside.replace(path)
            sync(path.parent)
        finally:
            beside.unlink(missing_ok=True)


@contextmanager
def written_folder(path: Path) -> Iterator[Path]:
    """A new folder beside `path` to fill; it takes the place of `path` when the block ends without an error."""
    with told_if_full(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path)
        beside = path.with_name(f".{os.getpid()}.{path.name}")
        beside.mkdir()
        try:
            yield beside
            for file in beside.rglob("*"):
                sync(file)
            shutil.rmtree(path, ignore_errors=True)
            beside.replace(path)
            sync(path.parent)
        finally:
            shutil.rmtree(beside, ignore_errors=True)


@contextmanager
def told_if_full(path: Path) -> Iterator[None]:
    """Say in one sentence that the disk is full; other errors pass."""
    try:
        yield
    except Exception as error:  # of any kind: every library wraps the system's error in its own, or hides it
        if is_full(error, path.parent):
            raise DiskFullError(disk_full(path)) from error
        raise


def disk_full(what: str | Path) -> str:
    """What to do where there is no room for a file."""
    return f"{what} can't be written: the disk is full. Make room and call again: what was finished is kept."


def is_full(error: Exception, folder: Path) -> bool:
    """Whether an error came from a disk without room."""
    if isinstance(error, UserError):
        return False
    if os.strerror(errno.ENOSPC) in str(error):  # as libraries quote it
        return True
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in FULL
    return folder.is_dir() and shutil.disk_usage(folder).free < LEAST_FREE


def remove_leftovers(path: Path) -> None:
    """Remove what killed processes have left of this file while they wrote it."""
    own = re.compile(rf"\.(\d+)\.{re.escape(path.name)}")
    for entry in os.scandir(path.parent):
        found = own.fullmatch(entry.name)
        if found and not running(int(found[1])):
            shutil.rmtree(entry) if entry.is_dir(follow_symlinks=False) else Path(entry).unlink(missing_ok=True)


def standing(path: Path) -> Path:
    """What there is of a path: itself, or the nearest of the folders above it."""
    return next(place for place in (path, *path.absolute().parents) if place.exists())


def closed(folder: Path) -> Path | None:
    """The folder that keeps one from writing to `folder`, which need not exist yet; None where nothing does."""
    there = standing(folder)
    return None if os.access(there, os.W_OK | os.X_OK) else there


def running(pid: int) -> bool:
    """Whether a process runs here."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def sync(path: Path) -> None:
    """Have the disk keep a file's bytes, or a folder's names, before anything rests on them."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with written(path) as beside:
        beside.write_text(text, encoding="utf-8")


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, as `sha256sum` has it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256(*paths: Path) -> str:
    """One hash over the hashes of some files, in the order given."""
    digests = (bytes.fromhex(file_sha256(path)) for path in paths)
    return hashlib.sha256(b"".join(digests)).hexdigest()
