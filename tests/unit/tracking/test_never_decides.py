import json
import logging
from pathlib import Path

import pytest

from tests.unit.tracking.test_tracking import shown, write_cell
from uscl.base.errors import UserError
from uscl.tracking.address import is_own_store
from uscl.tracking.read_runs import cell_run
from uscl.tracking.sync import sync
from uscl.tracking.track import attempted, forget_unavailable, make_store, track, waiting


@pytest.fixture(autouse=True)
def _logging_as_before(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    mlflows = logging.getLogger("mlflow")
    handlers, propagate = mlflows.handlers[:], mlflows.propagate
    yield
    mlflows.handlers[:], mlflows.propagate = handlers, propagate


def refuse():
    raise OSError("no answer from https://me:secret@host")


def test_only_the_first_failure_of_a_call_warns_and_is_waited_for(tmp_path, caplog):
    tried = [attempted(tmp_path, refuse), attempted(tmp_path, lambda: pytest.fail("tried again"))]
    assert tried == [{"pending": "no answer from https://***@host"}] * 2
    (warning,) = (record.getMessage() for record in caplog.records if record.levelname == "WARNING")
    assert "snakemake sync_tracking" in warning
    assert "secret" not in warning
    forget_unavailable(tmp_path)
    assert attempted(tmp_path, lambda: {"runs": {}}) == {"runs": {}}


def test_a_missing_package_is_a_reason(tmp_path):
    def fail():
        raise ModuleNotFoundError("No module named 'mlflow.entities'")

    assert "can't be imported" in attempted(tmp_path, fail)["pending"]


def test_what_waits_is_logged_later_and_a_lost_store_is_rebuilt(tmp_path):
    results = tmp_path / "results"
    folder = write_cell(results / "cells/pocus/finetune/labels100/simclr/seed0", "pocus/finetune/simclr/seed0")
    out = results / "tracking/cells/pocus-finetune-labels100-simclr-seed0.json"
    results.joinpath("mlflow.db").write_bytes(b"garbage" * 1000)
    make_store(results, None, ["study/pocus"], results / "tracking/store.txt")
    track(results, None, "study", lambda: cell_run(folder), out)
    assert "not a database" in json.loads(out.read_text())["pending"]
    assert waiting(results) == 1
    attempt = json.loads((folder / "run.json").read_text()) | {"name": "pocus/finetune/uscl/seed0", "log": "gone.log"}
    (results / "logs").mkdir()
    text = json.dumps(attempt | {"status": "running", "reason": None, "ended": None})
    (results / "logs/a.attempt.json").write_text(text)
    said = sync(results, None, "study")
    assert "1 encoders and cells logged, 0 were there already; 1 failed runs logged" in said
    assert (waiting(results), (results / "tracking/unavailable.json").exists()) == (0, False)
    assert "0 encoders and cells logged, 1 were there already; 0 failed runs logged, 1" in sync(results, None, "study")
    runs = shown(f"sqlite:///{results / 'mlflow.db'}").set_index("tags.uscl.key")
    assert json.loads(out.read_text())["runs"] == runs.loc[runs["status"] == "FINISHED", "run_id"].to_dict()
    assert runs.loc["pocus/finetune/uscl/seed0", "status"] == "FAILED"
    assert "killed" in runs.loc["pocus/finetune/uscl/seed0", "tags.uscl.reason"]


def test_a_sync_without_a_store_is_one_sentence(tmp_path):
    write_cell(tmp_path / "cells/pocus/finetune/labels100/simclr/seed0", "cell")
    with pytest.raises(UserError, match=r"MLflow can't be had \(the server can't be reached\)"):
        sync(tmp_path, "http://127.0.0.1:9", "study")


def test_the_own_store_is_known_by_its_address_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    results = Path("results")
    assert all(is_own_store(results, named) for named in (None, "", f"sqlite:///{tmp_path}/results/mlflow.db"))
    assert is_own_store(results, "sqlite:///results/mlflow.db")
    assert not is_own_store(results, "sqlite:///other/mlflow.db")
    assert not is_own_store(results, "https://mlflow.example")
