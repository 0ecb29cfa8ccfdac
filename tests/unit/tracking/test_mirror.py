import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, RESOURCE_DOES_NOT_EXIST

from tests.unit.tracking.conftest import put_store
from tests.unit.tracking.result_folders import (
    CELL,
    CELL_NAME,
    cell_record,
    draw,
    encoder_record,
    score,
    write,
    write_attempt,
    write_cell,
    write_encoder,
)
from uscl.base.errors import UserError
from uscl.tracking import mirror as mirror_module
from uscl.tracking import mirror_process, store, write_runs
from uscl.tracking.address import is_own_store
from uscl.tracking.logged import Logged
from uscl.tracking.mirror import Mirror, follow, sync
from uscl.tracking.run_files import Call
from uscl.tracking.store import opened

ROOT = Path(__file__).parents[3]
ABOVE = CELL_NAME.removesuffix("/seed0")
OVER = Call(since=0, over=True)


def shown(results):
    """The active runs of a store by name."""
    with opened(f"sqlite:///{results / 'mlflow.db'}") as client:
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
        runs = client.search_runs(experiments)
    names = [run.data.tags["uscl.key"] for run in runs]
    assert len(set(names)) == len(names)
    return dict(zip(names, runs, strict=True))


def delete(results, *names):
    """Take runs out of the store."""
    there = ids(results)
    with opened(f"sqlite:///{results / 'mlflow.db'}") as client:
        for name, run_id in there.items():
            if name in names:
                client.delete_run(run_id)


def ids(results):
    return {name: run.info.run_id for name, run in shown(results).items()}


def statuses(results):
    return {name: run.info.status for name, run in shown(results).items()}


def mirror(results, address=None):
    address = address or f"sqlite:///{results / 'mlflow.db'}"
    return Mirror(results, address, "study", Logged(results, address).load())


def warnings(caplog):
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


def test_one_pass_logs_all_runs_and_the_next_asks_the_store_for_nothing(results, monkeypatch):
    write_encoder(results)
    write_cell(results)
    score(results)
    draw(results)
    write_attempt(results, encoder_record("uscl"))
    follow(mirror(results), OVER)
    runs = shown(results)
    assert statuses(results) == {
        "pretrain/simclr/seed0": "FINISHED",
        ABOVE: "SCHEDULED",
        CELL_NAME: "FINISHED",
        f"{CELL_NAME}/fold0": "FINISHED",
        f"{CELL_NAME}/fold1": "FINISHED",
        "pretrain/uscl/seed0": "FAILED",
    }
    assert runs[CELL_NAME].data.metrics["folds/accuracy_mean"] == pytest.approx(0.7)
    assert "killed" in runs["pretrain/uscl/seed0"].data.tags["uscl.reason"]
    monkeypatch.setattr(Mirror, "log", lambda *_: pytest.fail("the store was asked"))
    follow(mirror(results), OVER)


def test_scores_that_come_later_reach_the_same_runs(results):
    write_cell(results)
    follow(mirror(results), OVER)
    before = ids(results)
    score(results)
    draw(results)
    follow(mirror(results), OVER)
    assert ids(results) == before
    assert shown(results)[f"{CELL_NAME}/fold1"].data.metrics["test/accuracy"] == 0.8


def test_one_broken_run_keeps_no_other_run_out_of_the_store(results, caplog):
    write_cell(results)
    damaged = write_cell(results, ("pocus", "finetune", 100, "broken", 0))
    write(damaged / "history.csv", "")
    refused = ("pocus", "finetune", 100, "refused", 0)
    write_cell(results, refused, commit="x" * 10_000_000)  # longer than any tag
    follow(mirror(results), OVER)
    assert CELL_NAME in shown(results)
    (warning,) = warnings(caplog)
    assert "cells/pocus/finetune/labels100/broken" in warning
    score(results, CELL, refused, metrics=("recall_B-line (mild)",))
    follow(mirror(results), OVER)
    assert shown(results)[CELL_NAME].data.metrics["folds/recall_B-line _mild__mean"] == pytest.approx(0.7)


def test_an_attempt_that_could_not_be_read_is_forgotten_once_it_has_given_way_to_its_outcome(results, caplog):
    attempt = write_attempt(results, encoder_record("simclr"))
    live = results / "checkpoints/simclr/seed0/history.csv"
    write(live, "epoch,loss\n1,2\n1,2,3,4\n")
    follow_once = mirror(results)
    follow_once.log(follow_once.lacking(OVER))
    assert follow_once.refusals.keys() == {"logs/pretrain-simclr-seed0.attempt.json"}
    write_encoder(results)
    attempt.unlink()
    follow(follow_once, OVER)
    assert warnings(caplog) == []
    assert statuses(results) == {"pretrain/simclr/seed0": "FINISHED"}


