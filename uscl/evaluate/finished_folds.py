"""The finished folds of a cell, kept on disk so that an interrupted run resumes after them."""

import hashlib
import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from pyarrow import ArrowException

from uscl.base.files import sha256, write_text, written

TABLES = ("predictions.parquet", "history.parquet")

log = logging.getLogger(__name__)


class FinishedFold(NamedTuple):
    """The results of a fold: predictions of its test part, its history, start and end in seconds since 1970."""

    predictions: pd.DataFrame
    history: pd.DataFrame
    times: dict[str, float]


class FinishedFolds:
    """The finished folds of one cell in a folder; `identity` stands for the settings, data, encoder and code."""

    def __init__(self, folder: Path, identity: str) -> None:
        self._folder = folder
        self._identity = identity

    def find(self, number: int) -> FinishedFold | None:
        """A finished fold; None if there is none, or if other settings, data or code made it."""
        folder = self._folder / f"fold{number}"
        try:
            record = json.loads((folder / "fold.json").read_text(encoding="utf-8"))
            if record["identity"] != self._identity:
                return None
            if record.get("sha256") != sha256_of(folder, record):
                raise ValueError("it has changed since it was written")
            predictions, history = (pd.read_parquet(folder / name) for name in TABLES)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, ArrowException) as error:
            log.warning("%s can't be used (%s): the fold is evaluated again.", folder, error)
            return None
        log.info("fold %d is already finished", number)
        return FinishedFold(predictions, history, record["times"])

    def keep(self, number: int, fold: FinishedFold) -> None:
        """Write a fold; fold.json is written last and marks it as complete."""
        folder = self._folder / f"fold{number}"
        (folder / "fold.json").unlink(missing_ok=True)  # never an old one with new tables
        for name, table in zip(TABLES, (fold.predictions, fold.history), strict=True):
            with written(folder / name) as path:
                table.to_parquet(path, index=False)
        record = {"identity": self._identity, "times": fold.times}
        write_text(folder / "fold.json", json.dumps(record | {"sha256": sha256_of(folder, record)}))

    def clear(self) -> None:
        """Remove the folds of a finished cell."""
        if self._folder.is_dir():
            shutil.rmtree(self._folder)


def sha256_of(folder: Path, record: Mapping[str, Any]) -> str:
    """One hash over the tables of a fold and its times."""
    times = json.dumps(record["times"], sort_keys=True)
    return hashlib.sha256(f"{sha256(*(folder / name for name in TABLES))} {times}".encode()).hexdigest()
