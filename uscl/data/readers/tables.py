"""CSV tables that come with a data set: written by people, so every fault is named by file and row."""

import io
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from uscl.errors import UserError

WHOLE_NUMBER = r"[0-9]{1,15}(\.0*)?"  # 37, and 37.0 as spreadsheets write it


def read_table(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """The rows of a table that has at least `columns`: cells are text without blanks around it, "" where empty.

    Read as UTF-8, with or without a byte order mark, or else as latin-1. Rows without any content are left out; the
    index keeps every row's place (see `row_name`). Raises UserError.
    """
    try:
        text = io.StringIO(decoded(path.read_bytes()), newline="")
        table = pd.read_csv(text, dtype=str, keep_default_na=False, skip_blank_lines=False, skipinitialspace=True)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from error
    except pd.errors.EmptyDataError as error:
        raise UserError(f"{path} is empty: it should have the columns {', '.join(columns)}.") from error
    except pd.errors.ParserError as error:
        raise UserError(f"{path} is not a CSV table ({str(error).strip()}): mend it.") from error
    if absent := [column for column in columns if column not in table]:
        raise UserError(
            f"{path} has no column {', '.join(absent)}: it should have {', '.join(columns)}, separated by commas."
        )
    if not isinstance(table.index, pd.RangeIndex):  # pandas then takes the surplus cells for row names
        raise UserError(f"{path} has rows of more cells than its header has names: mend it.")
    table = table.fillna("").apply(lambda column: column.str.strip())
    return table[(table != "").any(axis=1)]


def decoded(data: bytes) -> str:
    """Text from UTF-8 or else latin-1, which takes any bytes."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def whole_numbers(path: Path, column: pd.Series) -> pd.Series:
    """A column of text as int64. Raises UserError naming the first row that holds no whole number."""
    bad = column[~column.str.fullmatch(WHOLE_NUMBER)]
    if len(bad):
        raise UserError(
            f"{row_name(path, bad.index[0])}: {column.name} is {bad.iloc[0]!r}, but it must be a whole number."
        )
    return column.str.replace(r"\.0*$", "", regex=True).astype("int64")


def refuse_repeats(path: Path, table: pd.DataFrame, columns: Sequence[str]) -> None:
    """Raise UserError naming the first row that repeats the values of `columns` of a row before it."""
    repeats = table.index[table.duplicated(list(columns))]
    if len(repeats):
        row = table.loc[repeats[0]]
        values = ", ".join(f"{column} {row[column]}" for column in columns)
        raise UserError(f"{row_name(path, repeats[0])} repeats {values}, which an earlier row has: keep one of them.")


def row_name(path: Path, index: int) -> str:
    """A row as a spreadsheet counts it: the header is row 1."""
    return f"{path}, row {index + 2}"
