"""The history of a run that is still training, so that users can follow its curves.

No result depends on it. It has the columns of the run's history.csv and one row per finished epoch.
"""

import csv
import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

NAME = "history.csv"


class LiveHistory:
    """Rewrites a small CSV file in full after every epoch; does nothing without a folder.

    `rows` are the epochs that earlier attempts at the same run finished. Replaces the file of an earlier attempt.
    """

    def __init__(self, folder: Path | None, rows: Iterable[Mapping[str, Any]] = ()) -> None:
        self._path = folder / NAME if folder else None
        self._rows = [dict(row) for row in rows]
        self._more: dict[str, Any] = {}
        self._write()

    def begin(self, **more: Any) -> None:
        """Set columns to add to the rows that follow, such as their fold."""
        self._more = more

    def add(self, *rows: Mapping[str, Any]) -> None:
        """Append the rows of finished epochs."""
        self._rows += [{**row, **self._more} for row in rows]
        self._write()

    def _write(self) -> None:
        if not self._path:
            return
        columns = list(dict.fromkeys(name for row in self._rows for name in row))
        partial = self._path.with_name(f".{os.getpid()}.{NAME}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, columns, lineterminator="\n")
                writer.writeheader()
                writer.writerows(self._rows)
            partial.replace(self._path)  # a reader never sees half a row
        except OSError as error:  # the training itself reports a full disk when it saves a checkpoint
            log.info("The live history is not written: %s", error)


def clear(folder: Path) -> None:
    """Remove the live history of a finished run."""
    (folder / NAME).unlink(missing_ok=True)
