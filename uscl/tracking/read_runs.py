"""Runs as the result files describe them: finished, failed, or still running."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from uscl.base.redaction import redacted
from uscl.base.tables import read_csv
from uscl.data.few_labels import labels_named
from uscl.jobs.attempts import RUNNING
from uscl.jobs.outcome import required
from uscl.jobs.recorded import checked
from uscl.jobs.run_record import read_record
from uscl.models.model_folder import fold_file
from uscl.stats.level_tables import main_level
from uscl.tracking.notes import training_note
from uscl.tracking.plan import read_plan
from uscl.tracking.result_tables import ResultTables
from uscl.tracking.run import KeptModel, Run
from uscl.tracking.run_files import RunFiles, live_history
from uscl.tracking.summary import cell_run, summary_run
from uscl.tracking.summary_files import GATHERED, SUMMARY

ENCODER_FILES = ("encoder.safetensors", "history.csv", "heads.safetensors", "pool_parts.csv", "pairs.csv")
KILLED = "killed from outside, for example because memory ran out"

# Columns of Snakemake's benchmark files, and what they are called here.
MEASURED = {"s": "wall_s", "cpu_time": "cpu_s", "mean_load": "cpu_percent", "max_rss": "memory_mib"}
MEASURED |= {"io_in": "read_mib", "io_out": "written_mib"}


def read_run(results: Path, files: RunFiles, tables: ResultTables | None = None) -> Run:
    """A run as its files describe it now. `tables` are shared by all runs that are read at about the same time.

    May raise any of several errors if a file is damaged or disappears during the call.
    """
    tables = tables or ResultTables(results)
    if files.key.startswith(f"{SUMMARY}/"):
        plan = read_plan(results)
        assert plan is not None
        run = summary_run(results, plan, files, tables)
    elif files.key.startswith(f"{GATHERED}/"):
        plan = read_plan(results)
        run = cell_run(results, files, tables, len(plan.seeds) if plan else None)
    else:
        run = with_note(single_run(results, files, tables))
    return replace(run, user=owner(files.file))


def single_run(results: Path, files: RunFiles, tables: ResultTables) -> Run:
    """The run of one encoder or of one training of a cell."""
    if files.attempt:
        return attempted_run(results, files.attempt, running=files.running)
    outcome, folder = required(files.file), files.file.parent
    if not outcome.done:
        record = outcome.record or bare_record(files)
        failed = {"status": "failed", "reason": outcome.reason}
        return attempted_run(results, {"log": "", "ended": None, **record, **failed})
    record, system = read_record(folder), system_metrics(files.more)
    if files.key.startswith("cells/"):
        run = cell_training(record, folder, files.more, tables, outcome.files)
    else:
        run = encoder_run(record, folder, files.more[0])
    return replace(run, metrics={**run.metrics, **costs(record), **system})


def with_note(run: Run) -> Run:
    """The run with a tag and a note that link to its encoder, unless it is one, or was made without one."""
    tags = run.record["tags"]
    if "task" not in tags or "features_sha256" in tags or "predictions_sha256" in tags:
        return run
    arm, seed = run.record["tags"]["arm"], run.record["params"]["seed"]
    return replace(run, state={"encoder_run": f"pretrain/{arm}/seed{seed}"}, note=training_note(arm, seed))


def owner(path: Path) -> str:
    """Who owns the files of a run; empty if the system doesn't know."""
    try:
        return path.owner()
    except (OSError, KeyError):
        return ""


def encoder_run(record: dict[str, Any], folder: Path, figures: Path) -> Run:
    """An encoder's run: its pretraining curves, if any, and all its files and figures."""
    history = folder / "history.csv"
    files = [checked(folder / name) for name in ENCODER_FILES if (folder / name).exists()]
    return Run(
        record,
        history=read_csv(history) if history.exists() else None,
        artifacts=(*files, *sorted(figures.glob("*.png")), *figures.glob("*.svg")),
    )