def failing_for(monkeypatch, names, error):
    """Let the writing of some runs fail in the middle."""
    fill = write_runs.fill

    def fails(client, run_id, run, *more):
        if run.name in names:
            raise error
        fill(client, run_id, run, *more)

    monkeypatch.setattr(write_runs, "fill", fails)


FAULTS = [
    ValueError("surrogates not allowed"),
    MlflowException("odd", error_code=RESOURCE_DOES_NOT_EXIST),
    MlflowException("broken", error_code=INTERNAL_ERROR),
    TimeoutError("not done after 180 s"),
]


@pytest.mark.parametrize("error", FAULTS, ids=[type(error).__name__ + str(error) for error in FAULTS])
def test_a_run_that_cant_be_written_is_no_fault_of_the_store_and_is_not_left_running(results, monkeypatch, error):
    names = ["pretrain/simclr/seed0", "pretrain/uscl/seed0", "pretrain/meta_uscl/seed0"]
    for name in names:
        write_encoder(results, name.split("/")[1])
    for bad in names:
        with monkeypatch.context() as patch:
            failing_for(patch, [bad], error)
            message = [sync(results, None, "study") for _ in range(2)]
        assert all("Not in MLflow: encoders/" in one and bad.split("/")[1] in one for one in message)
        assert statuses(results) == dict.fromkeys(set(names) - {bad}, "FINISHED")
        assert "Not in MLflow" not in sync(results, None, "study")
        assert statuses(results) == dict.fromkeys(names, "FINISHED")
        delete(results, *names)


def test_a_store_that_takes_no_other_change_either_is_at_fault(results, monkeypatch):
    for arm in ("simclr", "uscl"):
        write_encoder(results, arm)
    with monkeypatch.context() as patch:
        failing_for(patch, ["pretrain/simclr/seed0", "pretrain/uscl/seed0"], OSError("no answer"))
        patch.setattr("mlflow.tracking.MlflowClient.set_experiment_tag", lambda *_: 1 / 0)
        with pytest.raises(UserError, match="MLflow can't be used"):
            sync(results, None, "study")
    sync(results, None, "study")
    assert statuses(results) == dict.fromkeys(["pretrain/simclr/seed0", "pretrain/uscl/seed0"], "FINISHED")


def test_a_store_that_fails_is_one_warning_without_credentials_and_is_tried_again(results, caplog, monkeypatch):
    write_encoder(results)
    tries = []

    def refuse(*_):
        tries.append(time.monotonic())
        raise OSError("no answer from https://me:secret@host")

    waits = iter([False, False, True])
    monkeypatch.setattr(mirror_module, "closed_within", lambda _: next(waits))
    monkeypatch.setattr(mirror_module, "FIRST_PAUSE_S", 0.0)
    monkeypatch.setattr(Mirror, "log", refuse)
    follow(mirror(results), Call(since=0))
    (warning,) = warnings(caplog)
    assert "https://***@host" in warning
    assert "snakemake sync_tracking" in warning
    assert len(tries) == 4


def test_a_store_that_fails_is_left_alone_for_a_while(results, monkeypatch):
    write_encoder(results)
    tries = []
    waits = iter([False] * 5 + [True])
    monkeypatch.setattr(mirror_module, "closed_within", lambda _: next(waits))
    monkeypatch.setattr(Mirror, "log", lambda *_: tries.append(1) or 1 / 0)
    follow(mirror(results), Call(since=0))
    assert len(tries) == 2  # at once, and at the end of the call


def test_a_run_at_which_the_store_failed_comes_last_the_next_time(results, monkeypatch):
    write_encoder(results, "a")
    write_encoder(results, "b")
    one = mirror(results)

    def fail(*_, **__):
        raise OSError("the disk is gone")

    monkeypatch.setattr("uscl.tracking.write_runs.log_once", fail)
    monkeypatch.setattr("uscl.tracking.store.works", lambda *_: False)
    with pytest.raises(OSError, match="the disk is gone"):
        one.log(one.lacking(OVER))
    assert [run.key.split("/")[1] for run in one.lacking(OVER)] == ["b", "a"]


def test_trainings_are_nested_in_their_cell_also_while_they_run(results):
    write_attempt(results, cell_record(started=time.time()))
    follow(mirror(results), Call(since=0)._replace(over=True))
    write_cell(results)
    follow(mirror(results), OVER)
    runs = shown(results)
    assert runs[CELL_NAME].data.tags["mlflow.parentRunId"] == runs[ABOVE].info.run_id
    assert runs[f"{CELL_NAME}/fold0"].data.tags["mlflow.parentRunId"] == runs[CELL_NAME].info.run_id


