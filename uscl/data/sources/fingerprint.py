"""One hash over a folder of data, without reading any file. Imports nothing heavy: planning a study uses it."""

import functools
import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from uscl.data.source import IMAGE_SUFFIXES, VIDEO_SUFFIXES, has_ending
from uscl.data.sources.walk import TooManyFilesError, walk

LISTS = ("train.json", "validation.json", "test.json")  # of images; other JSON is no data
DATA_SUFFIXES = (*VIDEO_SUFFIXES, *IMAGE_SUFFIXES, ".csv", ".pkl", *LISTS)
MOST_WATCHED = 150_000  # files and folders: looking at more would delay every call


class Survey(NamedTuple):
    """A folder of data at a glance; without hash and folders if it holds more than MOST_WATCHED entries."""

    sha256: str
    folders: frozenset[tuple[int, int] | None]  # itself and every folder below it, by `walk.identity`
    huge: bool


def fingerprint(folder: str) -> str:
    """A hash of the names, sizes and modification times of a data set's files, which are not opened.

    Counts the files that a reader may read (videos, images, tables), not hidden files or other content of a clone.
    Times count in whole seconds, as archives keep them. A missing folder counts as an empty one. The fingerprint of a
    huge folder says nothing about its files.
    """
    return survey(folder).sha256


def survey(folder: str) -> Survey:
    """A folder at a glance, computed once per process unless the folder's own time changes."""
    path = Path(folder)
    return computed(folder, path.stat().st_mtime_ns if path.exists() else None)


@functools.cache  # many jobs ask; a folder that is fetched or simulated meanwhile has another time
def computed(folder: str, changed: int | None) -> Survey:
    """The survey of a folder that was last `changed` then."""
    lines: list[str] = []
    folders = set()
    try:
        for listing in walk(folder, MOST_WATCHED):
            folders.add(listing.identity)
            for entry in listing.files:
                if entry.name.lower().endswith(DATA_SUFFIXES) or not has_ending(entry.name):
                    lines.append(f"{listing.folder}/{entry.name} {size_and_time(entry)}")
    except TooManyFilesError:
        return Survey("huge", frozenset(), huge=True)
    text = "\n".join(sorted(lines)).encode("utf-8", "surrogateescape")
    return Survey(hashlib.sha256(text).hexdigest(), frozenset(folders), huge=False)


def size_and_time(entry: os.DirEntry[str]) -> str:
    """Size and time of a file, or of a link that leads nowhere."""
    try:
        stat = entry.stat()
    except OSError:
        stat = entry.stat(follow_symlinks=False)
    return f"{stat.st_size} {int(stat.st_mtime)}"
