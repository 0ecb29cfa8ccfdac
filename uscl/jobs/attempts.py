"""Attempts at a job: a file next to the job's log while it runs, and the record of an attempt that did not succeed.

A killed process cannot report its own end, but its file remains.
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

    If several processes train together, `kept` is True for the first only; the others have no file.
    """

    def __init__(self, log: Path, *, kept: bool = True) -> None:
        self.kept = kept
        self._path = log.with_suffix(".attempt.json") if kept else None
        # MLflow may know the run from an earlier attempt: its record stays, in case this one is killed before its own.
        self._content: dict[str, Any] = {"started": time.time()} | earlier(log)
        start = {"status": RUNNING, "reason": None, "ended": None, "log": str(log)}
        self._add(**start, caller=os.environ.get(CALLER))

    def describe(self, record: dict[str, Any]) -> None:
        """Add the record of the job's run (see `uscl.jobs.run_record.RunRecord`)."""
        self._add(**record)

    def failure(self, reason: str) -> dict[str, Any] | None:
        """The record of a run that fails now; None if the run has not been described yet."""
        end = {"status": FAILED, "reason": reason, "ended": time.time()}
        return self._content | end if "name" in self._content else None

    def _add(self, **more: Any) -> None:
        self._content |= more
        if self._path:
            write_text(self._path, json.dumps(self._content, indent=2, sort_keys=True) + "\n")

    def end(self, status: str, reason: str) -> None:
        """Record that the job failed or was interrupted, and why."""
        self._add(status=status, reason=reason, ended=time.time())

    def succeed(self) -> None:
        """Remove the file: the job's outputs are record enough."""
        if self._path:
            self._path.unlink(missing_ok=True)


def read(path: Path) -> dict[str, Any] | None:
    """The content of an attempt's file; None if it is missing or unreadable."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "status" in found else None


def earlier(log: Path) -> dict[str, Any]:
    """The content of the file of an earlier attempt at the job with this log in the same call; empty without one."""
    found, caller = read(log.with_suffix(".attempt.json")) or {}, os.environ.get(CALLER)
    return found if caller and found.get("caller") == caller else {}


def last_failure(log: Path) -> str | None:
    """Why an earlier attempt at the job with this log failed in the same call; None if there was none."""
    return earlier(log).get("reason")
