"""The MLflow store that a study logs to: its own, or one that the config or the environment names.

Does not import MLflow, since every `snakemake` call imports this.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from uscl.base.redaction import ADDRESS

SQLITE = "sqlite:///"
ARTIFACTS = "SELECT artifact_location FROM experiments WHERE lifecycle_stage = 'active' AND name != 'Default'"


def store_address(results: Path, configured: str | None) -> str:
    """The address in the config, else the one in the environment, else mlflow.db in the results folder."""
    return configured or os.environ.get(ADDRESS) or f"{SQLITE}{local_store(results)}"


def local_store(results: Path) -> Path:
    """The file of a study's own store."""
    return (results / "mlflow.db").resolve()


def database_of(address: str) -> Path | None:
    """The file of an SQLite store; None for a store behind a server."""
    return Path(address.removeprefix(SQLITE)).resolve() if address.startswith(SQLITE) else None


def is_own_store(results: Path, configured: str | None) -> bool:
    """Whether runs go to the study's own store: no other is named, or the address names the same file."""
    return database_of(store_address(results, configured)) == local_store(results)


def artifact_root(database: Path) -> str:
    """The folder for the artifacts of an SQLite store's runs."""
    return (database.resolve().parent / "mlartifacts").as_uri()


def foreign_place(connection: sqlite3.Connection, database: Path) -> str | None:
    """A place outside a store's own folder where it keeps files, as it does once it was moved; None without one."""
    places = (place for (place,) in connection.execute(ARTIFACTS))
    return next((place for place in places if not place.startswith(artifact_root(database))), None)


def moved(results: Path, configured: str | None) -> str | None:
    """One sentence if a study's own store was moved with its project: MLflow then shows runs without their files."""
    database = local_store(results)
    if not is_own_store(results, configured) or not database.exists():
        return None
    try:
        with closing(sqlite3.connect(f"file:{quote(str(database))}?mode=ro", uri=True, timeout=1)) as connection:
            place = foreign_place(connection, database)
    except sqlite3.Error:
        return None  # the mirror reports a store that can't be used
    if place is None:
        return None
    return (
        f"{database} was made in another folder and looks for the files of its runs there ({place}): `snakemake"
        " sync_tracking` with this call's options builds it again from the results."
    )
