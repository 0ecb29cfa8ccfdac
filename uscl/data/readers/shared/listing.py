"""Helpers for every reader: list the files of a folder, name those with a problem, return both as tables.

Imports pandas late, since every call reads the registry of readers.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from uscl.base.errors import UserError
from uscl.data.source import Source

if TYPE_CHECKING:
    import pandas as pd

TRUTH = ["file", "frame", "organ", "event", "state", "second_state"]

log = logging.getLogger(__name__)


class Problem(NamedTuple):
    """A file with a remark: "set aside" because it doesn't fit, "left out" on purpose, or "kept"."""

    file: str
    action: str
    reason: str


class Sources(NamedTuple):
    """The result of a reader: one row per Source, one per Problem, and the true content of frames if known."""

    files: pd.DataFrame
    problems: pd.DataFrame
    truth: pd.DataFrame | None = None  # columns TRUTH


def sources(files: Iterable[Source], problems: Iterable[Problem], truth: pd.DataFrame | None = None) -> Sources:
    """Sorted tables; the result does not depend on the order in which a folder lists its files."""
    import pandas as pd

    table = pd.DataFrame(sorted(files, key=attrgetter("file")), columns=list(Source._fields))
    if (double := table["file"][table["video"].duplicated(keep=False)]).size:
        raise UserError(f"These files have one name in different spellings: {', '.join(double)}. Remove all but one.")
    return Sources(table, pd.DataFrame(sorted(problems), columns=list(Problem._fields)), truth)


def require(root: Path, part: str, layout: str) -> Path:
    """root/part. Raises UserError that describes the expected layout if it does not exist."""
    if not root.is_dir():
        raise UserError(f"The folder {root} does not exist: it should hold {layout}.")
    if not (root / part).exists():
        raise UserError(f"{root} has no {part}: it should hold {layout}.")
    return root / part


def listing(root: Path, folder: Path, suffixes: Iterable[str]) -> tuple[list[Path], list[Problem]]:
    """The files of a folder with one of the suffixes (in any case), sorted; other files are problems.

    Hidden files are ignored: the operating system creates them (.DS_Store, ._a.gif).
    """
    wanted = tuple(suffixes)
    media: list[Path] = []
    problems: list[Problem] = []
    hidden = sorted(path.name for path in folder.glob(".*"))
    if hidden:
        log.info("%s: ignored hidden files: %s", folder, ", ".join(hidden))
    for path in sorted(folder.glob("[!.]*")):
        if path.is_dir():
            problems.append(set_aside(root, path, f"a folder; {folder.name} should hold files only"))
        elif not path.is_file():
            problems.append(set_aside(root, path, "not a file, or a broken link"))
        elif path.suffix.lower() not in wanted:
            problems.append(set_aside(root, path, f"the name does not end in {', '.join(wanted)}"))
        else:
            media.append(path)
    return media, problems


def set_aside(root: Path, path: Path, reason: str) -> Problem:
    """The problem of a file that is set aside."""
    return Problem(relative(root, path), "set aside", reason)


def relative(root: Path, path: Path) -> str:
    """A path relative to the data set's folder, with forward slashes on every system."""
    return path.relative_to(root).as_posix()
