from types import SimpleNamespace

import pandas as pd
import pytest

from tests.unit.tracking.result_folders import fail, write, write_attempt
from tests.unit.tracking.studies import (
    CLAIM,
    PLAN,
    REGIME,
    STATISTICS,
    TASK,
    judge,
    outcomes,
    prove,
    score_study,
    write_all,
    write_plan,
    write_training,
)
from uscl.stats.evaluation import cases_of
from uscl.stats.levels import at_level
from uscl.stats.summary import intervals
from uscl.tracking.plan import read_plan
from uscl.tracking.read_runs import experiment_of, read_run
from uscl.tracking.result_tables import ResultTables
from uscl.tracking.run_files import Call
from uscl.tracking.summary import external_metrics
from uscl.tracking.summary_files import find_all

CELL = f"summary/{TASK}/{REGIME}/simclr"


def runs(results):
    return {run.name: run for files in find_all(results, Call())[1:] for run in [read_run(results, files)]}


def test_a_cell_has_provisional_numbers_from_its_first_training_on_and_no_p(tmp_path):
    write_plan(tmp_path)
    folder = write_training(tmp_path, "simclr", 1)
    found = runs(tmp_path)
    run = found[CELL]
    expected = intervals(cases_of([folder], "classification"), "classification", draws=200, seed=0)
    row = expected[expected["metric"] == "macro_f1"].iloc[0]
    assert (run.status, experiment_of(run)) == ("SCHEDULED", "summary")
    assert run.metrics["mean"] == pytest.approx(row["mean"], abs=1e-4)
    assert run.metrics["ci_low"] == pytest.approx(row["models_ci_low"], abs=1e-4)
    assert run.metrics["ci_high"] == pytest.approx(row["models_ci_high"], abs=1e-4)
    assert run.metrics["test/macro_f1"] == row["mean"]
    assert run.metrics["trainings"] == 1
    assert not {"rank", "p", "p_holm", "difference"} & set(run.metrics)
    assert {run.state[name] for name in ("rank", "p", "against")} == {"pending"}
    assert run.state["verdict"] == "pending (provisional: 1 of 2 trainings)"
    assert "patients" in run.state["ci"]
    assert "**Provisional**" in run.note
    assert "machinery, not medicine" in run.note
    assert f"summary/{TASK}/{REGIME}/imagenet" not in found


def test_each_cell_has_the_encoder_of_its_own_arm(tmp_path):
    write_plan(tmp_path, PLAN._replace(encoders={"imagenet": "timm/vit_tiny_patch16_224"}))
    write_all(tmp_path)
    found = runs(tmp_path)
    encoders = {
        arm: found[f"summary/{TASK}/{REGIME}/{arm}"].record["tags"]["encoder"] for arm in ("imagenet", "simclr")
    }
    assert encoders == {"imagenet": "timm/vit_tiny_patch16_224", "simclr": "not known"}


def test_two_trainings_have_the_interval_over_trainings_and_patients(tmp_path):
    write_plan(tmp_path)
    folders = [write_training(tmp_path, "simclr", seed, right) for seed, right in ((0, 0.7), (1, 0.9))]
    run = runs(tmp_path)[CELL]
    expected = intervals(cases_of(folders, "classification"), "classification", draws=200, seed=0)
    row = expected[expected["metric"] == "macro_f1"].iloc[0]
    assert run.metrics["ci_low"] == pytest.approx(row["ci_low"], abs=1e-4)
    assert run.metrics["sd"] == pytest.approx(row["sd"], abs=1e-4)
    assert "trainings and patients" in run.state["ci"]


