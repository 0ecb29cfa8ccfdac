"""Attempts at a job: a file beside its log while it runs, and what became of it if it didn't end well.

A process that is killed can't say so itself; the file that it leaves behind does.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

from uscl.base.files import write_text
from uscl.jobs.interruption import CALLER

RUNNING, FAILED, INTERRUPTED = "running", "failed", "interrupted"


class Attempt:
    """One attempt at a job; its file holds status, reason, start and end in seconds since 1970, the log, and its run.

    `kept` is False for all but the first of several processes that train together: they have no file.
    """

    def __init__(self, log: Path, *, kept: bool = True) -> None:
        self.kept = kept
        self._path = log.with_suffix(".attempt.json") if kept else None
        self._content: dict[str, Any] = {"status": RUNNING, "reason": None, "ended": None, "log": str(log)}
        self._add(started=time.time(), caller=os.environ.get(CALLER))

    def describe(self, record: dict[str, Any]) -> None:
        """Add the record of the run that the job makes (see `uscl.jobs.run_record.RunRecord`)."""
        self._add(**record)

    def failure(self, reason: str) -> dict[str, Any] | None:
        """All that is known of a run that failed now; None before it is described."""
        end = {"status": FAILED, "reason": reason, "ended": time.time()}
        return self._content | end if "name" in self._content else None

    def _add(self, **more: Any) -> None:
        self._content |= more
        if self._path:
            write_text(self._path, json.dumps(self._content, indent=2, sort_keys=True) + "\n")

    def end(self, status: str, reason: str) -> None:
        """Say that the job failed or was interrupted, and why."""
        self._add(status=status, reason=reason, ended=time.time())

    def succeed(self) -> None:
        """Remove the file: what the job made speaks for itself."""
        if self._path:
            self._path.unlink(missing_ok=True)


def read(path: Path) -> dict[str, Any] | None:
    """What the file of an attempt says; None where there is none, or none that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "status" in found else None


def left_behind(logs: Path) -> list[dict[str, Any]]:
    """Attempts that didn't end well, in the order of their files' names, while no job is running in the study.

    A status that still says running is that of a process which was killed.
    """
    found = [read(path) for path in sorted(logs.rglob("*.attempt.json"))]
    return [attempt for attempt in found if attempt]


def failed_runs(logs: Path) -> list[dict[str, Any]]:
    """Those of them that were to make a run, with the run's `name` and the rest of its record."""
    return [attempt for attempt in left_behind(logs) if "name" in attempt]
