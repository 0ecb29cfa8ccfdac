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

from uscl.base.errors import UserError

NO_ROW = -1
DUPLICATES = ("exact duplicate", "near duplicate")

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
    frame = pd.DataFrame(list(rows), columns=list(FINDINGS.columns)).astype(types_of(FINDINGS))
    return FINDINGS.validate(frame.round({"correlation": 4}))


def read_findings(path: Path) -> pd.DataFrame:
    """Findings as they were written. Raises UserError."""
    return read_written(path, FINDINGS)


def read_written(path: Path, schema: pa.DataFrameSchema) -> pd.DataFrame:
    """A table of the audit as it was written: texts as they are, gaps in measures only. Raises UserError."""
    types = types_of(schema)
    gaps = {name: [""] for name, kind in types.items() if kind == "float64"}
    try:
        found = pd.read_csv(path, dtype=types, keep_default_na=False, na_values=gaps)
        if list(found.columns) != list(schema.columns):
            raise ValueError(f"its columns are {', '.join(found.columns)}")
        return schema.validate(found)
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist: run the audit, which writes it.") from error
    except (pa.errors.SchemaError, ValueError) as error:
        raise UserError(f"{path} is not what the audit writes ({str(error).splitlines()[0]}): remove it.") from error


def types_of(schema: pa.DataFrameSchema) -> dict[str, str]:
    """The types of a schema's columns as pandas takes them."""
    kinds = {name: str(column.dtype) for name, column in schema.columns.items()}
    return {name: "str" if kind.startswith("str") else kind for name, kind in kinds.items()}
