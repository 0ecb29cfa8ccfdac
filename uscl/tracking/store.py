"""The MLflow store: whether it can be used, and whose turn it is to write."""

import functools
import os
import re
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

import mlflow
from alembic.script import ScriptDirectory
from filelock import FileLock
from mlflow.tracking import MlflowClient

from uscl.base.errors import UserError
from uscl.base.redaction import redacted
from uscl.tracking.address import SQLITE, database_of

# Seconds. Runs are short work: others that write to the same store are waited for, a store that doesn't answer isn't.
TURN_S, RUN_S, BUSY_S = 300, 180, 10
# MLflow's own patience with a server is minutes a request; what the user has set stands.
PATIENCE = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
LONGEST_REASON = 240  # characters
TIMED_OUT = ("failed with timeout exception", "Read timed out", "ReadTimeoutError", "ConnectTimeoutError")
PLACES = "SELECT artifact_location FROM experiments WHERE lifecycle_stage = 'active' AND name != 'Default'"


class BrokenStoreError(UserError):
    """A store that won't become usable by waiting."""


@contextmanager
def opened(address: str) -> Iterator[MlflowClient]:
    """A client for one run's logging, which must not take longer than RUN_S; a missing SQLite store is made.

    Those who write to one SQLite store take turns: several that meet a missing file at once wreck it in the schema
    migration, and MLflow gives up where SQLite is busy. Raises UserError, or whatever MLflow and its packages raise.
    """
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
    # MLflow prints the address of each run past all logging, with the credentials that the store's may hold.
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    database = database_of(address)
    if database is None:
        with limited(RUN_S):
            yield MlflowClient(tracking_uri=address)
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{database}.lock", timeout=TURN_S), limited(RUN_S):
        check(database)
        yield MlflowClient(tracking_uri=f"{SQLITE}{database}")


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raise TimeoutError in the block if it isn't over after some seconds; for a process's main thread."""

    def stop(*_: object) -> NoReturn:
        raise TimeoutError(f"not done after {seconds} s")

    before: Any = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def check(database: Path, *, whole: bool = False) -> None:
    """See whether MLflow can write to an SQLite file, and with `whole` whether it is sound.

    MLflow itself would try for minutes. Raises BrokenStoreError where the file is no store of this version or of this
    folder, UserError where it's busy or can't be written to.
    """
    if not database.exists() or not database.stat().st_size:
        return  # MLflow will make its tables
    try:
        with closing(sqlite3.connect(f"file:{quote(str(database))}?mode=rw", uri=True, timeout=BUSY_S)) as connection:
            connection.isolation_level = None
            connection.execute("BEGIN IMMEDIATE")
            fault = content_fault(connection, database, whole)
            connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        raise UserError(f"{database}: {error}") from error
    except sqlite3.DatabaseError as error:
        raise BrokenStoreError(f"{database}: {error}") from error
    if fault:
        raise BrokenStoreError(f"{database} {fault}")


def content_fault(connection: sqlite3.Connection, database: Path, whole: bool) -> str | None:
    """What keeps MLflow from using the tables of a store, as the end of a sentence; None where nothing does."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return None
    if not {"alembic_version", "experiments", "runs"} <= tables:
        return "is no MLflow store"
    versions = {version for (version,) in connection.execute("SELECT version_num FROM alembic_version")}
    if versions != {schema_version()}:
        return f"is of another MLflow version (schema {', '.join(sorted(versions)) or 'none'}, not {schema_version()})"
    for (place,) in connection.execute(PLACES):
        if not place.startswith(artifact_root(database)):
            return f"was made in another folder and keeps its files there ({place})"
    if whole and connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        return "is damaged"
    return None


@functools.cache
def schema_version() -> str:
    """The schema that the installed MLflow reads."""
    return str(ScriptDirectory(str(Path(mlflow.__file__).parent / "store/db_migrations")).get_current_head())


def artifact_root(database: Path) -> str:
    """Where the files of an SQLite store's runs lie."""
    return (database.resolve().parent / "mlartifacts").as_uri()


def experiment(client: MlflowClient, address: str, name: str) -> str:
    """The id of an experiment, which is made if it's missing."""
    database, found = database_of(address), client.get_experiment_by_name(name)
    if found:
        return str(found.experiment_id)
    # MLflow keeps artifact paths absolute; without this one they would lie in the folder it was called from.
    place = f"{artifact_root(database)}/{name}" if database else None
    return str(client.create_experiment(name, artifact_location=place))


def create_store(address: str, experiments: list[str]) -> None:
    """Create an SQLite store if it's missing, and the experiments; what stands there already stays."""
    with opened(address) as client:
        for name in experiments:
            experiment(client, address, name)


def mended(database: Path) -> str | None:
    """Move an SQLite store that can't be used out of the way; returns a sentence if that was done.

    Raises UserError where it is only busy or can't be written to.
    """
    with FileLock(f"{database}.lock", timeout=TURN_S):
        try:
            check(database, whole=True)
        except BrokenStoreError as error:
            number = next(n for n in range(1, 10_000) if not aside(database, n).exists())
            for ending in ("-journal", "-wal", "-shm"):  # they'd be taken for the new file's
                Path(f"{database}{ending}").unlink(missing_ok=True)
            database.rename(aside(database, number))
            return (
                f"{error}: it's kept as {aside(database, number).name}, and a new store is made from the result files."
            )
    return None


def aside(database: Path, number: int) -> Path:
    """Where a store that can't be used is kept."""
    return database.with_name(f"{database.name}.unusable-{number}")


def reason(error: BaseException) -> str:
    """Why the store can't be had, on one line and without credentials."""
    text = redacted(" ".join(str(error).split()) or type(error).__name__)
    if "NewConnectionError" in text:
        return "the server can't be reached"
    if "Connection aborted" in text:
        return "the server broke off the connection"
    if any(word in text for word in TIMED_OUT):
        return "the server doesn't answer"
    if refused := re.search(r"too many (\d+) error responses", text):
        return f"the server answers with HTTP error {refused[1]}"
    return text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON]}..."
