"""Read the tables that jobs exchange as they were written; a damaged file raises one sentence."""

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from uscl.base.errors import UserError

# The columns of all CSV tables that hold names, ids and sentences. An arm may be called 007, NA, true or 1e3.
TEXT = {
    *("arm", "reference", "task", "regime", "metric", "method", "encoder", "level", "level_rule", "part"),
    *("case", "video", "patient", "group", "groups", "unit", "label", "better_than", "run", "seeds", "leaks"),
    *("commit", "config_sha256", "data_sha256", "cpu", "gpu", "source"),
    *("reason", "no_interval", "remark", "remarks", "sentence", "verdict"),
}
COMPUTED = r"^([=+\-@\t\r])"  # how a cell begins that a spreadsheet takes for a formula
NUMBERS_WITHOUT_VALUE = ["", "nan", "NaN"]


def read_parquet(path: str | Path) -> pd.DataFrame:
    """Read a table as it was written. Raises UserError if the file is damaged or missing."""
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:  # Arrow's errors have these types; their texts are about magic bytes
        raise UserError(f"{path} is damaged or missing: remove it and run again to recreate it.") from error


def read_csv(path: str | Path) -> pd.DataFrame:
    """Read a table as it was written: what is text stays text ("007", "NA"), only an empty cell is missing.

    Raises UserError if the file is damaged or missing.
    """
    try:
        columns = list(pd.read_csv(path, nrows=0))
        text = text_columns(columns)
        gaps = {name: [""] if name in text else NUMBERS_WITHOUT_VALUE for name in columns}
        types = dict.fromkeys(text, "str")
        return pd.read_csv(path, dtype=types, keep_default_na=False, na_values=gaps)
    except (OSError, ValueError) as error:  # pandas' errors are ValueErrors
        raise UserError(f"{path} is damaged or missing: remove it and run again to recreate it.") from error


def text_columns(columns: Collection[str]) -> set[str]:
    """The columns that hold text; of a comparison, `deterministic` names arms, elsewhere it is a truth value."""
    arms = {"deterministic"} if "reference_trainings" in columns else set()
    return (TEXT | arms) & set(columns)


def defused(table: pd.DataFrame) -> pd.DataFrame:
    """A table for readers, with an apostrophe before text that a spreadsheet would compute; numbers stay as they are.

    >>> defused(pd.DataFrame({"label": ["=1+1", "-5", "a=b"], "difference": [-0.5, 1, 2]})).to_csv(index=False).split()
    ['label,difference', "'=1+1,-0.5", "'-5,1.0", 'a=b,2.0']
    """
    texts = table.select_dtypes(["str", "object"])
    return table.assign(**{name: texts[name].str.replace(COMPUTED, r"'\1", regex=True) for name in texts})