def cell_training(
    record: dict[str, Any], folder: Path, more: tuple[Path, ...], tables: ResultTables, files: Mapping[str, str]
) -> Run:
    """One training of a cell with every fold as its child, and its scores once the evaluation is scored.

    The record has `folds` with the start and end of each; history.csv has fold, and epoch or (for a probe) candidate;
    metrics.csv has arm, seed, fold, metric, value, and trainings.csv the scores over all folds; the folder of figures
    has fold<k>_*.png. `files` are those of the outcome, with their hashes.
    """
    scores = own_rows(more[0], folder, tables)
    whole = own_rows(more[0].with_name("trainings.csv"), folder, tables)
    # Predictions from a file have neither folds nor a history.
    rows = read_csv(checked(folder / "history.csv")) if record["folds"] else pd.DataFrame()
    history = rows.rename(columns={"candidate": "epoch"})  # MLflow's steps
    found = {f"test/{name}": value for name, value in zip(whole["metric"], whole["value"], strict=True)}
    over_folds = scores.groupby("metric", sort=False)["value"].agg(["mean", "std"])
    for name, mean, sd in over_folds.itertuples():
        found |= {f"folds/{name}_mean": mean, f"folds/{name}_sd": sd}
    folds = tuple(
        replace(fold_run(record, fold, history, scores, more[1:]), model=kept_model(folder, fold, files))
        for fold in range(len(record["folds"]))
    )
    return Run(record, metrics=found, children=folds)


def kept_model(folder: Path, fold: int, files: Mapping[str, str]) -> KeptModel | None:
    """The model of a fold, if it was kept and is still there."""
    name = fold_file(fold)
    return KeptModel(folder / name, files[name]) if name in files and (folder / name).is_file() else None


def own_rows(path: Path, folder: Path, tables: ResultTables) -> pd.DataFrame:
    """The rows of one training in a table of its evaluation, at the main level; no rows before it is scored."""
    if not path.exists():
        return pd.DataFrame({"fold": [], "metric": [], "value": []})
    table, (arm, seed) = main_level(tables.read(path)), folder.parts[-2:]
    return table[(table["arm"] == arm) & (table["seed"] == int(seed.removeprefix("seed")))]


def costs(record: dict[str, Any]) -> dict[str, float]:
    """What a run cost, as its record says."""
    known = {name: record[name] for name in ("training_s", "images", "peak_memory_mib") if name in record}
    return {f"cost/{name}": float(value) for name, value in known.items()}


def system_metrics(files: tuple[Path, ...]) -> dict[str, float]:
    """What Snakemake measured of the job of a run, under the names of MLflow's page for system metrics."""
    path = next((path for path in files if path.suffix == ".tsv" and path.exists()), None)
    if path is None:
        return {}
    row = pd.read_csv(path, sep="\t", na_values="-").iloc[-1]
    found = {f"system/{name}": row[column] for column, name in MEASURED.items() if column in row}
    return {name: float(value) for name, value in found.items() if pd.notna(value)}


def fold_run(
    record: dict[str, Any], fold: int, history: pd.DataFrame, scores: pd.DataFrame, figures: tuple[Path, ...]
) -> Run:
    """The run of one fold of a finished training."""
    of_fold, own = scores[scores["fold"] == fold], history[history["fold"] == fold].drop(columns=["fold"])
    chosen = own.loc[own["chosen"].astype(bool), "epoch"]
    metrics = {f"test/{name}": value for name, value in zip(of_fold["metric"], of_fold["value"], strict=True)}
    return Run(
        of_one_fold(record, fold) | record["folds"][fold],
        history=own,
        metrics=metrics | ({"chosen_step": float(chosen.iloc[0])} if len(chosen) else {}),
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
    history = read_csv(live) if current and live.stat().st_size > 1 else None
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
        params |= {"task": task, "regime": regime, "labels": labels_named(labels)}
    written = files.file.stat().st_mtime
    tags = {"stage": regime, "arm": arm} | ({"task": task} if task else {})
    return {"name": name, "params": params, "tags": tags, "started": written, "ended": written}


def experiment_of(run: Run) -> str:
    """The experiment of a run within its study: one per task, one for all encoders, one for the cells of the table."""
    return str(run.record.get("place") or run.record["tags"].get("task", "pretrain"))
