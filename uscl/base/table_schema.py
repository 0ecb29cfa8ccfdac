"""Schemas of the tables that jobs exchange: columns in order, their types, and checks of their values.

Every job reads such tables, so this module needs only pandas.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd


class Check(NamedTuple):
    """What the values of a column must be, in words, and a function that finds the values that comply."""

    words: str
    holds: Callable[[pd.Series], pd.Series]


NOT_EMPTY = Check("not empty", lambda values: values.str.len() > 0)
UNIQUE = Check("unique", lambda values: ~values.duplicated())
NOT_NEGATIVE = Check("0 or more", lambda values: values >= 0)
POSITIVE = Check("1 or more", lambda values: values >= 1)
SHA256 = Check("a SHA-256", lambda values: values.str.fullmatch("[0-9a-f]{64}"))


def one_of(*words: str) -> Check:
    """A check that every value is one of `words`."""
    return Check(f"one of {', '.join(words)}", lambda values: values.isin(words))


class Column:
    """A column of type str, int64, float64 or bool; a value may be missing only if the column has `gaps`."""

    def __init__(self, dtype: str, *checks: Check, gaps: bool = False) -> None:
        self.dtype = dtype
        self.checks = checks
        self.gaps = gaps

    def fault(self, values: pd.Series) -> str | None:
        """What is wrong with the values of this column, as the end of a sentence; None if nothing is."""
        right = pd.api.types.is_string_dtype(values) if self.dtype == "str" else values.dtype == self.dtype
        if not right:
            return f"has type {values.dtype}, not {self.dtype}"
        if not self.gaps and values.isna().any():
            return "has a missing value"
        for check in self.checks:
            wrong = values[~check.holds(values).astype(bool)]
            if len(wrong):
                return f"must be {check.words}, but holds {wrong.iloc[0]!r}"
        return None


class TableSchema:
    """The columns of a table, by name and in order."""

    def __init__(self, columns: dict[str, Column]) -> None:
        self.columns = columns

    def validate(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table itself if it is valid. Raises ValueError that names the first column with a fault."""
        if list(table.columns) != list(self.columns):
            raise ValueError(f"its columns are {', '.join(map(str, table.columns))}")
        for name, column in self.columns.items():
            if fault := column.fault(table[name]):
                raise ValueError(f"its column '{name}' {fault}")
        return table

    def types(self) -> dict[str, str]:
        """The types of the columns, as pandas accepts them."""
        return {name: column.dtype for name, column in self.columns.items()}

    def read(self, path: Path) -> pd.DataFrame:
        """Read a CSV file as it was written: text stays text ("037", "NA"), and only columns with `gaps` may have gaps.

        Raises ValueError or FileNotFoundError.
        """
        gaps = {name: [""] for name, column in self.columns.items() if column.gaps}
        return self.validate(pd.read_csv(path, dtype=self.types(), keep_default_na=False, na_values=gaps))
