import logging
import shutil
import sqlite3
from contextlib import closing

import pytest

from uscl.tracking.store import experiment, opened


@pytest.fixture(autouse=True)
def _logging_as_before(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    mlflows = logging.getLogger("mlflow")
    handlers, propagate = mlflows.handlers[:], mlflows.propagate
    yield
    mlflows.handlers[:], mlflows.propagate = handlers, propagate


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory):
    """A store with one empty experiment: MLflow takes seconds to make one."""
    database = tmp_path_factory.mktemp("made") / "mlflow.db"
    with opened(f"sqlite:///{database}") as client:
        experiment(client, f"sqlite:///{database}", "study/pretrain")
    return database


@pytest.fixture
def results(empty_store, tmp_path):
    """A results folder with an empty store."""
    folder = tmp_path / "results"
    folder.mkdir()
    shutil.copy(empty_store, folder / "mlflow.db")
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection:
        place = f"{folder.as_uri()}/mlartifacts/study/pretrain"
        connection.execute("UPDATE experiments SET artifact_location = ?", (place,))
        connection.commit()
    return folder
