"""One hash over a folder of data, without reading any file. Imports nothing heavy: planning a study uses it."""

import functools
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from uscl.data.source import IMAGE_SUFFIXES, VIDEO_SUFFIXES, has_ending

DATA_SUFFIXES = (*VIDEO_SUFFIXES, *IMAGE_SUFFIXES, ".csv", ".pkl")


def fingerprint(folder: str) -> str:
    """A hash of the names, sizes and modification times of a data set's files, which are not opened.

    Counts the files that a reader may read (videos, images, tables), not hidden files or other content of a clone.
    Times count in whole seconds, as archives keep them. A missing folder counts as an empty one.
    """
    path = Path(folder)
    return computed(folder, path.stat().st_mtime_ns if path.exists() else None)


@functools.cache  # many jobs ask; a folder that is fetched or simulated meanwhile has another time
def computed(folder: str, changed: int | None) -> str:
    """The fingerprint of a folder that was last `changed` then."""
    return hashlib.sha256("\n".join(sorted(data_files(folder))).encode()).hexdigest()


def data_files(folder: str) -> Iterator[str]:
    """Name, size and time of each file that a reader may read."""
    for parent, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            watched = name.lower().endswith(DATA_SUFFIXES) or not has_ending(name)  # DICOM files may have no ending
            if watched and not name.startswith("."):
                path = Path(parent, name)
                stat = path.stat() if path.exists() else path.lstat()  # a link may be broken
                yield f"{os.path.relpath(parent, folder)}/{name} {stat.st_size} {int(stat.st_mtime)}"