def test_a_broken_package_is_a_reason(results, caplog, monkeypatch):
    def fail(*_):
        raise ModuleNotFoundError("No module named 'mlflow.entities'")

    write_encoder(results)
    monkeypatch.setattr(Mirror, "log", fail)
    follow(mirror(results), OVER)
    assert "the package can't be imported" in warnings(caplog)[0]


def test_a_ruined_store_is_rebuilt_by_sync(results, empty_store, monkeypatch):
    real = store.replace_unusable

    def replaced(database):  # MLflow itself takes seconds to make a store
        moved = real(database)
        if moved:
            put_store(empty_store, results)
        return moved

    monkeypatch.setattr(store, "replace_unusable", replaced)
    write_cell(results)
    write_attempt(results, encoder_record("uscl"))
    follow(mirror(results), OVER)
    before = statuses(results)
    (results / "mlflow.db").write_bytes(b"garbage" * 1000)
    follow(mirror(results), OVER)
    assert "2 runs logged, 0 already there" in sync(results, None, "study")
    assert "0 runs logged, 2 already there" in sync(results, None, "study")
    assert statuses(results) == before
    assert (results / "mlflow.db.unusable-1").exists()


def test_a_new_store_in_the_place_of_the_old_one_lacks_every_run(results, empty_store):
    write_encoder(results)
    follow(mirror(results), OVER)
    (results / "mlflow.db").unlink()
    put_store(empty_store, results)
    assert mirror(results).lacking(OVER)


def test_a_sync_without_a_store_is_one_sentence(tmp_path):
    write_encoder(tmp_path)
    with pytest.raises(UserError, match=r"MLflow can't be used \(the server can't be reached\)"):
        sync(tmp_path, "http://127.0.0.1:9", "study")


def test_a_study_recognizes_its_own_store_by_its_address_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    results = Path("results")
    assert all(is_own_store(results, named) for named in (None, "", f"sqlite:///{tmp_path}/results/mlflow.db"))
    assert is_own_store(results, "sqlite:///results/mlflow.db")
    assert not is_own_store(results, "sqlite:///other/mlflow.db")
    assert not is_own_store(results, "https://mlflow.example")


def test_the_light_modules_import_neither_mlflow_nor_pandas():
    code = (
        "import sys, uscl.tracking.mirror_process, uscl.tracking.mirror; print({'mlflow', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "set()"


@pytest.mark.e2e
def test_the_process_follows_a_call_from_start_to_finish(results):
    mirror_process.start(results, None, "study")
    attempt = write_attempt(results, encoder_record("simclr", started=time.time()))
    live = results / "checkpoints/simclr/seed0/history.csv"
    write(live, pd.DataFrame({"epoch": [0], "loss": [3.0]}))
    wait_until(lambda: list(statuses(results).values()) == ["RUNNING"])
    write_encoder(results, started=1000.0)
    attempt.unlink()
    assert mirror_process.finish(60) is None
    assert list(statuses(results).values()) == ["FINISHED"]
    assert mirror_process.finish(60) is None  # once is enough


def test_runs_that_wait_are_counted_at_the_end(tmp_path):
    write_encoder(tmp_path)
    mirror_process.start(tmp_path, "http://127.0.0.1:9", "study")
    assert mirror_process.finish(60) == "1 finished run waits for MLflow; `snakemake sync_tracking` logs them."
    mirror_process.start(tmp_path, "http://127.0.0.1:9", "study")
    began = time.monotonic()
    write_encoder(tmp_path, "uscl")
    assert mirror_process.finish(0.1).startswith("2 finished runs wait")
    assert time.monotonic() - began < 5


@pytest.mark.e2e
def test_the_process_survives_ctrl_c_and_ends_with_a_call_that_is_killed(results):
    code = f"""
import time
from pathlib import Path
from uscl.tracking import mirror_process, store, write_runs
mirror_process.start(Path({str(results)!r}), None, "study")
print(mirror_process._Started.process.pid, flush=True)
time.sleep(600)
"""
    call = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    started = psutil.Process(int(call.stdout.readline()))
    wait_until(lambda: (results / "logs/tracking.log").exists())
    started.send_signal(signal.SIGINT)
    write_encoder(results)
    call.kill()
    wait_until(lambda: not started.is_running() or started.status() == psutil.STATUS_ZOMBIE)
    assert list(statuses(results).values()) == ["FINISHED"]
    assert "Traceback" not in call.stderr.read()
    call.wait()


def wait_until(happened, seconds=60):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)
