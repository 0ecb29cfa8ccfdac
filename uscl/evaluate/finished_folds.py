"""The folds of a cell that are done, kept on disk so that a run that was cut off goes on behind them."""

import json
import logging
import shutil
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from pyarrow import ArrowException

from uscl.base.files import write_text, written

log = logging.getLogger(__name__)


class FinishedFold(NamedTuple):
    """What a fold leaves behind: predictions of its test part, its history, start and end in seconds since 1970."""

    predictions: pd.DataFrame
    history: pd.DataFrame
    times: dict[str, float]


class FinishedFolds:
    """The finished folds of one cell in a folder; `identity` says which settings, data, encoder and code made them."""

    def __init__(self, folder: Path, identity: str) -> None:
        self._folder = folder
        self._identity = identity

    def find(self, number: int) -> FinishedFold | None:
        """A fold that is done; None where there is none, or where other settings, data or code made it."""
        folder = self._folder / f"fold{number}"
        try:
            told = json.loads((folder / "fold.json").read_text(encoding="utf-8"))
            if told["identity"] != self._identity:
                return None
            predictions, history = (pd.read_parquet(folder / f"{name}.parquet") for name in ("predictions", "history"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, ArrowException) as error:
            log.warning("%s can't be read (%s): the fold is done again.", folder, type(error).__name__)
            return None
        log.info("fold %d was done before", number)
        return FinishedFold(predictions, history, told["times"])

    def keep(self, number: int, fold: FinishedFold) -> None:
        """Write a fold; fold.json comes last and makes it complete."""
        folder = self._folder / f"fold{number}"
        (folder / "fold.json").unlink(missing_ok=True)  # never an old one with new tables
        for name, table in {"predictions": fold.predictions, "history": fold.history}.items():
            with written(folder / f"{name}.parquet") as path:
                table.to_parquet(path, index=False)
        write_text(folder / "fold.json", json.dumps({"identity": self._identity, "times": fold.times}))

    def clear(self) -> None:
        """Remove the folds of a cell that is done."""
        if self._folder.is_dir():
            shutil.rmtree(self._folder)