def test_a_rank_waits_for_all_arms_and_p_and_verdict_for_the_whole_family(tmp_path):
    write_plan(tmp_path)
    write_all(tmp_path)
    assert runs(tmp_path)[CELL].state["rank"] == "pending"
    score_study(tmp_path)
    scored = runs(tmp_path)[CELL]
    assert (scored.status, scored.state["rank"], scored.metrics["rank"]) == ("SCHEDULED", "2 of 2", 2.0)
    assert scored.state["p"] == "pending"
    assert scored.state["verdict"] == "pending (scored: 2 of 2 trainings)"
    judge(tmp_path)
    write(tmp_path / "figures/overview.png", "a figure")
    final = runs(tmp_path)[CELL]
    assert (final.status, final.state["state"]) == ("FINISHED", "final")
    assert final.state["verdict"] == "worse than imagenet"
    assert final.state["p"] == "< 0.001 (Holm)"
    assert final.metrics["difference"] == CLAIM["difference"]
    assert final.metrics["cost/training_s"] == 2.5
    assert [path.name for path in final.artifacts] == ["claims.md", "overview.png"]
    assert "<td>simclr</td>" in final.texts["table.html"]
    assert CLAIM["sentence"] in final.note
    assert f"verify={TASK}/{REGIME}/simclr" in final.note
    assert "searchFilter=tags.regime" in final.note
    reference = runs(tmp_path)[f"summary/{TASK}/{REGIME}/imagenet"]
    assert (reference.state["verdict"], reference.state["p"]) == ("the reference", "-")
    assert reference.state["uscl.order"] < final.state["uscl.order"]


def test_numbers_of_older_runs_are_not_shown_for_newer_ones(tmp_path):
    write_plan(tmp_path)
    write_all(tmp_path)
    score_study(tmp_path)
    judge(tmp_path)
    write_training(tmp_path, "imagenet", 0, right=0.1)
    other = runs(tmp_path)[CELL]
    assert other.state["state"] == "final"  # its files are the same bytes
    write(tmp_path / f"cells/{TASK}/{REGIME}/labels100/imagenet/seed0/outcome.json", {"status": "done", "key": "new"})
    found = runs(tmp_path)
    assert {found[name].state["rank"] for name in found if name.startswith("summary")} == {"pending"}
    assert found[f"{TASK}/{REGIME}/simclr"].metrics == {}


def test_means_on_external_sets_are_those_of_the_table_of_external_tests():
    row = {"task": TASK, "regime": REGIME, "test_set": "clinic", "metric": "auroc", "mean": 0.7, "level": "video"}
    rows = [row | {"arm": "simclr"}, row | {"arm": "imagenet", "mean": 0.9}]
    rows.append(row | {"arm": "simclr", "level": "frame", "mean": 0.6})
    found = external_metrics(SimpleNamespace(of_study=lambda _: pd.DataFrame(rows)), (TASK, REGIME, "simclr"))
    assert found == {"external/clinic/auroc": 0.7}
    assert external_metrics(SimpleNamespace(of_study=lambda _: None), (TASK, REGIME, "simclr")) == {}


@pytest.mark.parametrize("name", ["table.csv", f"{STATISTICS}/intervals.csv"])
def test_a_table_that_was_changed_by_hand_does_not_count(tmp_path, name):
    write_plan(tmp_path)
    write_all(tmp_path)
    score_study(tmp_path)
    judge(tmp_path)
    assert ResultTables(tmp_path).of_study("table.csv") is not None
    with (tmp_path / name).open("a") as file:
        file.write("\n")
    assert ResultTables(tmp_path).of_study("table.csv") is None


def test_an_arm_with_a_failed_training_has_its_reason_and_no_mean(tmp_path):
    write_plan(tmp_path)
    write_all(tmp_path)
    fail(tmp_path / f"cells/{TASK}/{REGIME}/labels100/simclr/seed1", "the loss is NaN")
    run = runs(tmp_path)[CELL]
    assert (run.status, run.reason, run.metrics) == ("FAILED", "seed 1: the loss is NaN", {})
    assert run.state["verdict"] == "failed"
    above = runs(tmp_path)[f"{TASK}/{REGIME}/simclr"]
    assert (above.status, above.state["trainings"]) == ("FAILED", "2 of 2")


def test_the_run_of_a_cell_spans_its_trainings_and_has_their_means(tmp_path):
    write_plan(tmp_path)
    write_all(tmp_path)
    before = runs(tmp_path)[f"{TASK}/{REGIME}/simclr"]
    assert (before.status, before.started, before.ended) == ("SCHEDULED", 1_000_000, 1_011_000)
    table = score_study(tmp_path)
    after = runs(tmp_path)[f"{TASK}/{REGIME}/simclr"]
    mean = table[(table["arm"] == "simclr") & (table["metric"] == "accuracy")]["mean"].iloc[0]
    assert (after.status, experiment_of(after)) == ("FINISHED", TASK)
    assert after.metrics["test/accuracy"] == pytest.approx(mean)
    assert "[summary](experiment:summary" in after.note


