"""Results folders as the jobs of a study leave them, without any training."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

CELL = ("pocus", "finetune", 100, "simclr", 0)
CELL_NAME = "pocus/finetune/simclr/seed0"


def record(name: str, tags: dict[str, str], params: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The record of a run, as `uscl.jobs.run_record` writes it."""
    given = {"name": name, "params": params, "tags": tags}
    made = {"commit": "abc", "config_sha256": "c", "data_sha256": "d", "hardware": {"cpu": "a processor"}}
    times = {"started": 1000.0, "ended": 1010.5}
    return given | made | times | more


def encoder_record(arm: str, seed: int = 0, **more: Any) -> dict[str, Any]:
    """The record of an encoder's run."""
    tags = {"stage": "pretrain", "arm": arm}
    return record(f"pretrain/{arm}/seed{seed}", tags, {"seed": seed, "optimizer": {"lr": 0.1}}, **more)


def cell_record(cell: tuple = CELL, **more: Any) -> dict[str, Any]:
    """The record of a cell's run."""
    task, regime, labels, arm, seed = cell
    share = "" if labels == 100 else f"/labels{labels}"
    params = {"arm": arm, "task": task, "regime": regime, "labels": labels, "seed": seed}
    return record(
        f"{task}/{regime}{share}/{arm}/seed{seed}", {"stage": regime, "arm": arm, "task": task}, params, **more
    )


def write(path: Path, content: Any) -> Path:
    """A file of text, JSON or a table, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, pd.DataFrame):
        content.to_csv(path, index=False)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def finish(folder: Path) -> Path:
    """The outcome of a run that is done."""
    write(folder / "outcome.json", {"status": "done", "reason": None, "key": "k", "files": {}})
    return folder


def write_encoder(results: Path, arm: str = "simclr", seed: int = 0, epochs: int = 3, **more: Any) -> Path:
    """The folder of a pretrained encoder."""
    folder = results / f"encoders/{arm}/seed{seed}"
    write(folder / "run.json", encoder_record(arm, seed, **more))
    write(folder / "history.csv", pd.DataFrame({"epoch": range(epochs), "loss": [3.0 - k for k in range(epochs)]}))
    for name in ("encoder.safetensors", "heads.safetensors", "pairs.csv", "encoder.provenance.json"):
        write(folder / name, f"{name} of {arm}")
    return finish(folder)


def draw_encoder(results: Path, arm: str = "simclr", seed: int = 0) -> None:
    """The figures of a pretraining."""
    for name in ("curve.png", "curve.svg"):
        write(results / f"figures/pretraining/seed{seed}/{arm}/{name}", "a figure")


def history_of(folds: int, epochs: int) -> pd.DataFrame:
    """The history of a cell."""
    rows = [(epoch, 2.0 * fold + epoch, epoch == 0, fold) for fold in range(folds) for epoch in range(epochs)]
    return pd.DataFrame(rows, columns=["epoch", "train_loss", "chosen", "fold"])


def write_cell(results: Path, cell: tuple = CELL, folds: int = 2, epochs: int = 2, **more: Any) -> Path:
    """The folder of a cell that is done, but neither scored nor drawn."""
    task, regime, labels, arm, seed = cell
    folder = results / f"cells/{task}/{regime}/labels{labels}/{arm}/seed{seed}"
    times = [{"started": 1001.0 + k, "ended": 1002.0 + k} for k in range(folds)]
    write(folder / "run.json", cell_record(cell, folds=times, **more))
    write(folder / "history.csv", history_of(folds, epochs))
    write(folder / "predictions.parquet", "predictions")
    return finish(folder)


def score(results: Path, *cells: tuple, folds: int = 2, metrics: tuple[str, ...] = ("accuracy",)) -> Path:
    """The metrics of an evaluation: 0.6, 0.8, ... in its folds."""
    rows = [
        (arm, task, regime, labels, seed, fold, metric, 0.6 + 0.2 * fold)
        for task, regime, labels, arm, seed in cells or (CELL,)
        for fold in range(folds)
        for metric in metrics
    ]
    _, task, regime, labels, *_ = rows[0]
    columns = ["arm", "task", "regime", "labels", "seed", "fold", "metric", "value"]
    path = results / f"statistics/{task}-{regime}-labels{labels}/metrics.csv"
    whole = [(arm, seed, metric, 0.75) for _, _, _, arm, seed in cells or (CELL,) for metric in metrics]
    write(path.with_name("trainings.csv"), pd.DataFrame(whole, columns=["arm", "seed", "metric", "value"]))
    return write(path, pd.DataFrame(rows, columns=columns))


def draw(results: Path, cell: tuple = CELL, folds: int = 2) -> None:
    """The figures of a cell."""
    task, regime, _, arm, seed = cell
    for fold in range(folds):
        write(results / f"figures/{task}-{regime}/cells/{arm}-seed{seed}/fold{fold}_curve.png", "a figure")


def fail(folder: Path, reason: str, record: dict[str, Any] | None = None) -> None:
    """The outcome of a run that failed through an error of its own."""
    outcome = {"status": "failed", "reason": reason, "key": "k", "files": {}}
    write(folder / "outcome.json", outcome | ({"record": record} if record else {}))


def write_attempt(results: Path, record: dict[str, Any], **more: Any) -> Path:
    """The file of an attempt at a run, next to its log."""
    stem = results / "logs" / record["name"].replace("/", "-")
    write(stem.with_suffix(".log"), "the log")
    attempt = {"status": "running", "reason": None, "log": str(stem.with_suffix(".log")), "caller": None}
    return write(stem.with_suffix(".attempt.json"), record | attempt | {"ended": None} | more)
