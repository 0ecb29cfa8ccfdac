import shutil
import sqlite3
import time
from contextlib import closing

import pytest

from uscl.base.errors import UserError
from uscl.tracking import store as tracking_store
from uscl.tracking.address import moved, store_address
from uscl.tracking.store import BrokenStoreError, check, experiment, limited, opened, replace_unusable


@pytest.fixture
def database(results):
    """A store of this version in this folder."""
    return results / "mlflow.db"


def test_the_store_is_the_configs_else_the_environments_else_the_studys_own(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert store_address(tmp_path, None) == f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://there")
    assert store_address(tmp_path, None) == "http://there"
    assert store_address(tmp_path, "http://here") == "http://here"


def test_experiments_are_created_once_and_keep_their_files_next_to_the_store(database):
    address = f"sqlite:///{database}"
    with opened(address) as client:
        ids = {experiment(client, address, name) for name in ("study/pretrain", "study/new", "study/new")}
        names = {found.name for found in client.search_experiments()}
        place = client.get_experiment_by_name("study/new").artifact_location
    assert len(ids) == 2
    assert names == {"Default", "study/pretrain", "study/new"}
    assert place == f"{database.parent.as_uri()}/mlartifacts/study/new"


def test_a_long_process_notices_that_the_store_was_replaced(database):
    address, other = f"sqlite:///{database}", database.with_name("other.db")
    shutil.copy(database, other)
    with opened(address) as client:
        experiment(client, address, "study/old")
    other.replace(database)
    with opened(address) as client:
        experiment(client, address, "study/new")
        names = {found.name for found in client.search_experiments()}
    assert names == {"Default", "study/pretrain", "study/new"}


def test_a_sound_store_is_left_alone(database):
    assert replace_unusable(database) is None
    check(database.with_name("none.db"))


def rewritten(sql):
    def spoil(database):
        with closing(sqlite3.connect(database)) as connection:
            connection.execute(sql)
            connection.commit()

    return spoil


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda database: database.write_bytes(b"no database" * 500), "file is not a database"),
        (rewritten("UPDATE alembic_version SET version_num = 'ffff'"), r"another MLflow version \(schema ffff"),
        (rewritten("UPDATE experiments SET artifact_location = 'file:///elsewhere/a'"), "made in another folder"),
        (rewritten("DROP TABLE alembic_version"), "is not an MLflow store"),
    ],
)
def test_an_unusable_store_is_reported_and_moved_aside(database, spoil, message):
    spoil(database)
    spoilt = database.read_bytes()
    with pytest.raises(BrokenStoreError, match=message):
        check(database)
    database.with_name("mlflow.db.unusable-1").touch()
    assert "kept as mlflow.db.unusable-2" in replace_unusable(database)
    assert not database.exists()
    assert database.with_name("mlflow.db.unusable-2").read_bytes() == spoilt


def test_a_damaged_store_is_moved_aside(database):
    with database.open("r+b") as file:
        file.truncate(database.stat().st_size // 2)
    assert replace_unusable(database)


def test_a_busy_store_is_reported_after_a_short_wait_and_stays(database, monkeypatch):
    monkeypatch.setattr(tracking_store, "BUSY_S", 0.1)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(UserError, match="database is locked") as raised:
            replace_unusable(database)
    assert not isinstance(raised.value, BrokenStoreError)
    assert database.exists()


def test_a_disk_without_locks_is_named_at_once(database, monkeypatch):
    monkeypatch.setattr(tracking_store, "can_lock", lambda _: False)
    with pytest.raises(UserError, match=rf"^{database} is on a disk that can't lock files"):
        check(database)
    database.unlink()
    with pytest.raises(UserError, match=rf"^{database} is on a disk"), opened(f"sqlite:///{database}"):
        raise AssertionError("it was opened")


def test_a_block_that_takes_too_long_is_cut_off():
    with pytest.raises(TimeoutError, match="not done after 1 s"), limited(1):
        time.sleep(5)


def test_a_reason_is_one_line_without_credentials():
    error = ValueError("API request to http://me:secret@host failed\n  with code 500")
    assert tracking_store.reason(error) == "API request to http://***@host failed with code 500"
    assert len(tracking_store.reason(ValueError("long " * 1000))) < 250


def test_failures_of_a_server_are_reported_briefly():
    pool = "API request to http://host failed with exception HTTPConnectionPool(host='host'): Max retries exceeded ("
    message = {
        f"{pool}Caused by NewConnectionError(...refused'))": "the server can't be reached",
        f"{pool}Caused by ResponseError('too many 500 error responses'))": "the server answers with HTTP error 500",
        f"{pool}Caused by ProtocolError('Connection aborted.', ...))": "the server broke off the connection",
        "API request to http://host failed with timeout exception ...": "the server doesn't answer",
        f"{pool}Caused by ReadTimeoutError('Read timed out. (read timeout=10)'))": "the server doesn't answer",
    }
    assert [tracking_store.reason(ValueError(text)) for text in message] == list(message.values())


def test_a_store_that_was_moved_with_its_project_is_named_and_any_other_is_not(results, tmp_path):
    assert moved(results, None) is None
    assert moved(tmp_path / "nothing", None) is None
    results.rename(tmp_path / "elsewhere")
    message = moved(tmp_path / "elsewhere", None)
    assert message.startswith(f"{tmp_path / 'elsewhere/mlflow.db'} was made in another folder")
    assert "snakemake sync_tracking" in message
    assert moved(tmp_path / "elsewhere", "https://server") is None
    (tmp_path / "elsewhere/mlflow.db").write_text("no database")
    assert moved(tmp_path / "elsewhere", None) is None
