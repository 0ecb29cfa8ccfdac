import json
from pathlib import Path

import mlflow
import pandas as pd
import pytest

from uscl.tracking.read_runs import cell_run, encoder_run, experiment_name, failed_run, finished_folders
from uscl.tracking.store import create_store, experiment, opened
from uscl.tracking.write_runs import Run, flatten, log_once


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tracking") / "a folder"
    place = f"sqlite:///{folder / 'mlflow.db'}"
    create_store(place, ["study/pretrain", "study/pocus"])
    return place


def record(name, **more):
    return {
        "name": name,
        "params": {"seed": 0, "finetune": {"lr": 0.1, "epochs": 2}},
        "commit": "abc",
        "config_sha256": "c",
        "data_sha256": "d",
        "tags": {"stage": "finetune", "arm": "simclr", "task": "pocus"},
        "hardware": {"cpu": "a processor", "gpu": "none"},
        "started": 1000.0,
        "ended": 1010.5,
    } | more


def log(address, run):
    with opened(address) as client:
        return log_once(client, experiment(client, address, experiment_name("study", run)), run)


def shown(address, name="study/pocus"):
    mlflow.set_tracking_uri(address)
    return mlflow.search_runs(experiment_names=[name])


def write_cell(folder, name, folds=2):
    """The result files of a cell."""
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    numbers = list(range(folds))
    times = [{"started": 1.0 + k, "ended": 2.0 + k} for k in numbers]
    (folder / "run.json").write_text(json.dumps(record(name, folds=times)))
    rows = [(k, epoch, 2.0 * k + epoch, epoch == 0) for k in numbers for epoch in (0, 1)]
    pd.DataFrame(rows, columns=["fold", "epoch", "train_loss", "chosen"]).to_csv(folder / "history.csv", index=False)
    scores = pd.DataFrame({"fold": numbers, "metric": "accuracy", "value": [0.6 + 0.2 * k for k in numbers]})
    scores.to_csv(folder / "metrics.csv", index=False)
    for k in numbers:
        (folder / f"figures/fold{k}_curve.png").write_bytes(b"png")
    return folder


def test_a_run_shows_what_its_files_say(address, tmp_path):
    figure = tmp_path / "curve.png"
    figure.write_bytes(b"png")
    history = pd.DataFrame({"epoch": [0, 1, 2], "loss": [3.0, 2.0, 1.0], "score": [0.1, None, 0.3]})
    ids, new = log(address, Run(record("one"), history, {"f1": 0.5}, (figure,)))
    with opened(address) as client:
        run = client.get_run(ids["one"])
        losses = [(point.step, point.value) for point in client.get_metric_history(ids["one"], "loss")]
        scored = [point.step for point in client.get_metric_history(ids["one"], "score")]
        files = sorted(file.path for file in client.list_artifacts(ids["one"]))
        stored = client.download_artifacts(ids["one"], "run.json", str(tmp_path))
    assert new
    assert run.info.status == "FINISHED"
    assert (run.info.start_time, run.info.end_time) == (1_000_000, 1_010_500)
    assert run.data.params == {"seed": "0", "finetune.lr": "0.1", "finetune.epochs": "2"}
    assert losses == [(0, 3), (1, 2), (2, 1)]
    assert scored == [0, 2]
    assert run.data.metrics["f1"] == 0.5
    assert (run.data.tags["commit"], run.data.tags["data_sha256"]) == ("abc", "d")
    assert files == ["curve.png", "run.json"]
    assert json.loads(Path(stored).read_text(encoding="utf-8")) == record("one")


def test_the_same_run_is_logged_once_and_another_takes_its_place(address):
    (first, new), (again, new_again) = log(address, Run(record("twice"))), log(address, Run(record("twice")))
    assert (new, new_again, again) == (True, False, first)
    second, _ = log(address, Run(record("twice", ended=1011.0)))
    runs = shown(address)
    assert list(runs.loc[runs["tags.uscl.key"] == "twice", "run_id"]) == [second["twice"]]
    with opened(address) as client:
        assert client.get_run(first["twice"]).data.tags["uscl.superseded"] == "true"


