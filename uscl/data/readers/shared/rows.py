"""A user's table about the files of a set: the row of each file, and the labels in them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from uscl.base.errors import UserError
from uscl.base.text import counted
from uscl.data.readers.shared.cells import examples, no_value, nobody
from uscl.data.readers.shared.columns import near_column, unused_columns
from uscl.data.readers.shared.listing import Problem
from uscl.data.readers.shared.table_text import GUESSED, encoding_of
from uscl.data.readers.shared.tables import labels_as_written_first, named_files, read_table, refuse_repeats

if TYPE_CHECKING:
    import pandas as pd

KNOWN = ("patient", "group", "label")  # the columns next to `file`
DETAILS = ("part", "split", "fold", "source", "mm_per_pixel")  # what a table may add to a file
FOLDER = "folder"  # in place of the column of a part: the part is a folder of the path
MOST_CLASSES = 20  # more numbers, or more labels most of which are unique, are hardly classes


class Rows(NamedTuple):
    """The rows of a user's table by media file (path relative to the data folder), and the table's name."""

    name: str
    cells: (
        pd.DataFrame
    )  # index file; columns as in the CSV; labels in one spelling, "" for a KNOWN cell without a value
    written: pd.DataFrame  # the same, as written


def rows_of(
    root: Path,
    table: str | None,
    files: list[str],
    classes: list[str] | None,
    needed: tuple[str, ...] = (),
    part: str | None = None,
    ranged: bool = False,
) -> tuple[Rows | None, list[Problem]]:
    """The table's rows for the files, if there is a table, and remarks on its form and on rows that name no file.

    A row names its file by the path relative to root, or by the bare name if only one file has it. `part` is as in
    `uscl.data.readers.shared.own_data.owners_of`. In a `ranged` table each part of a file has a row, and the first
    stands for the file. Raises UserError.
    """
    if table is None:
        return None, []
    path = table_path(root, table)
    of_part = (part,) if part and part != FOLDER else ()
    written = read_table(path, ["file", *needed, *of_part], (*KNOWN, *DETAILS))
    require_content(path, list(written), of_part)
    nameless = written["file"].map(no_value).astype(bool)
    problems = [
        *remarks_on_form(path, table, list(written), of_part, ranged),
        *rows_without_file(table, written.index[nameless]),
    ]
    written = written[~nameless]
    cells = known_cells(path, written, classes, of_part)
    names = named_files(path, written["file"], files)
    cells, written = cells.assign(file=names), written.assign(file=names)
    if ranged:
        cells, written = one_row_per_file(path, cells, written, of_part)
    else:
        refuse_repeats(path, cells, ["file"])
    there = cells["file"].isin(files)
    if not there.any():
        raise UserError(
            f"{path} names no file that is read in {root}: its column file should hold paths such as {files[0]}."
        )
    reason = f"in {table}, but no file that is read has this name"
    problems += [Problem(file, "set aside", reason) for file in cells["file"][~there]]
    return Rows(table, cells[there].set_index("file"), written[there].set_index("file")), problems


def one_row_per_file(
    path: Path, cells: pd.DataFrame, written: pd.DataFrame, of_part: tuple[str, ...]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The first row of each file. Raises UserError if its rows differ in what is one for the whole file."""
    for column in ("patient", "group", *DETAILS, *of_part):
        if column in cells and (differ := cells.groupby("file")[column].nunique() > 1).any():
            raise UserError(
                f"{path}: the rows of {differ.index[differ][0]} differ in {column}: give all of them the same."
            )
    first = ~cells["file"].duplicated()
    return cells[first], written[first]


def table_path(root: Path, table: str) -> Path:
    """The path of the table. Raises UserError if it isn't a file in the folder of the data."""
    path = root / table
    if Path(table).is_absolute() or ".." in Path(table).parts or not path.is_file():
        there = sorted(found.name for found in root.glob("*.[cCtT][sS][vV]"))
        hint = f"; there is {examples(there)}" if there else ""
        raise UserError(f"There is no table {table} in {root}: `table` must name a CSV in that folder{hint}.")
    return path


def require_content(path: Path, columns: list[str], of_part: tuple[str, ...] = ()) -> None:
    """Raise UserError for a table without patient, group and label, which names columns that may be one of them."""
    if {*KNOWN, *of_part} & set(columns):
        return
    others = [column for column in columns if column != "file"]
    near = {column: near_column(column, others) for column in KNOWN}
    hints = "".join(f" Rename {other} to {column} if that is meant." for column, other in near.items() if other)
    raise UserError(f"{path} has none of the columns patient, group and label: add one of them.{hints}")


