"""What the result files say of a run: the same whether it's logged by its own job or afterwards."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from uscl.base.redaction import redacted
from uscl.tracking.write_runs import Run

TABLES = ("history.csv", "heads.safetensors", "pool_parts.csv", "pairs.csv")
KILLED = "killed from outside, such as for want of memory"


def encoder_run(folder: Path) -> Run:
    """An encoder's run, from its folder: the curves of its pretraining if there was one, and all its files."""
    history = folder / "history.csv"
    files = [folder / name for name in ("encoder.safetensors", *TABLES)]
    pictures = sorted(path for ending in ("png", "svg") for path in (folder / "figures").glob(f"*.{ending}"))
    return Run(
        record_of(folder),
        history=pd.read_csv(history) if history.exists() else None,
        artifacts=(*(path for path in files if path.exists()), *pictures),
    )


def cell_run(folder: Path) -> Run:
    """A cell's run with the mean and sd of its scores, and every fold as its child, from the cell's folder.

    The record has `folds` with the start and end of each; history.csv has fold, and epoch or (of a probe) candidate;
    metrics.csv has fold, metric, value; figures/ has fold<k>_*.png.
    """
    record, scores = record_of(folder), pd.read_csv(folder / "metrics.csv")
    history = pd.read_csv(folder / "history.csv").rename(columns={"candidate": "epoch"})  # MLflow's steps
    summary = scores.groupby("metric")["value"].agg(["mean", "std"])
    # The MLflow pages can't aggregate over runs.
    means = {f"test_{name}_mean": value for name, value in summary["mean"].items()}
    deviations = {f"test_{name}_sd": value for name, value in summary["std"].items()}
    folds = tuple(fold_run(record, fold, history, scores, folder / "figures") for fold in range(len(record["folds"])))
    return Run(record, metrics=means | deviations, children=folds)


def fold_run(record: dict[str, Any], fold: int, history: pd.DataFrame, scores: pd.DataFrame, figures: Path) -> Run:
    """The run of one fold of a cell."""
    more = {"name": f"{record['name']}/fold{fold}", "params": record["params"] | {"fold": fold}}
    of_fold = scores[scores["fold"] == fold]
    return Run(
        record | record["folds"][fold] | more,
        history=history[history["fold"] == fold].drop(columns=["fold"]).astype({"chosen": int}),
        metrics={f"test_{row.metric}": row.value for row in of_fold.itertuples(index=False)},
        artifacts=tuple(sorted(figures.glob(f"fold{fold}_*.png"))),
    )


def failed_run(attempt: dict[str, Any]) -> Run:
    """The run of an attempt that didn't end well (see `uscl.jobs.attempts`), with its log."""
    log = Path(attempt["log"])
    ended = attempt["ended"] or (log.stat().st_mtime if log.exists() else attempt["started"])
    return Run(
        attempt | {"ended": max(ended, attempt["started"])},
        artifacts=(log,) if log.exists() else (),
        reason=redacted(attempt["reason"] or KILLED),
    )


def record_of(folder: Path) -> dict[str, Any]:
    """The record of the run that made a folder."""
    record: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return record


def experiment_name(study: str, run: Run) -> str:
    """The experiment that a run belongs to: that of its task, or of all encoders."""
    return f"{study}/{run.record['tags'].get('task', 'pretrain')}"


def finished_folders(results: Path) -> Iterator[tuple[Path, Path]]:
    """Folders of encoders and of scored and drawn cells, each with the file that its logging job leaves behind."""
    tracking = results / "tracking"
    for record in sorted(results.glob("encoders/*/seed*/run.json")):
        yield record.parent, tracking / "encoders" / f"{'-'.join(record.parts[-3:-1])}.json"
    for record in sorted(results.glob("cells/*/*/*/*/seed*/run.json")):
        if (record.parent / "metrics.csv").exists() and (record.parent / "figures").is_dir():
            yield record.parent, tracking / "cells" / f"{'-'.join(record.parts[-6:-1])}.json"
