"""The runs in a results folder, with a fingerprint that shows whether their files have changed since they were logged.

Imports neither MLflow nor pandas: a call checks thousands of runs every few seconds.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from uscl.jobs.attempts import RUNNING, read
from uscl.jobs.interruption import CALLER
from uscl.jobs.live_history import NAME

ATTEMPTED = {"name", "params", "tags", "started", "log", "ended", "reason"}  # the keys of an attempt at a run
# Raise this when the same files are logged in another form.
LAYOUT = "4"
ALL_LABELS = "labels100"  # only for these are figures of single cells drawn


class RunFiles(NamedTuple):
    """The files of one run: `file` is the outcome.json of a finished or failed run, else the file of an attempt.

    `key` is the path of `file` relative to the results folder. Only an attempt can be `running`. `fingerprint` changes
    whenever one of the run's files does. `more` holds the folders and files outside the run's own folder.
    """

    key: str
    file: Path
    fingerprint: str
    attempt: dict[str, Any] | None = None
    running: bool = False
    more: tuple[Path, ...] = ()


class Call(NamedTuple):
    """The call that tracks its runs: jobs that began after `since` belong to it, and run until it is `over`."""

    since: float = float("inf")
    over: bool = False


def find_runs(results: Path, call: Call) -> list[RunFiles]:
    """All runs of a results folder: encoders, then cells, then attempts that are running or did not succeed."""
    outcomes = [*outcomes_below(results / "encoders", 2), *outcomes_below(results / "cells", 5)]
    finished = (of_outcome(results, path) for path in outcomes)
    attempts = (of_attempt(results, path, call) for path in sorted((results / "logs").rglob("*.attempt.json")))
    return [run for run in (*finished, *attempts) if run]


def outcomes_below(folder: Path, depth: int) -> Iterator[Path]:
    """Every outcome.json exactly `depth` folders below `folder`, in alphabetical order."""
    if depth == 0:
        path = folder / "outcome.json"
        if path.exists():
            yield path
        return
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    except OSError:  # the folder does not exist, or no longer exists
        return
    for name in names:
        yield from outcomes_below(folder / name, depth - 1)


def of_outcome(results: Path, path: Path) -> RunFiles:
    """The run of an outcome.json; the files that scoring and drawing add to it are in other folders."""
    key = key_of(results, path)
    more = cell_extras(results, path.parent) if key.startswith("cells/") else encoder_extras(results, path.parent)
    more = (*more, *benchmarks(results, path.parent))
    return RunFiles(key, path, fingerprint(path, *more), more=more)


def encoder_extras(results: Path, folder: Path) -> tuple[Path, ...]:
    """The figures of a pretraining."""
    arm, seed = folder.parts[-2:]
    return (results / "figures/pretraining" / seed / arm,)


def cell_extras(results: Path, folder: Path) -> tuple[Path, ...]:
    """The metrics of a cell's evaluation and the figures of the cell."""
    task, regime, labels, arm, seed = folder.parts[-5:]
    metrics = results / "statistics" / f"{task}-{regime}-{labels}" / "metrics.csv"
    figures = results / "figures" / f"{task}-{regime}" / "cells" / f"{arm}-{seed}"
    return (metrics, figures) if labels == ALL_LABELS else (metrics,)


def benchmarks(results: Path, folder: Path) -> list[Path]:
    """The files in which Snakemake may have written what the job of a run cost, given the run's folder."""
    kind, *place = folder.relative_to(results).parts
    rules = ("finetune", "probe", "given_predictions") if kind == "cells" else ("pretrain", "published_encoder")
    return [results / "benchmarks" / rule / f"{'-'.join(place)}.tsv" for rule in rules]


def of_attempt(results: Path, path: Path, call: Call) -> RunFiles | None:
    """The run of an attempt; None for jobs that make no run, and once there is an outcome."""
    attempt = read(path)
    if not attempt or not attempt.keys() >= ATTEMPTED or ended(results, attempt):
        return None
    same_call = attempt.get("caller") == os.environ.get(CALLER, "") or attempt["started"] >= call.since
    running = attempt["status"] == RUNNING and same_call and not call.over
    live = live_history(results, attempt)
    marks = f"{fingerprint(path, live)} {running}"
    return RunFiles(key_of(results, path), path, marks, attempt, running, (live,))


def ended(results: Path, attempt: dict[str, Any]) -> bool:
    """Whether an attempt has an outcome: the file of the attempt is then about to be removed."""
    outcome = results / ("cells" if "task" in attempt["tags"] else "encoders") / place_of(attempt) / "outcome.json"
    return outcome.exists() and outcome.stat().st_mtime >= attempt["started"]


def live_history(results: Path, record: dict[str, Any]) -> Path:
    """The file to which a training run writes its history epoch by epoch (see `uscl.jobs.live_history`)."""
    return results / "checkpoints" / ("cells" if "task" in record["tags"] else "") / place_of(record) / NAME


def place_of(record: dict[str, Any]) -> Path:
    """The path of a run's folder relative to the folder of all encoders, or of all cells."""
    arm, params = str(record["tags"]["arm"]), record["params"]
    cell = [params["task"], params["regime"], f"labels{params['labels']}"] if "task" in record["tags"] else []
    return Path(*cell, arm, f"seed{params['seed']}")


def fingerprint(*paths: Path) -> str:
    """A short hash of the sizes and modification times of files and folders."""
    marks = []
    for path in paths:
        try:
            found = path.stat()
            marks.append((found.st_mtime_ns, found.st_size))
        except OSError:
            marks.append((0, 0))
    return hashlib.sha256(repr(marks).encode()).hexdigest()[:16]


def key_of(results: Path, path: Path) -> str:
    """A file's path relative to the results folder."""
    return path.relative_to(results).as_posix()
