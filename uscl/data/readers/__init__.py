"""Readers of data sets: each lists the source files of one folder layout, with group and label.

A reader opens no video. It is a module of this package with one function `read(root) -> Sources`; those of a user's own
data (`OWN_DATA`) take `read(root, group=..., table=..., classes=...)`. A new public set takes such a module, its name
in `PUBLIC` and in the schema's `reader` (workflow/schemas/config.schema.json), an entry in config/datasets.yaml, and,
if it is published under a folder name, a line in uscl/data/sources/folders.py.
"""

import importlib
import logging
from collections.abc import Callable, Iterable
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from uscl.base.errors import UserError
from uscl.data.source import Source

VIDEO_SUFFIXES = (".avi", ".dcm", ".gif", ".mov", ".mp4", ".mpeg", ".mpg")
IMAGE_SUFFIXES = (".jpeg", ".jpg", ".png")

PUBLIC = ("busi", "butterfly", "covid19_ultrasound", "covid_blues", "pocus_folds", "simulated_pool", "udiat_b")
OWN_DATA = ("image_csv", "image_folder", "image_mask_pairs", "video_folder")
MODULES = {name: f"uscl.data.readers.{name}" for name in (*PUBLIC, *OWN_DATA)}

log = logging.getLogger(__name__)


class Problem(NamedTuple):
    """A file that isn't just used: "set aside" as it doesn't fit, "left out" on purpose, or "kept" with a remark."""

    file: str
    action: str
    reason: str


class Sources(NamedTuple):
    """What a reader found: one row per Source, one per Problem, and the true content of frames if known."""

    files: pd.DataFrame
    problems: pd.DataFrame
    truth: pd.DataFrame | None = None  # columns file, frame, organ, event


def reader(name: str) -> Callable[..., Sources]:
    """The `read` function of a reader. Raises UserError for an unknown name."""
    if name not in MODULES:
        raise UserError(f"There is no reader {name!r}: choose one of {', '.join(MODULES)}.")
    read: Callable[..., Sources] = importlib.import_module(MODULES[name]).read
    return read


def sources(files: Iterable[Source], problems: Iterable[Problem], truth: pd.DataFrame | None = None) -> Sources:
    """Sorted tables; the result does not depend on the order in which a folder lists its files."""
    table = pd.DataFrame(sorted(files, key=attrgetter("file")), columns=list(Source._fields))
    if (double := table["file"][table["video"].duplicated(keep=False)]).size:
        raise UserError(f"These files have one name in different spellings: {', '.join(double)}. Remove all but one.")
    return Sources(table, pd.DataFrame(sorted(problems), columns=list(Problem._fields)), truth)


def require(root: Path, part: str, layout: str) -> Path:
    """root/part. Raises UserError, with the layout that is expected, if it does not exist."""
    if not root.is_dir():
        raise UserError(f"The folder {root} does not exist: it should hold {layout}.")
    if not (root / part).exists():
        raise UserError(f"{root} has no {part}: it should hold {layout}.")
    return root / part


def listing(root: Path, folder: Path, suffixes: Iterable[str]) -> tuple[list[Path], list[Problem]]:
    """The files of a folder that have one of the suffixes (in any case), sorted; the others as problems.

    Hidden files are nobody's data: systems leave them behind (.DS_Store, ._a.gif).
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
            problems.append(set_aside(root, path, "not a file, or a link that leads nowhere"))
        elif path.suffix.lower() not in wanted:
            problems.append(set_aside(root, path, f"the name does not end in {', '.join(wanted)}"))
        else:
            media.append(path)
    return media, problems


def kind_of(path: Path) -> str:
    """The `Source.kind` of what lies at a path."""
    if path.is_dir():
        return "frames"
    suffix = path.suffix.lower()
    return "image" if suffix in IMAGE_SUFFIXES else "fold" if suffix == ".pkl" else "video"


def set_aside(root: Path, path: Path, reason: str) -> Problem:
    """A problem for a file that is left out."""
    return Problem(relative(root, path), "set aside", reason)


def relative(root: Path, path: Path) -> str:
    """A path relative to the data set's folder, with forward slashes on every system."""
    return path.relative_to(root).as_posix()
