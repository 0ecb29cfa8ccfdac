"""Shared code of the readers of a user's own data: files at any depth, a table about them, groups and labels.

A file's group comes from a regular expression searched in its path, `patient` or `group`, or from the column of this
name of a table; its label from the column label. A file without either is kept as a group of its own, without a label,
with a remark. Only what the user calls `patient` is a patient. The table may also have the provider's part (or split,
or fold), the source (clinic, web page) and mm_per_pixel, which the manifest carries.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from uscl.base.errors import UserError
from uscl.base.text import counted
from uscl.data.readers.shared.cells import examples, one_spelling
from uscl.data.readers.shared.listing import Problem, relative, require
from uscl.data.readers.shared.media_files import sorted_out
from uscl.data.readers.shared.part_names import part_of
from uscl.data.readers.shared.rows import FOLDER, Rows, cells_of
from uscl.data.readers.shared.tables import spelling
from uscl.data.source import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Source, kind_of
from uscl.data.sources.walk import walk
from uscl.data.units import unit_of_file

PART_COLUMNS = ("part", "split", "fold")  # of a table; the first of them is read
WHOLE_SET = "."  # the file name in a remark on the whole folder
MASK_NAME = re.compile(r"(.+)[ _-]mask([ _-]?\d+)?", re.IGNORECASE)  # the stem of a mask that is next to its image
ROUNDED = re.compile(r"\d[.,]\d+[eE]\+?\d+")  # 1.23457E+11, as a spreadsheet shows a long number


def media_below(
    root: Path, suffixes: Sequence[str], layout: str, table: str | None = None
) -> tuple[list[str], list[Problem]]:
    """The files below root with one of the suffixes (any case) as sorted relative paths; other files are problems.

    Raises UserError: no such folder, no such file in it, or one name in two spellings. `table` is not a problem.
    """
    paths, problems = files_below(require(root, ".", layout))
    found, others = sorted_out(root, (path for path in paths if table is None or path != root / table), suffixes)
    media, problems = sorted(relative(root, path) for path in found), problems + others
    if not media:
        refuse_videos(root, others)
        raise UserError(f"{root} has no file whose name ends in {', '.join(suffixes)}: it should hold {layout}.")
    refuse_twins(root, {file: spelling(file) for file in media})
    return media, problems


def refuse_videos(root: Path, problems: Iterable[Problem]) -> None:
    """Raise UserError if one of the files, of which a reader of images takes none, is a video or DICOM file."""
    by_content = ("of type DICOM", "of type video")
    for file, _, reason in problems:
        if PurePosixPath(file).suffix.lower() in VIDEO_SUFFIXES or reason.startswith(by_content):
            raise UserError(
                f"{root} holds videos, such as {file}: use kind video_folder, or labelled_videos if it is a task."
            )


def files_below(root: Path) -> tuple[list[Path], list[Problem]]:
    """All files below root except hidden ones, and the problems of unreadable files.

    Links are followed; each folder is read once. Raises UserError if root itself can't be read.
    """
    found: list[Path] = []
    problems: list[Problem] = []
    for listing in walk(str(root)):
        folder = root / listing.folder
        if listing.error:
            if folder == root:
                raise UserError(f"The folder {root} cannot be read: {listing.error.strerror}.")
            reason = f"the folder cannot be read: {listing.error.strerror}"
            problems.append(Problem(shown_name(root, folder), "set aside", reason))
        for again, first in listing.visited.items():
            reason = f"the same folder as {shown_name(root, root / first)}, which is already read"
            problems.append(Problem(shown_name(root, root / again), "left out", reason))
        for entry in listing.files:
            path = folder / entry.name
            if reason := unreadable(root, path):
                problems.append(Problem(shown_name(root, path), "set aside", reason))
            else:
                found.append(path)
    return found, problems


def unreadable(root: Path, path: Path) -> str:
    """Why a file is set aside, or ""."""
    if shown_name(root, path) != relative(root, path):
        return "the name is not valid UTF-8: rename it"
    return "" if path.is_file() else "not a file, or a broken link"


def shown_name(root: Path, path: Path) -> str:
    """The relative path, with ? for bytes that are not text."""
    return relative(root, path).encode("utf-8", "replace").decode()


def refuse_twins(root: Path, keys: Mapping[str, str]) -> None:
    """Raise UserError if several files have the same key; `keys` maps paths to keys."""
    by_key: dict[str, list[str]] = defaultdict(list)
    for file, key in keys.items():
        by_key[key].append(file)
    twins = next((files for files in by_key.values() if len(files) > 1), None)
    if twins:
        names = ", ".join(sorted(twins))
        raise UserError(
            f"These names in {root} are one name in different spellings: {names}. Rename or remove all but one."
        )


class Owner(NamedTuple):
    """A file's group, what it is (uscl.data.units), the patient if the group is one, and what the table adds.

    The names are those of `Source`.
    """

    group: str
    unit: str
    patient: str
    part: str = ""
    origin: str = ""
    mm_per_pixel: float = math.nan


def owners_of(
    root: Path, files: list[str], rows: Rows | None, *, group: str | None, patient: str | None, part: str | None = None
) -> tuple[list[Owner], list[Problem]]:
    """The owner of each file: by a pattern, else by the table, else the file itself. Raises UserError.

    `part` is what divides the files into the provider's parts, if a task is tested on them: a column of the table, or
    FOLDER for folders of the paths. Without it a part only goes into the manifest.
    """
    patterns = {name: given for name, given in (("patient", patient), ("group", group)) if given is not None}
    unit = unit_given(root, list(patterns), rows)
    if unit in patterns:
        names, problems = matched_groups(root, files, unit, patterns[unit])
    elif rows is not None and unit:
        names, problems = cells_of(rows, unit, files, "a group of its own")
    else:
        absent = f"such a column in {rows.name}" if rows else "`table`"
        reason = (
            f"no `patient`, `group` or {absent}: each file is a group of its own, so one patient may be on both sides"
            " of a fold"
        )
        names, problems = [""] * len(files), [Problem(WHOLE_SET, "kept", reason)]
    names, several = one_spelling(names)
    problems += remarks_on_names(unit, names, several)
    owners = [owner_of(file, name, unit) for file, name in zip(files, names, strict=True)]
    details = details_of(root, files, rows, part)
    if part is None and (parts := sorted({more["part"] for more in details} - {""})):
        reason = f"the study draws its own folds: the part of a file ({examples(parts)}) only goes into its manifest"
        problems.append(Problem(WHOLE_SET, "kept", reason))
    return [owner._replace(**more) for owner, more in zip(owners, details, strict=True)], problems


def remarks_on_names(unit: str, names: list[str], several: list[list[str]]) -> list[Problem]:
    """Remarks on patients or groups in several spellings, and on long numbers that a spreadsheet has rounded."""
    problems = []
    if several:
        pairs = examples(" = ".join(spellings) for spellings in several)
        reason = f"each {unit} in several spellings counts as one ({pairs}): {counted(len(several), unit)}"
        problems.append(Problem(WHOLE_SET, "kept", reason))
    if rounded := sorted(set(filter(ROUNDED.fullmatch, names))):
        reason = (
            f"a spreadsheet has rounded these long numbers, so several may be one {unit} ({examples(rounded)}): save"
            " the column as text"
        )
        problems.append(Problem(WHOLE_SET, "kept", reason))
    return problems


def unit_given(root: Path, settings: list[str], rows: Rows | None) -> str:
    """What the user groups by: patient, group, or "" for neither. Raises UserError if that is given twice."""
    given = {f"the setting `{name}`": name for name in settings}
    if rows is not None:
        columns = [name for name in ("patient", "group") if name in rows.cells]
        given |= {f"the column {name} of {rows.name}": name for name in columns}
    if len(given) > 1:
        raise UserError(f"The files of {root} are grouped twice, by {' and by '.join(given)}: remove one of them.")
    return next(iter(given.values()), "")


def owner_of(file: str, name: str, unit: str) -> Owner:
    """The owner of a file: the patient or group of this name, or the file itself if it has none ("")."""
    if not name:
        return Owner(file, unit_of_file(kind_of(Path(file))), "")
    return Owner(name, unit, name if unit == "patient" else "")


def matched_groups(root: Path, files: list[str], setting: str, pattern: str) -> tuple[list[str], list[Problem]]:
    """The pattern's match in each path: its first parenthesis, else the whole match; "" if nothing matches.

    The suffix of the path is ignored: otherwise p[0-9]+ would read every .mp4 as patient 4. Raises UserError for a
    faulty pattern, or one that matches no file.
    """
    try:
        matches = [re.search(pattern, without_suffix(file)) for file in files]
    except re.error as error:
        raise UserError(f"`{setting}` of {root} is not a regular expression: {pattern}: {error}.") from error
    groups = [(match[1 if match.re.groups else 0] or "").strip() if match else "" for match in matches]
    if not any(groups):
        raise UserError(f"`{setting}` of {root}, {pattern}, matches no path, such as {files[0]}: fix it.")
    reason = f"`{setting}` {pattern} does not match the path: a group of its own"
    return groups, [Problem(file, "kept", reason) for file, group in zip(files, groups, strict=True) if not group]


def without_suffix(file: str) -> str:
    """A path without the suffix of a video or image; other dots belong to the name.

    >>> without_suffix("p1/a.mp4"), without_suffix("p1/1.2.840.4"), without_suffix("p1.b")
    ('p1/a', 'p1/1.2.840.4', 'p1.b')
    """
    path = PurePosixPath(file)
    return str(path.with_suffix("")) if path.suffix.lower() in VIDEO_SUFFIXES + IMAGE_SUFFIXES else file


def details_of(root: Path, files: list[str], rows: Rows | None, part: str | None = None) -> list[dict[str, Any]]:
    """What the table, or for parts a folder, says of each file besides group and label, as fields of Owner.

    Raises UserError.
    """
    folders = [part_of(file) for file in files]
    if rows is None:
        return [{"part": folder} for folder in folders]
    cells = rows.cells.reindex(files, fill_value="")
    columns = PART_COLUMNS if part is None else () if part == FOLDER else (part,)
    parts = next((cells[name] for name in columns if name in cells), folders)
    origins = cells.get("source", [""] * len(files))
    scales = [scale_of(root / rows.name, file, cell) for file, cell in cells.get("mm_per_pixel", {}).items()]
    return [
        {"part": own, "origin": origin, "mm_per_pixel": scale}
        for own, origin, scale in zip(parts, origins, scales or [math.nan] * len(files), strict=True)
    ]


def scale_of(table: Path, file: str, cell: str) -> float:
    """The size of a file's pixels in mm, NaN for an empty cell. Raises UserError."""
    try:
        scale = float(cell or math.nan)
    except ValueError:
        scale = 0
    if scale <= 0 or math.isinf(scale):
        raise UserError(f"{table}: the mm_per_pixel of {file} is {cell!r}, but it must be a number above 0.")
    return scale


def mixed_groups(files: Iterable[Source]) -> list[Problem]:
    """A remark on the groups that have files of several classes."""
    classes: dict[str, set[str]] = defaultdict(set)
    for source in files:
        classes[source.group].update({source.label} - {""})
    mixed = [(group, " and ".join(sorted(labels))) for group, labels in classes.items() if len(labels) > 1]
    if not mixed:
        return []
    group, labels = mixed[0]
    others = f", and {len(mixed) - 1} more have files of several classes" if len(mixed) > 1 else ""
    stays = "each stays one group" if len(mixed) > 1 else "it stays one group"
    return [Problem(WHOLE_SET, "kept", f"group {group} has files of {labels}{others}: {stays}")]
