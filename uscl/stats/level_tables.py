"""Tables of several levels as one: with a column `level`, unless frames are all that is scored."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pandas as pd

from uscl.base.files import written
from uscl.stats.level_names import FRAME
from uscl.stats.levels import Asked, with_several_labels

ABOUT = ["level", "level_rule", "left_out"]  # of the intervals of several levels


def each_level(cases: Mapping[str, pd.DataFrame], table_of: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
    """A table of the cases of each level (`uscl.stats.levels.by_level`), level after level."""
    tables = {level: table_of(of_level) for level, of_level in cases.items()}
    if list(tables) == [FRAME]:
        return tables[FRAME]
    return pd.concat([table.assign(level=level) for level, table in tables.items()], ignore_index=True)


def write_each_level(
    out: Mapping[str, str],
    made: Mapping[str, Callable[[pd.DataFrame], pd.DataFrame]],
    cases: Mapping[str, pd.DataFrame],
    frames: pd.DataFrame,
    asked: Asked,
) -> None:
    """Write the tables `made` from the cases of each level, by name; those of intervals also say how levels are scored.

    `out` has the path of each table, `frames` are the scored frames that the levels rest on.
    """
    for name, table_of in made.items():
        table = each_level(cases, table_of)
        with written(Path(out[name])) as path:
            (with_rule(table, frames, asked) if name == "intervals" else table).to_csv(path, index=False)


def with_rule(intervals: pd.DataFrame, frames: pd.DataFrame, asked: Asked) -> pd.DataFrame:
    """The intervals of several levels with the rule of each, and the number of its cases that are left out.

    `frames` are the scored frames that the levels rest on.
    """
    if "level" not in intervals:
        return intervals
    rule = intervals["level"].map(lambda level: None if level == FRAME else asked.rule)
    count = {level: len(with_several_labels(frames, level)) for level in intervals["level"].unique()}
    return intervals.assign(level_rule=rule, left_out=intervals["level"].map(count))


def with_level(table: pd.DataFrame) -> pd.DataFrame:
    """A table of `each_level` with the column `level` in any case."""
    return table if "level" in table else table.assign(level=FRAME)


def main_level(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the first level in a table of one evaluation: the one that figures and summaries show."""
    return table if "level" not in table or table.empty else table[table["level"] == table["level"].iloc[0]]


def level_by_level(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of an evaluation in the result table by level; rows without a score belong to every level."""
    rows = with_level(rows)
    for level in rows.loc[rows["metric"].notna(), "level"].unique():
        yield level, rows[rows["level"].eq(level) | rows["metric"].isna()]
