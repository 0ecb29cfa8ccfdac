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
from typing import TYPE_CHECKING, Any, NamedTuple

from uscl.base.errors import UserError
from uscl.data.readers.shared.listing import Problem, relative, require, set_aside
from uscl.data.readers.shared.media_files import sorted_out
from uscl.data.readers.shared.tables import check_labels, named_files, read_table, refuse_repeats, spelling
from uscl.data.source import Source, kind_of
from uscl.data.units import unit_of_file

if TYPE_CHECKING:
    import pandas as pd

PART_COLUMNS = ("part", "split", "fold")  # of a table; the first of them is read
WHOLE_SET = "."  # the file name in a remark on the whole folder
MASK_NAME = re.compile(r"(.+)[ _-]mask([ _-]?\d+)?", re.IGNORECASE)  # the stem of a mask that is next to its image


class Rows(NamedTuple):
    """The rows of a user's table by media file (path relative to the data folder), and the table's name."""

    name: str
    cells: pd.DataFrame  # index file; columns as in the CSV


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
        raise UserError(f"{root} has no file whose name ends in {', '.join(suffixes)}: it should hold {layout}.")
    refuse_twins(root, {file: spelling(file) for file in media})
    return media, problems


def files_below(root: Path) -> tuple[list[Path], list[Problem]]:
    """All files below root except hidden ones, and the problems of unreadable files.

    Links are followed; each folder is read once. Raises UserError if root itself can't be read.
    """
    seen = {root.resolve(): root}
    found: list[Path] = []
    problems: list[Problem] = []
    folders = [root]
    for folder in folders:  # grows as folders are found
        try:
            for path in sorted(path for path in folder.iterdir() if not path.name.startswith(".")):
                if reason := unreadable(root, path, seen):
                    problems.append(Problem(shown_name(root, path), "set aside", reason))
                else:
                    (folders if path.is_dir() else found).append(path)
        except OSError as error:
            if folder == root:
                raise UserError(f"The folder {root} cannot be read: {error.strerror}.") from error
            problems.append(set_aside(root, folder, f"the folder cannot be read: {error.strerror}"))
    return found, problems


def unreadable(root: Path, path: Path, seen: dict[Path, Path]) -> str:
    """Why a file or folder is left out, or ""; adds a folder to `seen`, which maps resolved paths to found paths."""
    if shown_name(root, path) != relative(root, path):
        return "the name is not valid UTF-8: rename it"
    if path.is_dir():
        first = seen.setdefault(path.resolve(), path)
        return "" if first is path else f"the same folder as {relative(root, first)}, which is already read"
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


def rows_of(
    root: Path, table: str | None, files: list[str], classes: list[str] | None, needed: tuple[str, ...] = ()
) -> tuple[Rows | None, list[Problem]]:
    """The table's rows for the files, if there is a table, and remarks on rows that name no file.

    A row names its file by the path relative to root, or by the bare name if only one file has it. Raises UserError.
    """
    if table is None:
        return None, []
    path = table_path(root, table)
    cells = read_table(path, ["file", *needed])
    if not {"patient", "group", "label"} & set(cells):
        raise UserError(f"{path} has none of the columns patient, group and label: add one of them.")
    nobody = cells.index[cells["file"] == ""]
    problems = [Problem(table, "kept", f"row {index + 2} names no file: left out") for index in nobody]
    cells = cells.drop(index=nobody)
    if "label" in cells:
        check_labels(path, cells["label"], classes)
    cells = cells.assign(file=named_files(path, cells["file"], files))
    refuse_repeats(path, cells, ["file"])
    there = cells["file"].isin(files)
    if not there.any():
        raise UserError(
            f"{path} names no file that is read in {root}: its column file should hold paths such as {files[0]}."
        )
    reason = f"in {table}, but no file that is read has this name"
    problems += [Problem(file, "set aside", reason) for file in cells["file"][~there]]
    return Rows(table, cells[there].set_index("file")), problems


def table_path(root: Path, table: str) -> Path:
    """The path of the table. Raises UserError if it isn't a file in the folder of the data."""
    path = root / table
    if Path(table).is_absolute() or ".." in Path(table).parts or not path.is_file():
        raise UserError(f"There is no table {table} in {root}: `table` must name a CSV in that folder.")
    return path


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
    root: Path, files: list[str], rows: Rows | None, *, group: str | None, patient: str | None
) -> tuple[list[Owner], list[Problem]]:
    """The owner of each file: by a pattern, else by the table, else the file itself. Raises UserError."""
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
    owners = [owner_of(file, name, unit) for file, name in zip(files, names, strict=True)]
    details = details_of(root, files, rows)
    return [owner._replace(**more) for owner, more in zip(owners, details, strict=True)], problems


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
        matches = [re.search(pattern, str(PurePosixPath(file).with_suffix(""))) for file in files]
    except re.error as error:
        raise UserError(f"`{setting}` of {root} is not a regular expression: {pattern}: {error}.") from error
    groups = [(match[1 if match.re.groups else 0] or "").strip() if match else "" for match in matches]
    if not any(groups):
        raise UserError(f"`{setting}` of {root}, {pattern}, matches no path, such as {files[0]}: fix it.")
    reason = f"`{setting}` {pattern} does not match the path: a group of its own"
    return groups, [Problem(file, "kept", reason) for file, group in zip(files, groups, strict=True) if not group]


def labels_of(
    root: Path, files: list[str], rows: Rows | None, classes: list[str] | None
) -> tuple[list[str], list[Problem]]:
    """The label of each file from the table, "" if it has none. Raises UserError for `classes` without labels."""
    if rows is not None and "label" in rows.cells:
        return cells_of(rows, "label", files, "unlabelled")
    if classes is not None:
        raise UserError(
            f"`classes` of {root} is set, but there is no table with a column label: add one, or remove `classes`."
        )
    return [""] * len(files), []


def details_of(root: Path, files: list[str], rows: Rows | None) -> list[dict[str, Any]]:
    """What the table says of each file besides group and label, as fields of Owner. Raises UserError."""
    if rows is None:
        return [{} for _ in files]
    cells = rows.cells.reindex(files, fill_value="")
    parts = next((cells[name] for name in PART_COLUMNS if name in cells), [""] * len(files))
    origins = cells.get("source", [""] * len(files))
    scales = [scale_of(root / rows.name, file, cell) for file, cell in cells.get("mm_per_pixel", {}).items()]
    return [
        {"part": part, "origin": origin, "mm_per_pixel": scale}
        for part, origin, scale in zip(parts, origins, scales or [math.nan] * len(files), strict=True)
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


def cells_of(rows: Rows, column: str, files: list[str], without: str) -> tuple[list[str], list[Problem]]:
    """Each file's cell in a column, and a remark on the files without one."""
    cells = rows.cells[column].reindex(files, fill_value="").tolist()
    problems = []
    for file, cell in zip(files, cells, strict=True):
        if not cell:
            absent = f"no {column} in" if file in rows.cells.index else "not in"
            problems.append(Problem(file, "kept", f"{absent} {rows.name}: {without}"))
    return cells, problems


def mixed_groups(files: Iterable[Source]) -> list[Problem]:
    """A remark on every group that has files of several classes."""
    classes: dict[str, set[str]] = defaultdict(set)
    for source in files:
        classes[source.group].update({source.label} - {""})
    return [
        Problem(WHOLE_SET, "kept", f"group {group} has files of {' and '.join(sorted(labels))}: it stays one group")
        for group, labels in classes.items()
        if len(labels) > 1
    ]
