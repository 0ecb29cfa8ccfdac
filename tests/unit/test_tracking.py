import json
import shutil
from pathlib import Path

import mlflow
import pandas as pd
import pytest

from uscl.errors import UserError
from uscl.tracking import create_store, flatten, log_cell, log_run, open_store


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tracking") / "a folder"
    create_store(folder / "mlflow.db", ["study/pretrain", "study/pocus"])
    return folder / "mlflow.db"


def record(name, **more):
    return {
        "name": name,
        "params": {"seed": 0, "finetune": {"lr": 0.1, "epochs": 2}},
        "commit": "abc",
        "config_sha256": "c",
        "data_sha256": "d",
        "tags": {"stage": "finetune", "arm": "simclr"},
        "hardware": {"cpu": "a processor", "gpu": "none"},
        "started": 1000.0,
        "ended": 1010.5,
    } | more


def runs(database, experiment):
    mlflow.set_tracking_uri(f"sqlite:///{database}")
    return mlflow.search_runs(experiment_names=[experiment])


def test_a_run_shows_what_its_files_say(database, tmp_path):
    figure = tmp_path / "curve.png"
    figure.write_bytes(b"png")
    history = pd.DataFrame({"epoch": [0, 1, 2], "loss": [3.0, 2.0, 1.0], "score": [0.1, None, 0.3]})
    client = open_store(database)
    run_id = log_run(client, "study/pretrain", record("one"), history=history, metrics={"f1": 0.5}, artifacts=[figure])
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert (run.info.start_time, run.info.end_time) == (1_000_000, 1_010_500)
    assert run.data.params == {"seed": "0", "finetune.lr": "0.1", "finetune.epochs": "2"}
    assert [(point.step, point.value) for point in client.get_metric_history(run_id, "loss")] == [
        (0, 3),
        (1, 2),
        (2, 1),
    ]
    assert [point.step for point in client.get_metric_history(run_id, "score")] == [0, 2]
    assert run.data.metrics["f1"] == 0.5
    assert run.data.tags["commit"] == "abc"
    assert run.data.tags["data_sha256"] == "d"
    assert sorted(file.path for file in client.list_artifacts(run_id)) == ["curve.png", "run.json"]
    stored = client.download_artifacts(run_id, "run.json", str(tmp_path))
    assert json.loads(Path(stored).read_text(encoding="utf-8")) == record("one")


def test_a_repeated_run_takes_the_place_of_the_first(database):
    client = open_store(database)
    first = log_run(client, "study/pretrain", record("twice"))
    second = log_run(client, "study/pretrain", record("twice"))
    shown = runs(database, "study/pretrain")
    assert list(shown.loc[shown["tags.uscl.key"] == "twice", "run_id"]) == [second]
    assert client.get_run(first).data.tags["uscl.superseded"] == "true"


def test_every_fold_is_a_child_of_its_cell(database, tmp_path):
    folds = [{"started": 1.0, "ended": 2.0}, {"started": 2.0, "ended": 3.0}]
    history = pd.DataFrame(
        {"fold": [0, 0, 1, 1], "epoch": [0, 1, 0, 1], "train_loss": [2.0, 1.0, 4.0, 3.0], "chosen": [True, False] * 2}
    )
    scores = pd.DataFrame({"fold": [0, 1], "metric": ["accuracy"] * 2, "value": [0.6, 0.8]})
    for fold in (0, 1):
        (tmp_path / f"fold{fold}_curve.png").write_bytes(b"png")
    client = open_store(database)
    ids = log_cell(client, "study/pocus", record("cell", folds=folds), history, scores, tmp_path)
    assert list(ids) == ["cell", "cell/fold0", "cell/fold1"]
    parent, child = client.get_run(ids["cell"]), client.get_run(ids["cell/fold1"])
    assert parent.data.metrics == {
        "test_accuracy_mean": pytest.approx(0.7),
        "test_accuracy_sd": pytest.approx(0.02**0.5),
    }
    assert child.data.tags["mlflow.parentRunId"] == ids["cell"]
    assert child.data.metrics == {"test_accuracy": 0.8, "train_loss": 3.0, "chosen": 0.0}
    assert child.data.params["fold"] == "1"
    assert child.info.start_time == 2000
    assert sorted(file.path for file in client.list_artifacts(ids["cell/fold1"])) == ["fold1_curve.png", "run.json"]


def test_a_cell_with_fewer_folds_leaves_none_of_the_old_ones(database, tmp_path):
    client = open_store(database)
    history = pd.DataFrame({"fold": [0, 1], "epoch": [0, 0], "train_loss": [2.0, 1.0], "chosen": [True, True]})
    scores = pd.DataFrame({"fold": [0, 1], "metric": ["dice"] * 2, "value": [0.6, 0.8]})
    for count in (2, 1):
        folds = [{"started": 1.0, "ended": 2.0}] * count
        log_cell(client, "study/pocus", record("shrunk", folds=folds), history, scores, tmp_path)
    names = runs(database, "study/pocus")["tags.uscl.key"]
    assert sorted(name for name in names if name.startswith("shrunk")) == ["shrunk", "shrunk/fold0"]


def test_a_store_that_was_moved_is_said(database, tmp_path):
    moved = tmp_path / "moved" / "mlflow.db"
    moved.parent.mkdir()
    shutil.copy(database, moved)
    with pytest.raises(UserError, match=r"was made in another folder.*delete it and run again"):
        open_store(moved)


def test_creating_the_store_again_keeps_its_runs(database):
    before = len(runs(database, "study/pretrain"))
    create_store(database, ["study/pretrain", "study/new"])
    assert len(runs(database, "study/pretrain")) == before
    assert open_store(database).get_experiment_by_name("study/new") is not None


def test_an_unknown_experiment_is_said(database):
    with pytest.raises(UserError, match="no experiment 'other'"):
        log_run(open_store(database), "other", record("x"))


def test_nested_settings_get_dotted_names():
    assert flatten({"a": {"b": {"c": 1}}, "d": [1]}) == {"a.b.c": 1, "d": [1]}
