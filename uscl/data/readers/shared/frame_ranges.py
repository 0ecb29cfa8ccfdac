"""Labels of parts of a video: several rows of a table for one file, each with `start` and `end` in seconds."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from uscl.base.errors import UserError
from uscl.data.readers.shared.cells import no_value
from uscl.data.readers.shared.rows import table_path
from uscl.data.readers.shared.tables import labels_as_written_first, named_files, read_table, row_name

if TYPE_CHECKING:
    import pandas as pd

ENDS = ("start", "end")


class Range(NamedTuple):
    """A part of a video, from `start` to before `end` in seconds, with its label ("" if it has none)."""

    start: float
    end: float
    label: str

    @property
    def whole(self) -> bool:
        """Whether it is all of the video."""
        return self.start == 0 and self.end == math.inf

    @property
    def name(self) -> str:
        """The part in words.

        >>> Range(1.5, 4, "a").name, Range(2, math.inf, "a").name
        ('1.5 to 4 s', 'from 2 s')
        """
        return f"from {self.start:g} s" if self.end == math.inf else f"{self.start:g} to {self.end:g} s"


def has_ranges(root: Path, table: str | None) -> bool:
    """Whether a table has a column `start` or `end`."""
    return table is not None and bool({*ENDS} & set(read_table(table_path(root, table), ["file"], ENDS)))


def ranges_of(root: Path, table: str, files: Sequence[str], classes: list[str] | None) -> dict[str, list[Range]]:
    """The labelled parts of each file that the table names, in order.

    An empty `start` is the beginning, an empty `end` the end. Raises UserError for a time that is no number, a part
    that ends before it starts, and parts that overlap.
    """
    path = table_path(root, table)
    rows = read_table(path, ["file", "label"], ENDS)
    rows = rows[~rows["file"].map(no_value).astype(bool)]
    rows = rows.assign(file=named_files(path, rows["file"], list(files)))
    rows = rows.assign(label=labels_as_written_first(path, rows["label"], classes))
    found: dict[str, list[Range]] = defaultdict(list)
    for index, row in rows[rows["file"].isin(files)].iterrows():
        found[row["file"]].append(range_of(path, index, row))
    for file, ranges in found.items():
        ranges.sort()
        for one, after in pairwise(ranges):
            if after.start < one.end:
                raise UserError(f"{path}: the parts of {file}, {one.name} and {after.name}, overlap: correct them.")
    return dict(found)


def range_of(path: Path, index: int, row: pd.Series) -> Range:
    """The part that a row of a table names. Raises UserError."""
    start, end = (seconds(path, index, name, row.get(name, "")) for name in ENDS)
    start, end = 0 if start is None else start, math.inf if end is None else end
    if end <= start:
        raise UserError(f"{row_name(path, index)}: `end` ({end:g} s) must be after `start` ({start:g} s).")
    return Range(start, end, row["label"])


def seconds(path: Path, index: int, name: str, cell: str) -> float | None:
    """A time in seconds, None for an empty cell. Raises UserError."""
    if no_value(cell):
        return None
    try:
        value = float(cell)
    except ValueError:
        value = -1
    if not 0 <= value < math.inf:
        raise UserError(f"{row_name(path, index)}: `{name}` is {cell!r}, but it must be a number of seconds from 0 on.")
    return value
