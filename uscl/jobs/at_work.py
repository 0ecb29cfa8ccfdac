"""Whether a call of Snakemake is at work in a folder: its own lock stays behind when it is killed.

Light on purpose (no torch, no pandas): every `snakemake` call pays for it.
"""

import json
import os
import platform
import time
from pathlib import Path

from filelock import FileLock, Timeout

from uscl.base.files import write_text


class AtWork:
    """This call's mark in the folder that Snakemake works in; the system removes it when the process ends, however.

    Calls that only look, such as dry runs, make the mark too, for the moment that they last.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / ".snakemake"
        self._lock = FileLock(self._folder / "at_work.lock")
        self._teller = self._folder / "at_work.json"
        self.other: str | None = None  # another call that is at work, in words

    def begin(self) -> int:
        """Make the mark if no other call has; then Snakemake's locks are those of killed calls, and are removed.

        Returns how many there were.
        """
        self._folder.mkdir(exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            self.other = self._told()
            return 0
        self._tell()
        stale = list((self._folder / "locks").glob("*.lock"))
        for path in stale:
            path.unlink(missing_ok=True)
        return len(stale)

    def insist(self, patience_s: float = 60) -> None:
        """Make the mark now that Snakemake has given this call its lock: another can only be one that looks."""
        if not self._lock.is_locked:
            try:
                self._lock.acquire(timeout=patience_s)
            except Timeout:
                return  # one that works on other files of the folder, as Snakemake allows
            self._tell()

    def _tell(self) -> None:
        told = {"pid": os.getpid(), "host": platform.node(), "since": time.strftime("%H:%M on %d %B")}
        write_text(self._teller, json.dumps(told))

    def _told(self) -> str:
        try:
            told = json.loads(self._teller.read_text(encoding="utf-8"))
            return f"process {told['pid']} on {told['host']}, since {told['since']}"
        except (OSError, ValueError, LookupError):
            return "just begun"
