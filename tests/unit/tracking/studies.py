"""A small study in its results folder, at any point of its way: cells with predictions, scores, a table with claims."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from tests.unit.tracking.result_folders import finish, write, write_cell
from uscl.base.files import file_sha256
from uscl.stats.evaluation import cases_of, fold_metrics
from uscl.stats.summary import intervals
from uscl.tracking.plan import NAME, Plan

ARMS, SEEDS, TASK, REGIME = ("imagenet", "simclr"), (0, 1), "busi", "linear"
PLAN = Plan(
    study="study",
    arms={arm: arm for arm in ARMS},
    seeds=list(SEEDS),
    tasks={TASK: {"dataset": "breasts", "kind": "classification", "regimes": [REGIME]}},
    titles={REGIME: "logistic regression"},
    reference="imagenet",
    primary=[{"arm": "simclr", "reference": "imagenet", "task": TASK, "regime": REGIME, "metric": "macro_f1"}],
    encoders=dict.fromkeys(ARMS, "resnet18"),
    simulated=True,
    draws=200,
)
STATISTICS = f"statistics/{TASK}-{REGIME}-labels100"
CLAIM = {"difference": -0.25, "p": 0.0002, "p_holm": 0.0002, "verdict": "worse", "sentence": "simclr is worse."}


def write_plan(results: Path, plan: Plan = PLAN) -> None:
    """The plan of the study."""
    write(results / NAME, plan._asdict())


def write_training(results: Path, arm: str, seed: int, right: float = 0.8) -> Path:
    """A training of a cell that is done, with predictions of which a share is right."""
    folder = write_cell(results, (TASK, REGIME, 100, arm, seed), started=1000.0 + seed, ended=1010.0 + seed)
    rng = np.random.default_rng([seed, len(arm)])
    label = np.array(["benign", "malignant"] * 20)
    p = np.where(rng.random(40) < right, 0.9, 0.1)
    table = pd.DataFrame(
        {
            "case": [f"case{k}" for k in range(40)],
            "video": [f"video{k}" for k in range(40)],
            "group": [f"group{k // 2}" for k in range(40)],
            "unit": "patient",
            "label": label,
            "p_benign": np.where(label == "benign", p, 1 - p),
            "p_malignant": np.where(label == "benign", 1 - p, p),
            "arm": arm,
            "task": TASK,
            "regime": REGIME,
            "labels": 100,
            "seed": seed,
            "fold": np.arange(40) // 20,
        }
    )
    table.to_parquet(folder / "predictions.parquet", index=False)
    return finish(folder)


def write_all(results: Path) -> None:
    """Every training of every arm."""
    for arm, right in zip(ARMS, (0.95, 0.7), strict=True):
        for seed in SEEDS:
            write_training(results, arm, seed, right)


def outcomes(results: Path) -> list[Path]:
    """The outcomes of all trainings that there are."""
    return sorted((results / "cells").rglob("outcome.json"))


def score_study(results: Path) -> pd.DataFrame:
    """The statistics of the evaluation, as the job that scores it leaves them."""
    cases = cases_of([path.parent for path in outcomes(results)], "classification")
    table = intervals(cases, "classification", draws=200, seed=0)
    write(results / STATISTICS / "intervals.csv", table)
    write(results / STATISTICS / "metrics.csv", fold_metrics(cases, "classification"))
    prove(results, f"{STATISTICS}/cases.provenance.json", outcomes(results), [f"{STATISTICS}/intervals.csv"])
    return table


def judge(results: Path) -> None:
    """The table and the claims of the study, as the job that writes them leaves them."""
    scored = pd.read_csv(results / STATISTICS / "intervals.csv").assign(task=TASK, regime=REGIME)
    table = scored.assign(rank=1, reference="imagenet", difference=0.0, better_than=None)
    claim = {"arm": "simclr", "reference": "imagenet", "task": TASK, "regime": REGIME, "metric": "macro_f1"}
    costs = [{"arm": arm, "task": TASK, "regime": REGIME, "images": 40, "training_s": 2.5} for arm in ARMS]
    names = ("table.csv", "claims.csv", "costs.csv")
    tables = (table, pd.DataFrame([claim | CLAIM | {"primary": True}]), pd.DataFrame(costs))
    for name, content in zip(names, tables, strict=True):
        write(results / name, content)
    write(results / "claims.md", "# What is shown")
    prove(results, "table.provenance.json", [results / STATISTICS / "intervals.csv", *outcomes(results)], list(names))


def prove(results: Path, name: str, inputs: list[Path], outputs: list[str]) -> None:
    """The provenance of a job, with names relative to the folder of its call, as `uscl.jobs.job_record` writes it."""
    made_from = {f"results/{path.relative_to(results)}": file_sha256(path) for path in inputs}
    made = {f"results/{output}": file_sha256(results / output) for output in outputs}
    write(results / name, json.dumps({"inputs": made_from, "outputs": made}))
