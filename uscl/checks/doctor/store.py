"""Can runs be logged to MLflow? The store is only looked at; no server is started and nothing is changed."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from uscl.base.files import not_writable
from uscl.checks.doctor.findings import Finding, counted, missing, note, ok
from uscl.tracking.address import is_own_store

EXPERIMENTS = "SELECT artifact_location FROM experiments WHERE lifecycle_stage = 'active' AND name != 'Default'"
RUNS = "SELECT count(*) FROM runs WHERE lifecycle_stage = 'active'"


def store_findings(tracking: str, database: Path, address: str | None = None) -> list[Finding]:
    """The state of the study's own store, or whether it can be made. Another store, if named, isn't contacted."""
    if tracking == "none":
        return [ok("off; results are the same")]
    if not is_own_store(database.parent, address):
        return [ok("another store is named: it is tried when the first run is logged")]
    if not database.exists():
        if folder := not_writable(database.absolute().parent):
            return [missing(f"{folder} can't be written to: name another `results`, or set `tracking: none`.")]
        return [ok(f"{database} will be made")]
    try:
        places, runs = opened(database)
    except sqlite3.Error as error:
        return [note(f"{database} can't be opened ({error}): delete it; every run is logged again from its files.")]
    if not os.access(database, os.W_OK):
        return [note(f"{database} can't be written to: change its permissions, or set `tracking: none`.")]
    here = (database.resolve().parent / "mlartifacts").as_uri()
    if any(not place.startswith(here) for place in places):
        return [note(f"{database} was made in another folder: delete it; every run is logged again from its files.")]
    return [ok(f"{database}: {counted(len(places), 'experiment')}, {counted(runs, 'run')}")]


def opened(database: Path) -> tuple[list[str], int]:
    """Artifact folders of a store's experiments, and its number of runs. Raises sqlite3.Error."""
    # Wait at most two seconds for a busy store.
    address = f"file:{quote(str(database.resolve()))}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=2)) as connection:
        places = [place for (place,) in connection.execute(EXPERIMENTS)]
        return places, connection.execute(RUNS).fetchone()[0]
