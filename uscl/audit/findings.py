"""What the audit finds, one row a finding: pairs of videos that share a picture, and what else a reader should know.

A leak is a picture (or a patient) on both sides of a fold, or in the pretraining pool and in a task's set. A warning is
what no rule can settle: duplicates under two labels, a numbered series of several patients, a patient of two classes.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from uscl.base.errors import UserError
from uscl.base.table_schema import Column, TableSchema, one_of

NO_ROW = -1
DUPLICATES = ("exact duplicate", "near duplicate")

FINDINGS = TableSchema(
    {
        "kind": Column("str"),  # exact duplicate, near duplicate, same name, same patient, ...
        "scope": Column("str", one_of("within", "pool and task")),
        "level": Column("str", one_of("leak", "warning")),
        "dataset_a": Column("str"),
        "video_a": Column("str"),
        "group_a": Column("str"),
        "label_a": Column("str"),
        "row_a": Column("int64"),  # row of the frame store that matches best; -1: no picture
        "dataset_b": Column("str"),  # "" where a finding is about one file
        "video_b": Column("str"),
        "group_b": Column("str"),
        "label_b": Column("str"),
        "row_b": Column("int64"),
        "frames": Column("int64"),  # pairs of frames that match
        "distance": Column("float64", gaps=True),  # bits of 256 that differ, of the best pair
        "correlation": Column("float64", gaps=True),  # of the best pair
        "mirrored": Column("bool"),
        "action": Column("str", one_of("stop", "grouped", "dropped", "reported")),
        "reason": Column("str"),
    },
)


def base(kind: str, reason: str) -> dict[str, Any]:
    """What all findings have, as a finding about no picture."""
    empty = {f"{name}_{side}": "" for side in "ab" for name in ("dataset", "video", "group", "label")}
    numbers = {"row_a": NO_ROW, "row_b": NO_ROW, "frames": 0, "distance": np.nan, "correlation": np.nan}
    more = {"mirrored": False, "action": "reported", "reason": reason}
    return {"kind": kind, "scope": "within", "level": "warning"} | empty | numbers | more


def ends(dataset_a: str, a: Any, dataset_b: str, b: Any) -> dict[str, str]:
    """The two that a finding is about: rows with video, group, label."""
    first, second = ({name: row[name] for name in ("video", "group", "label")} for row in (a, b))
    told = {"dataset_a": dataset_a, "dataset_b": dataset_b}
    return told | {f"{name}_a": text for name, text in first.items()} | {f"{name}_b": t for name, t in second.items()}


def table(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Findings as a checked table."""
    frame = pd.DataFrame(list(rows), columns=list(FINDINGS.columns)).astype(FINDINGS.types())
    return FINDINGS.validate(frame.round({"correlation": 4}))


def read_findings(path: Path) -> pd.DataFrame:
    """Findings as they were written. Raises UserError."""
    return read_written(path, FINDINGS)


def read_written(path: Path, schema: TableSchema) -> pd.DataFrame:
    """A table of the audit as it was written: texts as they are, gaps in measures only. Raises UserError."""
    try:
        return schema.read(path)
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist: run the audit, which writes it.") from error
    except ValueError as error:
        raise UserError(f"{path} is not what the audit writes ({str(error).splitlines()[0]}): remove it.") from error
