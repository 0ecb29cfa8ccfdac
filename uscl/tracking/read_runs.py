"""Runs as the result files describe them: finished, failed, or still running."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from uscl.base.redaction import redacted
from uscl.jobs.attempts import RUNNING
from uscl.tracking.run_files import RunFiles, live_history
from uscl.tracking.write_runs import Run

ENCODER_FILES = ("encoder.safetensors", "history.csv", "heads.safetensors", "pool_parts.csv", "pairs.csv")
KILLED = "killed from outside, for example because memory ran out"

ReadMetrics = Callable[[Path], pd.DataFrame]


def read_run(results: Path, files: RunFiles, read_metrics: ReadMetrics = pd.read_csv) -> Run:
    """A run as its files describe it now. `read_metrics` reads the metrics.csv that all cells of an evaluation share.

    May raise any of several errors if a file is damaged or disappears during the call.
    """
    if files.attempt:
        return attempted_run(results, files.attempt, running=files.running)
    outcome, folder = json.loads(files.file.read_text(encoding="utf-8")), files.file.parent
    if outcome["status"] == "failed":
        record = outcome.get("record") or bare_record(files)
        failed = {"status": "failed", "reason": outcome["reason"]}
        return attempted_run(results, {"log": "", "ended": None} | record | failed)
    if files.key.startswith("cells/"):
        return cell_run(folder, files.more, read_metrics)
    return encoder_run(folder, files.more[0])


def encoder_run(folder: Path, figures: Path) -> Run:
    """An encoder's run: its pretraining curves, if any, and all its files and figures."""
    history = folder / "history.csv"
    files = [folder / name for name in ENCODER_FILES]
    return Run(
        record_of(folder),
        history=pd.read_csv(history) if history.exists() else None,
        artifacts=(*(path for path in files if path.exists()), *sorted(figures.glob("*.png")), *figures.glob("*.svg")),
    )


def cell_run(folder: Path, more: tuple[Path, ...], read_metrics: ReadMetrics = pd.read_csv) -> Run:
    """A cell's run with every fold as its child, and the mean and sd of its scores once it is scored.

    The record has `folds` with the start and end of each; history.csv has fold, and epoch or (for a probe) candidate;
    metrics.csv has arm, seed, fold, metric, value; the folder of figures has fold<k>_*.png.
    """
    record, scores = record_of(folder), cell_scores(folder, more[0], read_metrics)
    history = pd.read_csv(folder / "history.csv").rename(columns={"candidate": "epoch"})  # MLflow's steps
    summary = scores.groupby("metric", sort=False)["value"].agg(["mean", "std"])
    # MLflow's pages can't aggregate over runs.
    means = {f"test_{name}_mean": value for name, value in summary["mean"].items()}
    deviations = {f"test_{name}_sd": value for name, value in summary["std"].items()}
    folds = tuple(fold_run(record, fold, history, scores, more[1:]) for fold in range(len(record["folds"])))
    return Run(record, metrics=means | deviations, children=folds)


def cell_scores(folder: Path, metrics: Path, read_metrics: ReadMetrics) -> pd.DataFrame:
    """The rows of one cell in the metrics of its evaluation; no rows before it is scored."""
    if not metrics.exists():
        return pd.DataFrame({"fold": [], "metric": [], "value": []})
    table, (arm, seed) = read_metrics(metrics), folder.parts[-2:]
    return table[(table["arm"] == arm) & (table["seed"] == int(seed.removeprefix("seed")))]


def fold_run(
    record: dict[str, Any], fold: int, history: pd.DataFrame, scores: pd.DataFrame, figures: tuple[Path, ...]
) -> Run:
    """The run of one fold of a finished cell."""
    of_fold = scores[scores["fold"] == fold]
    return Run(
        of_one_fold(record, fold) | record["folds"][fold],
        history=history[history["fold"] == fold].drop(columns=["fold"]).astype({"chosen": int}),
        metrics={f"test_{name}": value for name, value in zip(of_fold["metric"], of_fold["value"], strict=True)},
        artifacts=tuple(path for folder in figures for path in sorted(folder.glob(f"fold{fold}_*.png"))),
    )


def of_one_fold(record: dict[str, Any], fold: int) -> dict[str, Any]:
    """A cell's record turned into the record of one of its folds."""
    return record | {"name": f"{record['name']}/fold{fold}", "params": record["params"] | {"fold": fold}}


def attempted_run(results: Path, attempt: dict[str, Any], *, running: bool = False) -> Run:
    """The run of an attempt that is running or did not succeed (see `uscl.jobs.attempts`), with its curves so far."""
    live, log = live_history(results, attempt), Path(attempt["log"])
    # An older file holds the history of an earlier attempt.
    current = live.exists() and live.stat().st_mtime >= attempt["started"]
    history = pd.read_csv(live) if current and live.stat().st_size > 1 else None
    if running:
        return with_history(Run(attempt, running=True), history)
    log_exists = attempt["log"] and log.exists()
    ended = attempt["ended"] or (log.stat().st_mtime if log_exists else attempt["started"])
    record = attempt | {"ended": max(ended, attempt["started"])}
    reason = KILLED if attempt["status"] == RUNNING else attempt["reason"] or KILLED
    return with_history(Run(record, artifacts=(log,) if log_exists else (), reason=redacted(reason)), history)


def with_history(run: Run, history: pd.DataFrame | None) -> Run:
    """A run with the curves that exist so far: its own, or those of its folds."""
    if history is None or "fold" not in history:
        return replace(run, history=history)
    folds = []
    for fold, rows in history.groupby("fold"):
        record = of_one_fold(run.record, int(fold)) | {"started": float(rows["started"].iloc[0])}
        folds.append(replace(run, record=record, history=rows.drop(columns=["fold", "started"]), artifacts=()))
    return replace(run, children=tuple(folds))


def bare_record(files: RunFiles) -> dict[str, Any]:
    """A record for a run that failed before it had one: its path in the results identifies it."""
    *place, arm, seed = files.key.split("/")[1:-1]
    task, regime, labels = place or (None, "pretrain", "labels100")
    share = [labels] if labels != "labels100" else []
    name = "/".join([task, regime, *share, arm, seed] if task else [regime, arm, seed])
    params: dict[str, Any] = {"arm": arm, "seed": int(seed.removeprefix("seed"))}
    if task:
        params |= {"task": task, "regime": regime, "labels": int(labels.removeprefix("labels"))}
    written = files.file.stat().st_mtime
    tags = {"stage": regime, "arm": arm} | ({"task": task} if task else {})
    return {"name": name, "params": params, "tags": tags, "started": written, "ended": written}


def record_of(folder: Path) -> dict[str, Any]:
    """The record of the run that made a folder."""
    record: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return record


def experiment_name(study: str, run: Run) -> str:
    """The name of a run's experiment: one per task, and one for all encoders."""
    return f"{study}/{run.record['tags'].get('task', 'pretrain')}"