def remarks_on_form(
    path: Path, table: str, columns: list[str], of_part: tuple[str, ...] = (), ranged: bool = False
) -> list[Problem]:
    """Remarks on columns that are not used, and on an encoding that had to be guessed."""
    problems = []
    known = {*DETAILS, *of_part}
    known |= {"start", "end"} if ranged else set()
    if unused := unused_columns([column for column in columns if column not in known], ["file", *KNOWN]):
        problems.append(Problem(table, "kept", unused))
    if encoding_of(path.read_bytes()) == GUESSED:
        reason = f"not UTF-8: read as {GUESSED} (western European); if letters are wrong, save the table as UTF-8"
        problems.append(Problem(table, "kept", reason))
    return problems


def rows_without_file(table: str, indices: pd.Index) -> list[Problem]:
    """One remark on all rows that name no file."""
    rows = [index + 2 for index in indices]
    if not rows:
        return []
    some = f"row {rows[0]} names" if len(rows) == 1 else f"{len(rows)} rows, of which row {rows[0]} is the first, name"
    return [Problem(table, "kept", f"{some} no file: left out")]


def known_cells(
    path: Path, written: pd.DataFrame, classes: list[str] | None, of_part: tuple[str, ...] = ()
) -> pd.DataFrame:
    """The rows with "" for a cell of KNOWN, DETAILS or the part without a value, and with labels in one spelling.

    Raises UserError.
    """
    cells = written.copy()
    for column in {"patient", "group"} & set(cells):
        cells[column] = ["" if nobody(cell) else cell for cell in cells[column]]
    for column in {*DETAILS, *of_part} & set(cells):
        cells[column] = ["" if no_value(cell) else cell for cell in cells[column]]
    if "label" in cells:
        cells["label"] = labels_as_written_first(path, cells["label"], classes)
    return cells


def cells_of(rows: Rows, column: str, files: list[str], without: str) -> tuple[list[str], list[Problem]]:
    """Each file's cell in a column, and remarks that count the files without a row and those without a value."""
    cells = rows.cells[column].reindex(files, fill_value="").tolist()
    absent = [file for file in files if file not in rows.cells.index]
    empty = [file for file, cell in zip(files, cells, strict=True) if not cell and file in rows.cells.index]
    problems = []
    if absent:
        reason = f"no row for {counted(len(absent), 'file')} ({examples(absent)}): {without}"
        problems.append(Problem(rows.name, "kept", reason))
    if empty:
        words = Counter(rows.written.loc[empty, column].replace("", "empty"))
        counts = ", ".join(f"{word} {count}" for word, count in sorted(words.items()))
        hint = "; a word that is a class must be in `classes`" if column == "label" and set(words) - {"empty"} else ""
        reason = f"no {column} for {counted(len(empty), 'file')} ({counts}; {examples(empty)}): {without}{hint}"
        problems.append(Problem(rows.name, "kept", reason))
    return cells, problems


def labels_of(
    root: Path, files: list[str], rows: Rows | None, classes: list[str] | None
) -> tuple[list[str], list[Problem]]:
    """The label of each file from the table, "" if it has none. Raises UserError for `classes` without labels."""
    if rows is not None and "label" in rows.cells:
        labels, problems = cells_of(rows, "label", files, "unlabelled")
        return labels, [*problems, *doubtful_classes(rows.name, labels, classes)]
    if classes is not None:
        raise UserError(
            f"`classes` of {root} is set, but there is no table with a column label: add one, or remove `classes`."
        )
    return [""] * len(files), []


def doubtful_classes(source: str, labels: Sequence[str], classes: list[str] | None) -> list[Problem]:
    """A remark on labels that are hardly classes: many numbers, one name with many numbers, or mostly unique texts."""
    counts = Counter(label for label in labels if label)
    if classes is not None or len(counts) <= MOST_CLASSES:
        return []
    numbered = len({re.sub(r"[-+]?\d+([.,]\d+)?", "0", label) for label in counts}) == 1
    unique = sum(count == 1 for count in counts.values()) > len(counts) / 2
    if not numbered and not unique:
        return []
    kind = "numbers" if numbered else "texts that mostly occur once"
    reason = (
        f"the labels are {len(counts)} {kind} ({examples(sorted(counts))}), and each counts as a class: if they are"
        " measurements, ids or patients, give the classes instead, or list them in `classes`"
    )
    return [Problem(source, "kept", reason)]
