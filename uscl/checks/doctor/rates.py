"""Recorded times (benchmarks/recorded.yaml): how fast a machine does the parts of a study."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from uscl.base.errors import UserError

Record = Mapping[str, Any]


def read_records(path: Path) -> list[dict[str, Any]]:
    """The records of a file that benchmarks/throughput.py wrote; none without the file. Raises UserError."""
    if not path.is_file():
        return []
    try:
        records = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} can't be read as YAML: delete it and run benchmarks/throughput.py.") from error
    if not isinstance(records, list) or not all(isinstance(record, dict) and "device" in record for record in records):
        raise UserError(f"{path} isn't a list of records: delete it and run benchmarks/throughput.py.")
    return records


def fitting(records: Sequence[Record], device: str, precision: str, machines: Sequence[str]) -> Record | None:
    """The record to estimate from: of this device, if possible of one of `machines` and of this precision."""
    there = [record for record in records if record["device"] == device]
    return max(there, key=lambda r: (r["machine"] in machines, r["precision"] == precision), default=None)


def at_size(record: Record, encoder: str, what: str, frame_size: int) -> float:
    """Images a second at a frame size in pixels, from the nearest size that was recorded: time goes with its square."""
    sizes = record["encoders"][encoder]["sizes"]
    nearest = min(sizes, key=lambda recorded: abs(math.log(frame_size / recorded)))
    rate: float = sizes[nearest][what]
    return rate * (nearest / frame_size) ** 2
