"""CSV tables that come with a data set: people write them, so every error names file and row."""

from __future__ import annotations

import difflib
import io
import posixpath
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uscl.base.errors import UserError
from uscl.data.readers.shared.cells import name_key, no_value, visible, whole
from uscl.data.readers.shared.columns import require_columns, with_wanted
from uscl.data.readers.shared.table_text import table_text

if TYPE_CHECKING:
    import pandas as pd

WHOLE_NUMBER = r"[0-9]{1,15}(\.0*)?"  # 37, and 37.0 as spreadsheets write it


def read_table(path: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> pd.DataFrame:
    """The rows of a table that has at least `columns`: cells are text without surrounding blanks, "" if empty.

    Commas, semicolons, tabs or bars separate the cells; encodings are those of `table_text`. `columns` and `optional`
    are found in any case. Empty rows are left out; the index keeps their places (`row_name`). Raises UserError.
    """
    import pandas as pd

    found = table_text(path)
    try:
        table = pd.read_csv(
            io.StringIO(found.text, newline=""),
            sep=found.separator,
            skiprows=found.blank_lines,
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=False,
            skipinitialspace=True,
        )
    except pd.errors.EmptyDataError as error:
        raise UserError(f"{path} is empty: it should have the columns {', '.join(columns)}.") from error
    except pd.errors.ParserError as error:
        raise UserError(f"{path} is not a CSV table ({str(error).strip()}): fix it.") from error
    table = with_wanted(path, table, [*columns, *optional])
    require_columns(path, table.columns, columns)
    if not isinstance(table.index, pd.RangeIndex):  # pandas then treats the surplus cells as row names
        raise UserError(f"{path} has rows with more cells than its header has names: fix it.")
    table = table.fillna("").apply(lambda column: column.str.strip())
    table.index += found.blank_lines
    return table[(table != "").any(axis=1)]


def shares(path: Path, column: pd.Series) -> pd.Series:
    """A column of text as float64, NaN where it is empty. Raises UserError that names the first row not in [0, 1]."""
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    bad = column[~numbers.between(0, 1) & (column != "")]
    if len(bad):
        raise UserError(
            f"{row_name(path, bad.index[0])}: {column.name} is {bad.iloc[0]!r}, but it must be a number from 0 to 1."
        )
    return numbers


def whole_numbers(path: Path, column: pd.Series) -> pd.Series:
    """A column of text as int64. Raises UserError that names the first row without a whole number."""
    bad = column[~column.str.fullmatch(WHOLE_NUMBER)]
    if len(bad):
        raise UserError(
            f"{row_name(path, bad.index[0])}: {column.name} is {bad.iloc[0]!r}, but it must be a whole number."
        )
    return column.str.replace(r"\.0*$", "", regex=True).astype("int64")


def refuse_repeats(path: Path, table: pd.DataFrame, columns: Sequence[str]) -> None:
    """Raise UserError that names the first row which repeats the values of `columns` in an earlier row."""
    repeats = table.index[table.duplicated(list(columns))]
    if len(repeats):
        row = table.loc[repeats[0]]
        values = ", ".join(f"{column} {row[column]}" for column in columns)
        raise UserError(f"{row_name(path, repeats[0])} repeats {values}, which an earlier row has: keep one of them.")


def named_files(path: Path, column: pd.Series, files: Sequence[str]) -> list[str]:
    """The one of `files` (paths in the table's data set) that each row names; names of missing files stay as they are.

    A row names a file by its path, or by its bare name if only one file has it, with either kind of slash and in any
    case. Raises UserError for a name of several files, or a path that leads out of the data set.
    """
    exact = {spelling(file): [file] for file in files}
    by_path: dict[str, list[str]] = defaultdict(list)
    by_name: dict[str, list[str]] = defaultdict(list)
    for file in files:
        by_path[spelling(visible(file))].append(file)
        by_name[spelling(visible(posixpath.basename(file)))].append(file)
    named = []
    for index, cell in column.items():
        file = inner_path(path, index, cell)
        key = spelling(file)
        found = exact.get(key) or by_path.get(key) or by_name.get(key) or [file]
        if len(found) > 1:
            raise UserError(f"{row_name(path, index)}: {file} may be {' or '.join(found)}: write the whole path.")
        named.append(found[0])
    return named


def inner_path(path: Path, index: Any, cell: str) -> str:
    """A path as written in a row, with forward slashes and no detours. Raises UserError if it leaves the data set."""
    inner = posixpath.normpath(cell.replace("\\", "/"))
    if re.match(r"/|[A-Za-z]:/|\.\.(/|$)", inner):
        raise UserError(f"{row_name(path, index)}: {cell} leads out of the folder of the data: write a path inside it.")
    return inner


def spelling(name: str) -> str:
    """A name in a form that is equal on every system: systems differ in case and in how they compose accents."""
    return unicodedata.normalize("NFC", name).lower()


def labels_as_written_first(path: Path, labels: pd.Series, classes: Sequence[str] | None) -> pd.Series:
    """The labels, "" for a cell without a value, spelled as in `classes`, if there are any.

    Raises UserError that names the first row with a label that is not among `classes`; without `classes`, the first
    row with a label that differs from an earlier one only in spelling.
    """
    known = {whole(visible(name)): name for name in classes or ()}
    first: dict[str, str] = {}
    labels = labels.map(whole)
    for index, label in labels.items():
        if label in known or no_value(label):
            continue
        if classes is not None:
            raise UserError(
                f"{row_name(path, index)}: label {label!r} is none of the classes {', '.join(classes)}; the nearest is"
                f" {nearest(label, classes)!r}."
            )
        if label != (above := first.setdefault(name_key(label), label)):
            raise UserError(f"{row_name(path, index)}: label {label!r} is written {above!r} above: use one spelling.")
    return labels.map(lambda label: known.get(label, "" if no_value(label) else label))


def nearest(word: str, known: Sequence[str]) -> str:
    """The known word that is most similar to this one, ignoring case."""
    return max(known, key=lambda other: difflib.SequenceMatcher(None, spelling(word), spelling(other)).ratio())


def row_name(path: Path, index: Any) -> str:
    """A row as a spreadsheet counts it: the header is row 1."""
    return f"{path}, row {index + 2}"
