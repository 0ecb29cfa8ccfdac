"""Arms, classes, tasks and studies whose names other programs read as something else, from the scores to every page."""

import json

import numpy as np
import pandas as pd
import pytest
import script_calls
from tracking.result_folders import write

from uscl.base.tables import read_csv
from uscl.jobs.outcome import write_done
from uscl.tracking.mirror import sync
from uscl.tracking.plan import NAME, Plan

ARMS = ["NA", "nan", "None", "true", "True", "007", "1e3", "proto__", "long_" * 12 + "name"]
CLASSES = ["NA", "007", "B-line (mild)", ">=3", "=1+1", "Ärzte/50 %_$x$", 'O\'Neill "x" <b>|', "x" * 200]
TASK, REGIME, STUDY, SEEDS = "1e3", "linear", "007", [0, 1]
EVALUATION = f"statistics/{TASK}-{REGIME}-labels100"
PRIMARY = {"arm": "NA", "reference": "007", "task": TASK, "regime": REGIME, "metric": "macro_f1"}
PRIMARY |= {"level": "frame"}


def run(script, results, params, **files):
    script_calls.run(script, results, params, TASK, {"seeds": SEEDS, "study": STUDY}, **files)


def cell(results, arm, seed):
    """A training that is done: its predictions are right more often for some arms than for others."""
    folder, rng = results / f"cells/{TASK}/{REGIME}/labels100/{arm}/seed{seed}", np.random.default_rng(seed)
    label = np.repeat(CLASSES, 6)
    p = rng.dirichlet(np.ones(len(CLASSES)), len(label))
    p[np.arange(len(label)), np.repeat(np.arange(len(CLASSES)), 6)] += rng.random(len(label)) * (1 + ARMS.index(arm))
    table = pd.DataFrame(
        {
            "case": [f"case{k}" for k in range(len(label))],
            "video": [f"-{k}.mp4" for k in range(len(label))],
            "patient": [f"=0{k // 2}" for k in range(len(label))],
            "group": [f"{k // 2:03}" for k in range(len(label))],
            "unit": "patient",
            "label": label,
            **{f"p_{name}": p[:, k] / p.sum(1) for k, name in enumerate(CLASSES)},
            "arm": arm,
            "task": TASK,
            "regime": REGIME,
            "labels": 100,
            "seed": seed,
            "fold": np.arange(len(label)) // 2 % 3,
        }
    )
    folder.mkdir(parents=True)
    table.to_parquet(folder / "predictions.parquet", index=False)
    history = {"epoch": [0, 0, 0], "validation_loss": 0.5, "chosen": True, "fold": [0, 1, 2]}
    write(folder / "history.csv", pd.DataFrame(history))
    params = {"arm": arm, "task": TASK, "regime": REGIME, "labels": 100, "seed": seed}
    tags = {"stage": REGIME, "arm": arm, "task": TASK}
    return finished(folder, f"{TASK}/{REGIME}/{arm}/seed{seed}", params, tags, "predictions.parquet", "history.csv")


def encoder(results, arm, seed):
    folder = results / f"encoders/{arm}/seed{seed}"
    write(folder / "encoder.safetensors", arm)
    tags = {"stage": "pretrain", "arm": arm}
    return finished(folder, f"pretrain/{arm}/seed{seed}", {"seed": seed}, tags, "encoder.safetensors")