def test_a_study_without_a_plan_has_runs_of_cells_and_no_summary(tmp_path):
    assert read_plan(tmp_path) is None
    write_training(tmp_path, "simclr", 0)
    assert [files.key.split("/")[0] for files in find_all(tmp_path, Call())] == ["gathered", "cells"]
    write_plan(tmp_path)
    assert read_plan(tmp_path) == PLAN
    assert [files.key.split("/")[0] for files in find_all(tmp_path, Call())] == [
        "tracking",
        "gathered",
        "cells",
        "summary",
    ]


def test_a_running_training_has_a_run_of_its_cell(tmp_path):
    params = {"arm": "simclr", "task": TASK, "regime": REGIME, "labels": 10, "seed": 0}
    record = {"name": "busi/linear/labels10/simclr/seed0", "params": params, "started": 1000.0}
    write_attempt(tmp_path, record | {"tags": {"stage": REGIME, "arm": "simclr", "task": TASK}})
    above, one = (read_run(tmp_path, files) for files in find_all(tmp_path, Call(since=999)))
    assert (above.name, above.status, above.started) == ("busi/linear/labels10/simclr", "SCHEDULED", 1_000_000)
    assert (one.status, one.above) == ("RUNNING", above.name)


def test_a_new_epoch_changes_nothing_of_the_run_of_a_cell(tmp_path):
    def marks():
        return {files.key: files.fingerprint for files in find_all(tmp_path, Call(since=999))}

    params = {"arm": "simclr", "task": TASK, "regime": REGIME, "labels": 100, "seed": 0}
    record = {"name": "busi/linear/simclr/seed0", "params": params, "started": 1000.0}
    write_attempt(tmp_path, record | {"tags": {"stage": REGIME, "arm": "simclr", "task": TASK}})
    before = marks()
    live = tmp_path / f"checkpoints/cells/{TASK}/{REGIME}/labels100/simclr/seed0/history.csv"
    write(live, pd.DataFrame({"epoch": [0], "fold": [0], "started": [1.0]}))
    assert [key for key, mark in marks().items() if before[key] != mark] == [
        "logs/busi-linear-simclr-seed0.attempt.json"
    ]


def test_the_main_level_has_the_names_and_the_others_names_of_their_own(tmp_path):
    levels = {"levels": ["patient", "frame"]}
    plan = PLAN._replace(tasks={TASK: PLAN.tasks[TASK] | {"levels": levels}})
    write_plan(tmp_path, plan)
    folders = [write_training(tmp_path, "simclr", seed) for seed in (0, 1)]
    for folder in folders:  # both frames of a group get one class, so that it can be a patient
        table = pd.read_parquet(folder / "predictions.parquet").assign(patient="")
        table["label"] = ["benign", "benign", "malignant", "malignant"] * 10
        table.to_parquet(folder / "predictions.parquet")
    frames = cases_of(folders, "classification")
    expected = intervals(at_level(frames, "patient"), "classification", draws=200, seed=0).set_index("metric")["mean"]
    provisional = runs(tmp_path)[CELL]
    assert provisional.metrics["test/macro_f1"] == pytest.approx(expected["macro_f1"])
    by_frame = intervals(frames, "classification", draws=200, seed=0).assign(level="frame")
    by_patient = intervals(at_level(frames, "patient"), "classification", draws=200, seed=0).assign(level="patient")
    write(tmp_path / STATISTICS / "intervals.csv", pd.concat([by_patient, by_frame]))
    prove(tmp_path, f"{STATISTICS}/cases.provenance.json", outcomes(tmp_path), [f"{STATISTICS}/intervals.csv"])
    scored = runs(tmp_path)[CELL]
    assert scored.metrics["test/macro_f1"] == pytest.approx(expected["macro_f1"])
    assert scored.metrics["test_frame/macro_f1"] == pytest.approx(by_frame.set_index("metric")["mean"]["macro_f1"])
    assert scored.state["rank"] == "1 of 1"
