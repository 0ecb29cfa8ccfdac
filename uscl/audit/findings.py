"""The audit's findings, one row each: pairs of videos that share a picture, and other things that a reader should know.

A leak is a picture (or a patient) on both sides of a fold, in two parts of a given split, or in both the pretraining
pool and a task's set. A warning
is a finding that no rule can settle: duplicates with two labels, a numbered series of several patients, a patient of
two classes.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from uscl.base.errors import UserError
from uscl.base.table_schema import Column, TableSchema, one_of

NO_ROW = -1
DUPLICATES = ("exact duplicate", "near duplicate", "changed copy")

FINDINGS = TableSchema(
    {
        "kind": Column("str"),  # exact duplicate, near duplicate, changed copy, same name, same patient, ...
        "scope": Column("str", one_of("within", "between parts", "pool and task", "task and external")),
        "level": Column("str", one_of("leak", "warning")),
        "dataset_a": Column("str"),
        "video_a": Column("str"),
        "group_a": Column("str"),
        "label_a": Column("str"),
        "row_a": Column("int64"),  # row of the frame store with the best match; -1: no picture
        "dataset_b": Column("str"),  # "" if a finding is about one file
        "video_b": Column("str"),
        "group_b": Column("str"),
        "label_b": Column("str"),
        "row_b": Column("int64"),
        "frames": Column("int64"),  # pairs of frames that match
        "distance": Column("float64", gaps=True),  # number of the 256 bits that differ, of the best pair of hashes
        "correlation": Column("float64", gaps=True),  # of the best pair
        "mirrored": Column("bool"),
        "action": Column("str", one_of("stop", "grouped", "dropped", "reported")),
        "reason": Column("str"),
    },
)


def base(kind: str, reason: str) -> dict[str, Any]:
    """The columns of every finding, with the values of a finding about no picture."""
    empty = {f"{name}_{side}": "" for side in "ab" for name in ("dataset", "video", "group", "label")}
    numbers = {"row_a": NO_ROW, "row_b": NO_ROW, "frames": 0, "distance": np.nan, "correlation": np.nan}
    more = {"mirrored": False, "action": "reported", "reason": reason}
    return {"kind": kind, "scope": "within", "level": "warning"} | empty | numbers | more


def ends(dataset_a: str, a: Any, dataset_b: str, b: Any) -> dict[str, str]:
    """The columns for the two videos that a finding is about; `a` and `b` are rows with video, group, label."""
    first, second = ({name: row[name] for name in ("video", "group", "label")} for row in (a, b))
    sets = {"dataset_a": dataset_a, "dataset_b": dataset_b}
    return sets | {f"{name}_a": text for name, text in first.items()} | {f"{name}_b": t for name, t in second.items()}


def table(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Findings as a validated table."""
    frame = pd.DataFrame(list(rows), columns=list(FINDINGS.columns)).astype(FINDINGS.types())
    return FINDINGS.validate(frame.round({"correlation": 4}))


def read_findings(path: Path) -> pd.DataFrame:
    """Read findings as they were written. Raises UserError if the file is missing or invalid."""
    return read_written(path, FINDINGS)


def read_written(path: Path, schema: TableSchema) -> pd.DataFrame:
    """Read a table of the audit: text stays text, only measures may have gaps. Raises UserError."""
    try:
        return schema.read(path)
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist: run the audit, which writes it.") from error
    except ValueError as error:
        raise UserError(
            f"{path} is not a table of the audit ({str(error).splitlines()[0]}): remove it and run again."
        ) from error
