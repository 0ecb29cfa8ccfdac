"""What the audit finds, one row a finding: pairs of videos that share a picture, and what else a reader should know.

A leak is a picture (or a patient) on both sides of a fold, or in the pretraining pool and in a task's set. A warning is
what no rule can settle: duplicates under two labels, a numbered series of several patients, a patient of two classes.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa

from uscl.errors import UserError

NO_ROW = -1

FINDINGS = pa.DataFrameSchema(
    {
        "kind": pa.Column("str", description="exact duplicate, near duplicate, same name, same patient, ..."),
        "scope": pa.Column("str", pa.Check.isin(["within", "pool and task"])),
        "level": pa.Column("str", pa.Check.isin(["leak", "warning"])),
        "dataset_a": pa.Column("str"),
        "video_a": pa.Column("str"),
        "group_a": pa.Column("str"),
        "label_a": pa.Column("str"),
        "row_a": pa.Column("int64", description="row of the frame store that matches best; -1: no picture"),
        "dataset_b": pa.Column("str", description='"" where a finding is about one file'),
        "video_b": pa.Column("str"),
        "group_b": pa.Column("str"),
        "label_b": pa.Column("str"),
        "row_b": pa.Column("int64"),
        "frames": pa.Column("int64", description="pairs of frames that match"),
        "distance": pa.Column("float64", nullable=True, description="bits of 256 that differ, of the best pair"),
        "correlation": pa.Column("float64", nullable=True, description="of the best pair"),
        "mirrored": pa.Column("bool"),
        "action": pa.Column("str", pa.Check.isin(["stop", "grouped", "dropped", "reported"])),
        "reason": pa.Column("str"),
    },
    strict=True,
    ordered=True,
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
    frame = pd.DataFrame(list(rows), columns=list(FINDINGS.columns)).round({"correlation": 4})
    return FINDINGS.validate(frame.astype({name: str(column.dtype) for name, column in FINDINGS.columns.items()}))


def read_findings(path: Path) -> pd.DataFrame:
    """Findings as they were written. Raises UserError."""
    types = {name: str(column.dtype) for name, column in FINDINGS.columns.items()}
    numbers = {name: [""] for name in ("distance", "correlation")}
    try:
        return FINDINGS.validate(pd.read_csv(path, dtype=types, keep_default_na=False, na_values=numbers))
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist: run the audit, which writes it.") from error
    except (pa.errors.SchemaError, ValueError) as error:
        raise UserError(f"{path} is not what the audit writes ({str(error).splitlines()[0]}): remove it.") from error
