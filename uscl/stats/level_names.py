"""The names of levels, rules and places. Imports nothing heavy, since every plan reads them."""

from collections.abc import Mapping
from typing import Any

FRAME, VIDEO, PATIENT = LEVELS = ("frame", "video", "patient")
MEAN, VOTE = RULES = ("mean_probability", "majority_vote")


def place(row: Mapping[str, Any]) -> str:
    """Where a score or comparison is from: task and regime, and the level unless it is that of frames.

    >>> place({"task": "pocus", "regime": "knn"}), place({"task": "pocus", "regime": "knn", "level": "patient"})
    ('pocus (knn)', 'pocus (knn, per patient)')
    """
    return f"{row['task']} ({row['regime']}{per(row.get('level'))})"


def per(level: Any) -> str:
    """The end of a heading or name: the level, unless it is that of frames or a row without scores has none.

    >>> per("video"), per("frame"), per(None)
    (', per video', '', '')
    """
    return f", per {level}" if isinstance(level, str) and level != FRAME else ""
