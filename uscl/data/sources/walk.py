"""Walk a folder of data: links are followed, each folder is visited once, and hidden entries don't count.

Imports nothing heavy: planning a study uses it.
"""

import itertools
import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Listing(NamedTuple):
    """The visible content of one folder; paths are relative to the root of the walk, with forward slashes."""

    folder: str  # "." for the root
    identity: tuple[int, int] | None
    files: list[os.DirEntry[str]]  # everything but folders, sorted by name; a link may lead nowhere
    visited: dict[str, str]  # folders that are not visited again, each with the path of its first visit
    error: OSError | None = None  # why the folder can't be listed


class TooManyFilesError(Exception):
    """The walk met more entries than it may."""


def walk(root: str, most: int | None = None) -> Iterator[Listing]:
    """List a folder and the folders below it, level by level. Raises TooManyFilesError after `most` entries.

    A folder is known by device and inode, so a link to a folder above it doesn't lead to an endless walk. Links to
    folders are followed last, so that a folder has its own path. A root that doesn't exist gives one listing with an
    error.
    """
    top = identity(root)
    seen, folders, links, left = {top: "."}, deque([(".", top)]), deque[str](), most
    while folders or links:
        if not folders:
            path = links.popleft()
            if (first := seen.setdefault(known := identity(f"{root}/{path}"), path)) != path:
                yield Listing(path, known, [], {path: first})
                continue
            folders.append((path, known))
        folder, own = folders.popleft()
        try:
            with os.scandir(f"{root}/{folder}") as found:
                entries = list(itertools.islice(found, left if left is None else left + 1))
        except OSError as error:
            yield Listing(folder, own, [], {}, error)
            continue
        if left is not None:
            left -= len(entries)
            if left < 0:
                raise TooManyFilesError
        files, visited = [], {}
        for entry in sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda one: one.name):
            path = inside(folder, entry.name)
            if not is_folder(entry):
                files.append(entry)
            elif entry.is_symlink():
                links.append(path)
            elif (first := seen.setdefault(known := identity(entry.path), path)) == path:
                folders.append((path, known))
            else:
                visited[path] = first
        yield Listing(folder, own, files, visited)


def inside(folder: str, name: str) -> str:
    """The path of an entry of a folder, as in `Listing`.

    >>> inside(".", "a.mp4"), inside("p1", "a.mp4")
    ('a.mp4', 'p1/a.mp4')
    """
    return name if folder == "." else f"{folder}/{name}"


def identity(path: str) -> tuple[int, int] | None:
    """Device and inode of a file or folder, the same for every link to it; None if there is none."""
    try:
        stat = Path(path).stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder or a link to one; links that lead in a circle are not."""
    try:
        return entry.is_dir()
    except OSError:
        return False
