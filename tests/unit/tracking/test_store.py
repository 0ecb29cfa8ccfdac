import shutil
import sqlite3
import time
from contextlib import closing

import pytest

from uscl.base.errors import UserError
from uscl.tracking import store as tracking_store
from uscl.tracking.address import store_address
from uscl.tracking.store import BrokenStoreError, check, create_store, limited, mended, opened


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    database = tmp_path_factory.mktemp("made") / "mlflow.db"
    create_store(f"sqlite:///{database}", ["study/pretrain"])
    return database


@pytest.fixture
def database(made, tmp_path):
    """A store of this version in this folder."""
    shutil.copy(made, tmp_path / "mlflow.db")
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
        connection.execute("UPDATE experiments SET artifact_location = ?", (f"{tmp_path.as_uri()}/mlartifacts/x",))
        connection.commit()
    return tmp_path / "mlflow.db"


def test_the_store_is_the_configs_else_the_environments_else_the_studys_own(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert store_address(tmp_path, None) == f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://there")
    assert store_address(tmp_path, None) == "http://there"
    assert store_address(tmp_path, "http://here") == "http://here"


def test_creating_the_store_again_keeps_it(made):
    create_store(f"sqlite:///{made}", ["study/pretrain", "study/new"])
    with opened(f"sqlite:///{made}") as client:
        names = {found.name for found in client.search_experiments()}
        place = client.get_experiment_by_name("study/new").artifact_location
    assert names == {"Default", "study/pretrain", "study/new"}
    assert place == f"{made.parent.as_uri()}/mlartifacts/study/new"


def test_a_sound_store_is_left_alone(database):
    assert mended(database) is None
    check(database.with_name("none.db"))


def rewritten(sql):
    def spoil(database):
        with closing(sqlite3.connect(database)) as connection:
            connection.execute(sql)
            connection.commit()

    return spoil


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda database: database.write_bytes(b"no database" * 500), "file is not a database"),
        (rewritten("UPDATE alembic_version SET version_num = 'ffff'"), r"another MLflow version \(schema ffff"),
        (rewritten("UPDATE experiments SET artifact_location = 'file:///elsewhere/a'"), "made in another folder"),
        (rewritten("DROP TABLE alembic_version"), "is no MLflow store"),
    ],
)
def test_a_store_that_cannot_be_used_is_said_and_moved_aside(database, spoil, said):
    spoil(database)
    spoilt = database.read_bytes()
    with pytest.raises(BrokenStoreError, match=said):
        check(database)
    database.with_name("mlflow.db.unusable-1").touch()
    assert "kept as mlflow.db.unusable-2" in mended(database)
    assert not database.exists()
    assert database.with_name("mlflow.db.unusable-2").read_bytes() == spoilt


def test_a_damaged_store_is_moved_aside(database):
    with database.open("r+b") as file:
        file.truncate(database.stat().st_size // 2)
    assert mended(database)


def test_a_busy_store_is_said_after_a_short_wait_and_stays(database, monkeypatch):
    monkeypatch.setattr(tracking_store, "BUSY_S", 0.1)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(UserError, match="database is locked") as raised:
            mended(database)
    assert not isinstance(raised.value, BrokenStoreError)
    assert database.exists()


def test_what_takes_too_long_is_cut_off():
    with pytest.raises(TimeoutError, match="not done after 1 s"), limited(1):
        time.sleep(5)


def test_a_reason_is_one_line_without_credentials():
    error = ValueError("API request to http://me:secret@host failed\n  with code 500")
    assert tracking_store.reason(error) == "API request to http://***@host failed with code 500"
    assert len(tracking_store.reason(ValueError("long " * 1000))) < 250


def test_what_a_server_does_is_said_shortly():
    pool = "API request to http://host failed with exception HTTPConnectionPool(host='host'): Max retries exceeded ("
    said = {
        f"{pool}Caused by NewConnectionError(...refused'))": "the server can't be reached",
        f"{pool}Caused by ResponseError('too many 500 error responses'))": "the server answers with HTTP error 500",
        f"{pool}Caused by ProtocolError('Connection aborted.', ...))": "the server broke off the connection",
        "API request to http://host failed with timeout exception ...": "the server doesn't answer",
        f"{pool}Caused by ReadTimeoutError('Read timed out. (read timeout=10)'))": "the server doesn't answer",
    }
    assert [tracking_store.reason(ValueError(text)) for text in said] == list(said.values())
