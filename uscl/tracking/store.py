"""The MLflow store: checks whether it can be used, and a lock that lets one process write at a time."""

import functools
import logging
import os
import re
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar, NoReturn
from urllib.parse import quote

import mlflow
from alembic.script import ScriptDirectory
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from uscl.base.errors import UserError
from uscl.base.locks import can_lock, locked
from uscl.base.redaction import redacted
from uscl.tracking.address import SQLITE, artifact_root, database_of, foreign_place

log = logging.getLogger("uscl")

# Seconds. We wait long for other processes that write to the same store, but not for a store that doesn't answer.
TURN_S, RUN_S, BUSY_S = 300, 180, 10
# MLflow's own defaults wait minutes for each request to a server. The user's own settings take precedence.
PATIENCE = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
LONGEST_REASON = 240  # characters
TIMED_OUT = ("failed with timeout exception", "Read timed out", "ReadTimeoutError", "ConnectTimeoutError")


# MLflow's codes for errors that may concern the whole store; others concern a single run.
STORE_FAULTS = {
    *("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "ENDPOINT_NOT_FOUND", "IO_ERROR"),
    *("UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED", "PERMISSION_DENIED", "INVALID_STATE", "DEADLINE_EXCEEDED"),
}


class BrokenStoreError(UserError):
    """The store is unusable, and waiting will not help."""


_REBUILDABLE: set[str] = set()  # SQLite files that may be lost in a power failure


@event.listens_for(Engine, "connect")
def write_fast(connection: object, _: object) -> None:
    """Don't wait for the disk after each of about nine commits per run, if the store can be rebuilt from files."""
    if isinstance(connection, sqlite3.Connection):
        (_, _, file) = connection.execute("PRAGMA database_list").fetchone()
        if file in _REBUILDABLE:
            connection.execute("PRAGMA synchronous = OFF")


@contextmanager
def opened(address: str, *, rebuildable: bool = False) -> Iterator[MlflowClient]:
    """A client for logging runs; creates a missing SQLite store.

    A `rebuildable` store holds only what the result files hold too: a power failure may damage it, and sync_tracking
    then replaces it. A killed process damages nothing.

    Processes that write to one SQLite store take turns: if several start on a missing file at the same time, they
    destroy it in the schema migration, and MLflow gives up while SQLite is busy. Raises UserError, or whatever MLflow
    and its packages raise.
    """
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
    # MLflow prints the address of each run, with any credentials in it.
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    database = database_of(address)
    if database is None:
        yield MlflowClient(tracking_uri=address)
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    if rebuildable:
        _REBUILDABLE.add(str(database))
    with locked(Path(f"{database}.lock"), TURN_S):
        check(database)
        yield MlflowClient(tracking_uri=SpellingOf.file(database))
        SpellingOf.used(database)


class SpellingOf:
    """The address of an SQLite file for MLflow, which keeps a connection open for each address that it has seen.

    If the file has since been deleted or replaced, its path gets another spelling: through the old connection MLflow
    would write to the deleted file.
    """

    _seen: ClassVar[dict[Path, tuple[int, int | None]]] = {}  # number of the spelling, and inode of the file

    @classmethod
    def file(cls, database: Path) -> str:
        """The address to use now."""
        number, inode = cls._seen.get(database, (0, None))
        if inode is not None and inode != inode_of(database):
            number += 1
        cls._seen[database] = number, inode_of(database)
        return f"{SQLITE}{database.parent}/{'./' * number}{database.name}"

    @classmethod
    def used(cls, database: Path) -> None:
        """Record the file after its use, since MLflow may have created it."""
        cls._seen[database] = cls._seen[database][0], inode_of(database)


def inode_of(path: Path) -> int | None:
    """The file's inode number; -1 if there is no file."""
    return path.stat().st_ino if path.exists() else -1


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raise TimeoutError in the block if it does not finish within `seconds`; works only in the main thread."""

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
    """Check that MLflow can write to an SQLite file, and with `whole` also that the file is undamaged.

    MLflow itself would try for minutes. Raises BrokenStoreError if the file is not a store of this version and of this
    folder, UserError if it is busy or can't be written to, or if its disk can't lock files.
    """
    if not can_lock(database.parent):
        raise UserError(
            f"{database} is on a disk that can't lock files, as SQLite does: name another disk for `results`, or a"
            " server (`tracking_uri`)"
        )
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
    """Why MLflow can't use the tables of a store, as the end of a sentence; None if it can."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return None
    if not {"alembic_version", "experiments", "runs"} <= tables:
        return "is not an MLflow store"
    versions = {version for (version,) in connection.execute("SELECT version_num FROM alembic_version")}
    if versions != {schema_version()}:
        return f"is of another MLflow version (schema {', '.join(sorted(versions)) or 'none'}, not {schema_version()})"
    if place := foreign_place(connection, database):
        return f"was made in another folder and keeps its files there ({place})"
    if whole and connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        return "is damaged"
    return None


@functools.cache
def schema_version() -> str:
    """The schema that the installed MLflow reads."""
    return str(ScriptDirectory(str(Path(mlflow.__file__).parent / "store/db_migrations")).get_current_head())


def experiment(client: MlflowClient, address: str, name: str) -> str:
    """The id of an experiment; creates the experiment if it is missing."""
    database, found = database_of(address), client.get_experiment_by_name(name)
    if found:
        return str(found.experiment_id)
    # MLflow stores absolute artifact paths; by default they would be in the current folder.
    place = f"{artifact_root(database)}/{name}" if database else None
    return str(client.create_experiment(name, artifact_location=place))


def replace_unusable(database: Path) -> str | None:
    """Move an SQLite store that can't be used out of the way; returns a sentence if it did.

    Raises UserError if the store is only busy or can't be written to.
    """
    with locked(Path(f"{database}.lock"), TURN_S):
        try:
            check(database, whole=True)
        except BrokenStoreError as error:
            number = next(n for n in range(1, 10_000) if not aside(database, n).exists())
            for ending in ("-journal", "-wal", "-shm"):  # SQLite would apply them to the new file
                Path(f"{database}{ending}").unlink(missing_ok=True)
            database.rename(aside(database, number))
            return f"{error}: kept as {aside(database, number).name}; a new store is built from the result files."
    return None


def aside(database: Path, number: int) -> Path:
    """The name under which an unusable store is kept."""
    return database.with_name(f"{database.name}.unusable-{number}")


def works(client: MlflowClient, address: str) -> bool:
    """Whether the store takes a small change, so that an error must be that of a single run."""
    try:
        client.set_experiment_tag(experiment(client, address, "Default"), "uscl.works", "true")
    except Exception:  # of any type and from any package
        log.info("The store doesn't work.", exc_info=True)
        return False
    return True


def may_be_of_store(error: Exception) -> bool:
    """Whether an error while a run was logged may concern all runs: the store, its server or its disk don't work."""
    if isinstance(error, MlflowException):
        return error.error_code in STORE_FAULTS
    return isinstance(error, (OSError, UserError, SQLAlchemyError, sqlite3.Error))  # those of requests are OSErrors


def reason(error: BaseException) -> str:
    """Why the store can't be used, in one line and without credentials."""
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
