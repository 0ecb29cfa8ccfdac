import os

import pandas as pd
import pytest

from tests.unit.tracking.result_folders import (
    CELL,
    CELL_NAME,
    cell_record,
    draw,
    draw_encoder,
    encoder_record,
    fail,
    history_of,
    score,
    write,
    write_attempt,
    write_cell,
    write_encoder,
)
from uscl.tracking.logged import Logged
from uscl.tracking.read_runs import KILLED, experiment_of, read_run
from uscl.tracking.run_files import Call, find_runs

CHECKPOINTS = "checkpoints/cells/pocus/finetune/labels100/simclr/seed0/history.csv"


def runs(results, call=Call()):  # noqa: B008  (immutable)
    return [read_run(results, files) for files in find_runs(results, call)]


def test_an_encoder_has_its_curves_and_files_and_later_its_figures(tmp_path):
    write_encoder(tmp_path)
    (run,) = runs(tmp_path)
    names = ["encoder.safetensors", "history.csv", "heads.safetensors", "pairs.csv"]
    assert (run.name, run.status, len(run.history)) == ("pretrain/simclr/seed0", "FINISHED", 3)
    assert [path.name for path in run.artifacts] == names
    assert experiment_of(run) == "pretrain"
    draw_encoder(tmp_path)
    (drawn,) = runs(tmp_path)
    assert [path.name for path in drawn.artifacts] == [*names, "curve.png", "curve.svg"]


def test_a_cell_has_its_folds_as_children_with_scores_and_figures_once_there_are_some(tmp_path):
    write_cell(tmp_path)
    (run,) = runs(tmp_path)
    assert (run.name, run.metrics, [child.name for child in run.children]) == (
        CELL_NAME,
        {},
        [f"{CELL_NAME}/fold0", f"{CELL_NAME}/fold1"],
    )
    score(tmp_path, CELL, ("pocus", "finetune", 100, "uscl", 0), ("pocus", "finetune", 100, "simclr", 1))
    draw(tmp_path)
    (run,) = runs(tmp_path)
    child = run.children[1]
    assert run.metrics == {
        "test/accuracy": pytest.approx(0.75),
        "folds/accuracy_mean": pytest.approx(0.7),
        "folds/accuracy_sd": pytest.approx(0.02**0.5),
    }
    assert child.metrics == {"test/accuracy": 0.8, "chosen_step": 0.0}
    assert (child.record["params"]["fold"], child.started, child.ended) == (1, 1_002_000, 1_003_000)
    assert list(child.history["train_loss"]) == [2, 3]
    assert [path.name for path in child.artifacts] == ["fold1_curve.png"]
    assert experiment_of(run) == "pocus"


def test_a_cell_with_few_labels_has_scores_of_its_own_and_no_figures(tmp_path):
    few = ("pocus", "finetune", 10, "simclr", 0)
    write_cell(tmp_path, few)
    score(tmp_path)
    draw(tmp_path)
    (run,) = runs(tmp_path)
    assert (run.name, run.metrics) == ("pocus/finetune/labels10/simclr/seed0", {})
    assert not run.children[0].artifacts


def test_a_failed_run_has_its_reason_its_log_and_its_curve_so_far_without_credentials(tmp_path):
    folder = write_encoder(tmp_path)
    live = write(tmp_path / "checkpoints/simclr/seed0/history.csv", pd.DataFrame({"epoch": [0], "loss": [9.0]}))
    log = write(tmp_path / "job.log", "the log")
    fail(folder, "no answer from https://me:secret@host", encoder_record("simclr", log=str(log)))
    (run,) = runs(tmp_path)
    assert (run.status, run.reason) == ("FAILED", "no answer from https://***@host")
    assert (list(run.artifacts), list(run.history["loss"])) == ([log], [9])
    os.utime(live, (999, 999))  # of an earlier attempt
    assert runs(tmp_path)[0].history is None


def test_a_run_that_failed_before_it_had_a_record_is_named_by_its_place(tmp_path):
    fail(tmp_path / "encoders/simclr/seed0", "bad")
    fail(tmp_path / "cells/busi/knn/labels10/uscl/seed2", "worse")
    found = runs(tmp_path)
    assert [run.name for run in found] == ["pretrain/simclr/seed0", "busi/knn/labels10/uscl/seed2"]
    assert experiment_of(found[1]) == "busi"


def test_a_running_cell_has_the_curves_of_its_folds_so_far(tmp_path):
    write_attempt(tmp_path, cell_record())
    live = history_of(2, 2).iloc[:3].drop(columns="chosen").assign(started=[1.0, 1.0, 5.0])
    write(tmp_path / CHECKPOINTS, live)
    (run,) = runs(tmp_path, Call(since=999))
    assert [(one.status, one.name, one.started) for one in (run, *run.children)] == [
        ("RUNNING", CELL_NAME, 1_000_000),
        ("RUNNING", f"{CELL_NAME}/fold0", 1000),
        ("RUNNING", f"{CELL_NAME}/fold1", 5000),
    ]
    assert [list(child.history["train_loss"]) for child in run.children] == [[0, 1], [2]]
    write(tmp_path / CHECKPOINTS, "\n")  # no epoch yet
    assert not runs(tmp_path, Call(since=999))[0].children


def test_an_attempt_that_no_call_works_on_any_more_was_killed(tmp_path, monkeypatch):
    write_attempt(tmp_path, encoder_record("simclr"), caller="1@here")
    for call in (Call(since=1001), Call(since=999, over=True), Call()):
        assert [(run.status, run.reason) for run in runs(tmp_path, call)] == [("FAILED", KILLED)]
    monkeypatch.setenv("USCL_CALLER", "1@here")  # a job of the same call that runs sync_tracking
    assert [run.status for run in runs(tmp_path)] == ["RUNNING"]


def test_an_attempt_gives_way_to_the_outcome_and_jobs_without_a_run_do_not_count(tmp_path):
    write_attempt(tmp_path, encoder_record("simclr"))
    write(tmp_path / "logs/extract.attempt.json", {"status": "running"})
    write(tmp_path / "logs/broken.attempt.json", "{")
    write_encoder(tmp_path)
    assert [run.status for run in runs(tmp_path)] == ["FINISHED"]


def test_a_run_is_lacking_until_it_is_logged_and_after_each_change(tmp_path):
    folder, logged = write_cell(tmp_path), Logged(tmp_path, "http://host")

    def lacking():
        return [run.key for run in logged.load().lacking(find_runs(tmp_path, Call()))]

    for change in (
        lambda: None,
        lambda: score(tmp_path),
        lambda: draw(tmp_path),
        lambda: fail(folder, "it was repeated"),
    ):
        change()
        assert lacking() == ["cells/pocus/finetune/labels100/simclr/seed0/outcome.json"]
        logged.add(find_runs(tmp_path, Call()))
        assert lacking() == []
    assert Logged(tmp_path, "http://elsewhere").load().lacking(find_runs(tmp_path, Call()))