def test_every_fold_is_a_child_of_its_cell(address, tmp_path):
    ids, _ = log(address, cell_run(write_cell(tmp_path, "cell")))
    assert list(ids) == ["cell", "cell/fold0", "cell/fold1"]
    with opened(address) as client:
        parent, child = client.get_run(ids["cell"]), client.get_run(ids["cell/fold1"])
        files = sorted(file.path for file in client.list_artifacts(ids["cell/fold1"]))
    assert parent.data.metrics == {
        "test_accuracy_mean": pytest.approx(0.7),
        "test_accuracy_sd": pytest.approx(0.02**0.5),
    }
    assert child.data.tags["mlflow.parentRunId"] == ids["cell"]
    assert child.data.metrics == {"test_accuracy": 0.8, "train_loss": 3.0, "chosen": 0.0}
    assert child.data.params["fold"] == "1"
    assert child.info.start_time == 2000
    assert files == ["fold1_curve.png", "run.json"]
    again, new = log(address, cell_run(tmp_path))
    assert (list(again.items()), new) == (list(ids.items()), False)  # the same file is written again


def test_a_cell_with_fewer_folds_leaves_none_of_the_old_ones(address, tmp_path):
    for folds in (2, 1):
        log(address, cell_run(write_cell(tmp_path, "shrunk", folds)))
    names = shown(address)["tags.uscl.key"]
    assert sorted(name for name in names if name.startswith("shrunk")) == ["shrunk", "shrunk/fold0"]


def test_a_run_that_was_cut_off_is_logged_again_and_replaced(address, tmp_path, monkeypatch):
    run = cell_run(write_cell(tmp_path, "cut"))
    with monkeypatch.context() as patch:
        patch.setattr("uscl.tracking.write_runs.supersede", lambda *_: 1 / 0)  # the last thing before the end
        with pytest.raises(ZeroDivisionError):
            log(address, run)
    assert list(shown(address).query("`tags.uscl.key` == 'cut'")["status"]) == ["RUNNING"]
    ids, new = log(address, run)
    assert new
    runs = shown(address)
    assert set(runs.loc[runs["tags.uscl.key"].str.startswith("cut"), "run_id"]) == set(ids.values())
    assert set(runs.loc[runs["run_id"].isin(ids.values()), "status"]) == {"FINISHED"}


def test_a_failed_attempt_is_a_failed_run_with_its_log_until_it_succeeds(address, tmp_path):
    text = tmp_path / "job.log"
    text.write_text("it went wrong")
    told = {"status": "failed", "reason": "no room at https://me:secret@host", "ended": None, "log": str(text)}
    run = failed_run(record("broken") | told)
    ids, _ = log(address, run)
    assert log(address, run) == (ids, False)
    with opened(address) as client:
        logged = client.get_run(ids["broken"])
        files = sorted(file.path for file in client.list_artifacts(ids["broken"]))
    assert (logged.info.status, logged.data.tags["uscl.reason"]) == ("FAILED", "no room at https://***@host")
    assert files == ["job.log", "run.json"]
    done, _ = log(address, Run(record("broken")))
    assert list(shown(address).query("`tags.uscl.key` == 'broken'")["run_id"]) == list(done.values())
    log(address, failed_run(record("broken") | told))
    both = shown(address).query("`tags.uscl.key` == 'broken'")
    assert sorted(both["status"]) == ["FAILED", "FINISHED"]  # what once was finished isn't lost


def test_result_folders_are_found_with_what_their_jobs_leave_behind(tmp_path):
    encoder = tmp_path / "encoders/simclr/seed0"
    (encoder / "figures").mkdir(parents=True)
    (encoder / "run.json").write_text(json.dumps(record("pretrain/simclr/seed0", tags={"stage": "pretrain"})))
    for name in ("encoder.safetensors", "history.csv", "pairs.csv", "encoder.provenance.json"):
        (encoder / name).write_text("epoch,loss\n0,1\n")
    for name in ("b.png", "a.svg", ".snakemake_timestamp"):
        (encoder / "figures" / name).touch()
    cell = write_cell(tmp_path / "cells/pocus/finetune/labels100/simclr/seed0", "cell")
    write_cell(tmp_path / "cells/pocus/linear/labels100/simclr/seed0", "unscored").joinpath("metrics.csv").unlink()
    assert list(finished_folders(tmp_path)) == [
        (encoder, tmp_path / "tracking/encoders/simclr-seed0.json"),
        (cell, tmp_path / "tracking/cells/pocus-finetune-labels100-simclr-seed0.json"),
    ]
    run = encoder_run(encoder)
    assert [path.name for path in run.artifacts] == [
        "encoder.safetensors",
        "history.csv",
        "pairs.csv",
        "a.svg",
        "b.png",
    ]
    assert experiment_name("study", run) == "study/pretrain"


def test_nested_settings_get_dotted_names():
    assert flatten({"a": {"b": {"c": 1}}, "d": [1]}) == {"a.b.c": 1, "d": [1]}
