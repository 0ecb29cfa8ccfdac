"""Tables from a user's files, of features or predictions: how they are read, and whether they have the right cases."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from uscl.base.errors import UserError

TEXT = ("case", "dataset", "mask")
NAMED = 3  # cases that a sentence names


def read_table(path: Path, columns: Sequence[str]) -> pa.Table:
    """A Parquet or CSV file; of a CSV, every column is text. Raises UserError if it lacks one of `columns`."""
    try:
        if path.suffix == ".csv":
            found = pa.Table.from_pandas(pd.read_csv(path, dtype=str, keep_default_na=False), preserve_index=False)
        else:
            found = pq.read_table(path)
    except FileNotFoundError as error:
        raise UserError(f"{path} doesn't exist: write it, or correct the arm's settings.") from error
    except (OSError, ValueError, pa.ArrowException) as error:
        problem = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path} can't be read as a table ({problem}): write it again.") from error
    if absent := [name for name in columns if name not in found.column_names]:
        raise UserError(
            f"{path} has no column {', '.join(absent)}, but only {', '.join(found.column_names)}: add it (`uscl"
            " template` writes a file with all columns)."
        )
    return found


def columns(path: Path, table: pa.Table, *names: str) -> pd.DataFrame:
    """Some columns: numbers as they are, all others as text. Raises UserError for columns of lists and the like."""
    found = {}
    for name in names:
        kind = table[name].type
        numeric = pa.types.is_floating(kind) or pa.types.is_integer(kind)
        try:
            as_text = table[name] if numeric and name not in TEXT else table[name].cast(pa.string()).fill_null("")
        except pa.ArrowException as error:
            raise UserError(f"{path}: its column {name} holds {kind}: store text or numbers.") from error
        found[name] = as_text.to_pandas()
    return pd.DataFrame(found)


def integers(path: Path, table: pd.DataFrame, name: str) -> pd.Series:
    """A column of whole numbers. Raises UserError for anything else."""
    found = numbers(table, name)
    if (wrong := found.isna() | (found % 1 != 0)).any():
        case = table.loc[wrong, "case"].iloc[0]
        raise UserError(f"{path}: {name} of case {case} is '{table.loc[wrong, name].iloc[0]}': give a whole number.")
    return found.astype("int64")


def numbers(table: pd.DataFrame, name: str) -> pd.Series:
    """A column as numbers; NaN for text that spells none."""
    return pd.to_numeric(table[name], errors="coerce")


def check_cases(path: Path, given: pd.Series, needed: Iterable[str], known: Iterable[str], of: str, place: str) -> None:
    """Raise UserError unless `given` has every `needed` case once, and no case that isn't `known`.

    `of` names what has the cases, `place` what the rows are of (" of seed 0"), for the sentences.
    """
    if (twice := given[given.duplicated()]).any():
        raise UserError(f"{path} has {listed(twice.unique())} more than once{place}: keep one row of each.")
    if len(foreign := given[~given.isin(list(known))]):
        raise UserError(f"{path} has {listed(foreign)}{place}, which {of} doesn't have: remove these rows.")
    present = set(given)
    if missing := [case for case in needed if case not in present]:
        raise UserError(f"{path} lacks {listed(missing)} of {of}{place}: add a row for each.")


def listed(cases: Iterable[str]) -> str:
    """The first cases and the number of the others.

    >>> listed(["a"]), listed(["a", "b", "c", "d", "e"])
    ('case a', 'cases a, b, c and 2 more')
    """
    names = list(cases)
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"case{'s' if len(names) > 1 else ''} {', '.join(names[:NAMED])}{more}"