def finished(folder, name, params, tags, *files):
    record = {
        "name": name,
        "params": params,
        "tags": tags,
        "started": 1000.0,
        "ended": 1010.0,
        "images": 10,
        "commit": "1234567",
        "config_sha256": "12e4567",
        "data_sha256": "00",
        "packages": {"torch": "2"},
        "hardware": {"cpu": "NA", "gpu": "none", "system": "Linux", "threads": "1"},
        "parameters": 5,
        "folds": [{"started": 1000.0, "ended": 1001.0, "cpu_s": 1.0}] * 3,
        "peak_memory_mib": 1.0,
    }
    write(folder / "run.json", record)
    write_done(folder, "k", [*files, "run.json"])
    return f"{folder}/outcome.json"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The results of a study with odd names, made by the scripts of its jobs."""
    results = tmp_path_factory.mktemp("project") / "results"
    with script_calls.process_as_before():
        make_all(results)
    return results


def make_all(results):
    cells, encoders = ([make(results, arm, seed) for arm in ARMS for seed in SEEDS] for make in (cell, encoder))
    common = {"arms": ARMS, "encoded": ARMS, "seeds": SEEDS, "evaluations": [[TASK, REGIME, ARMS]], "reference": "007"}
    pairs = [[arm, "007"] for arm in ARMS if arm != "007"]
    of_score = {"kind": "classification", "pairs": pairs, "form": "nested", "draws": 50, "seed": 0}
    of_score |= {"levels": {"levels": ["frame"]}, "native": {}}
    names = ("metrics", "trainings", "intervals", "comparisons")
    # A job's provenance is named after its first output, as in the rules.
    scored = {"cases": f"{EVALUATION}/cases.parquet"} | {name: f"{EVALUATION}/{name}.csv" for name in names}
    scored["side_by_side"] = f"{EVALUATION}/cases.csv"
    run("statistics/score.py", results, common | of_score, input={"outcomes": cells, "native": []}, output=scored)
    write(
        results / "audit/verdict.json",
        {"passed": True, "sentence": "No leak.", "leaks": {"null": "none"}, "leaky_splits": []},
    )
    of_table = {"study": STUDY, "datasets": {TASK: "null"}, "primary": [PRIMARY], "margins": {}, "simulated": False}
    of_table |= {"given": [], "external": []}
    of_table |= {"labelled": [], "authors_tasks": [], "inputs": {arm: ["resnet18", 64] for arm in ARMS}, "missing": []}
    of_table |= {"remarks": {arm: [] for arm in ARMS}, "methods": dict.fromkeys(ARMS, "imagenet")}
    inputs = {
        "intervals": [scored["intervals"]],
        "comparisons": [scored["comparisons"]],
        "authors": [],
        "endpoints": [],
        "external_intervals": [],
        "external_comparisons": [],
    }
    inputs |= {"cells": cells, "encoders": encoders, "verdict": "audit/verdict.json"}
    made = {"csv": "table.csv"} | {name: f"{name}.csv" for name in ("claims", "costs", "reported")}
    made |= {"claims_markdown": "claims.md", "reported_markdown": "reported.md", "markdown": "table.md"}
    regimes = {"regimes": {REGIME: "a probe"}}
    run("report/table.py", results, common | of_table | regimes, input=inputs, output=made | {"latex": "table.tex"})
    figures = ["overview", "differences", "cost", "variance"]
    of_figures = {"kinds": {TASK: "classification"}, "main": {TASK: REGIME}, "levels": {TASK: "frame"}, "gpu": False}
    inputs = {"table": "table.csv", "costs": "costs.csv", "claims": "claims.csv", "external": []}
    drawn = {name: f"figures/{name}.png" for name in figures}
    run("report/study_figures.py", results, common | of_figures, input=inputs, output=drawn)
    write(results / "data_cards/null.md", "# A set\n")
    asked = {"study": STUDY, "tasks": [TASK], "primary": [PRIMARY], "encoder": "resnet18", "frame_size": 64}
    asked |= {"seeds": SEEDS, "simulated": False} | regimes
    inputs |= {"cells": cells, "encoders": encoders, "claims_text": "claims.md"}
    pages = {"page": "report.html", "table": "table.html", "claims": "claims.html"}
    more = {"asked": asked, "datasets": ["null"], "figures": figures}
    run("report/report_page.py", results, common | more, input=inputs, output=pages)


def test_the_tables_have_all_names_as_they_are(results):
    table, claims, costs = (read_csv(results / f"{name}.csv") for name in ("table", "claims", "costs"))
    assert list(dict.fromkeys(table["arm"])) == ARMS
    assert set(table["task"]) == {TASK}
    assert {f"f1_{name}" for name in CLASSES} <= set(table["metric"])
    assert table["mean"].notna().all()
    assert (set(table["commit"]), set(table["config_sha256"]), set(table["cpu"])) == ({"1234567"}, {"12e4567"}, {"NA"})
    assert set(table["seeds"]) == {"0 1"}
    assert {*claims["arm"], "007"} == set(ARMS) == set(costs["arm"])
    assert claims.loc[claims["primary"], "arm"].unique().tolist() == ["NA"]


@pytest.mark.parametrize("page", ["report.html", "table.html", "claims.html", "table.md", "claims.md", "table.tex"])
def test_every_page_shows_every_arm_and_no_markup_of_a_class(results, page):
    text = (results / page).read_text(encoding="utf-8")
    plain = text.replace("\\_", "_") if page.endswith(".tex") else text.replace("\\", "")
    assert [arm for arm in ARMS if arm not in plain] == []
    if page.endswith(".html"):
        assert 'O\'Neill "x" <b>|' not in text


def test_mlflow_has_all_runs_under_their_names(results, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    from uscl.tracking.store import opened

    tasks = {TASK: {"dataset": "null", "kind": "classification", "regimes": [REGIME], "levels": {"levels": ["frame"]}}}
    arms = dict.fromkeys(ARMS, "imagenet")
    plan = Plan(
        STUDY, arms, SEEDS, tasks, {REGIME: "a probe"}, "007", [PRIMARY], dict.fromkeys(ARMS, "resnet18"), False, 50
    )
    (results / NAME).parent.mkdir(exist_ok=True)
    (results / NAME).write_text(json.dumps(plan._asdict()))
    message = sync(results, None, STUDY)
    assert "Not in MLflow" not in message
    with opened(f"sqlite:///{results / 'mlflow.db'}") as client:
        runs = client.search_runs([each.experiment_id for each in client.search_experiments()])
        found = {run.data.tags["uscl.key"]: run for run in runs}
    assert {f"pretrain/{arm}/seed{seed}" for arm in ARMS for seed in SEEDS} <= found.keys()
    assert {f"{TASK}/{REGIME}/{arm}/seed{seed}" for arm in ARMS for seed in SEEDS} <= found.keys()
    assert {run.info.status for run in runs} == {"FINISHED"}
    metrics = found[f"{TASK}/{REGIME}/NA/seed0"].data.metrics
    assert {"test/f1_B-line _mild_", "test/f1___3", "test/f1_007"} <= metrics.keys()
    assert len([name for name in metrics if name.startswith("test/f1_")]) == len(CLASSES)
