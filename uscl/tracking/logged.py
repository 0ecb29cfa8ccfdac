"""A cache of the runs that are already in the store, so that a call does not ask the store about every run.

Imports neither MLflow nor pandas.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from uscl.base.files import write_text
from uscl.tracking.address import database_of
from uscl.tracking.run_files import LAYOUT, RunFiles


class Logged:
    """The fingerprints of the runs in the store, in results/tracking/logged.json.

    The store itself is authoritative: without this file, or after a change of store, every run is compared with the
    store again.
    """

    def __init__(self, results: Path, address: str) -> None:
        self._path = results / "tracking/logged.json"
        self._address = address
        self._store: str | None = None
        self._runs: dict[str, str] = {}

    def load(self) -> "Logged":
        """Read the file if there is one."""
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            same_form = found.get("layout") == LAYOUT
            self._store, self._runs = found["store"], dict(found["runs"]) if same_form else {}
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            self._store, self._runs = None, {}
        return self

    def lacking(self, runs: Iterable[RunFiles]) -> list[RunFiles]:
        """The runs that the store lacks or has in an older form."""
        known = self._runs if self._store == store_mark(self._address) else {}
        return [run for run in runs if known.get(run.key) != run.fingerprint]

    def add(self, runs: Iterable[RunFiles]) -> None:
        """Record runs that are now in the store, here and in the file."""
        mark = store_mark(self._address)
        if mark != self._store:
            self._store, self._runs = mark, {}
        self._runs |= {run.key: run.fingerprint for run in runs}
        content = {"store": mark, "layout": LAYOUT, "runs": self._runs}
        write_text(self._path, json.dumps(content, indent=0, sort_keys=True) + "\n")


def store_mark(address: str) -> str | None:
    """A mark that distinguishes a store from another one at the same address; None for an unreadable SQLite file."""
    database = database_of(address)
    if database is None:
        return hashlib.sha256(address.encode()).hexdigest()[:16]  # the address may hold a password
    try:
        with closing(sqlite3.connect(f"file:{quote(str(database))}?mode=ro", uri=True, timeout=1)) as connection:
            (created,) = connection.execute("SELECT min(creation_time) FROM experiments").fetchone()
        return f"{database.stat().st_ino}-{created}"
    except (OSError, sqlite3.Error):
        return None
