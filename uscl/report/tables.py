"""Result tables from the metrics of all cells."""

import math
from collections.abc import Collection

import pandas as pd

MARK = "†"
TITLES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro-F1",
    "auroc": "AUROC",
    "dice": "Dice",
    "iou": "IoU",
    "zero_dice_share": "images with Dice 0",
}


def summarise(scores: pd.DataFrame, labelled: Collection[str]) -> pd.DataFrame:
    """One row an arm x task x metric: mean, standard deviation (n - 1) and number of fold x seed scores.

    `scores` has arm, task, seed, fold, metric, value. `labelled` are the arms that see class labels of the pool (column
    `pool_labels`). Arms, tasks and metrics keep the order of their first appearance. The standard deviation of a single
    score is NaN.
    """
    by_cell = scores.groupby(["arm", "task", "metric"], sort=False)["value"]
    table = by_cell.agg(mean="mean", sd="std", n="count").reset_index()
    table.insert(1, "pool_labels", table["arm"].isin(labelled))
    return table


def markdown(table: pd.DataFrame, study: str) -> str:
    """The table for reading: one part a task, one line an arm, mean ± sd in percent."""
    parts = [f"# Results of the study `{study}`"]
    for task, rows in table.groupby("task", sort=False):
        parts += [f"## {task}", grid(rows)]
    if table["pool_labels"].any():
        parts.append(f"{MARK} sees class labels of the pretraining pool, which the other arms do not.")
    parts.append(
        "Mean ± standard deviation in percent over folds and seeds, each scored on its test part alone. Scores of folds"
        " share training data, so the spread is no standard error: no arm is shown to be better by this table. Dice and"
        " IoU are those of masks at the study's frame size, not at the size of the source image."
    )
    return "\n\n".join(parts) + "\n"


def grid(rows: pd.DataFrame) -> str:
    """A Markdown table of one task: arms down, metrics across."""
    metrics = list(rows["metric"].unique())
    cells = {(row["arm"], row["metric"]): cell(row["mean"], row["sd"]) for _, row in rows.iterrows()}
    lines = [["arm", *(TITLES.get(metric, metric) for metric in metrics), "n"], ["---"] * (len(metrics) + 2)]
    for arm, of_arm in rows.groupby("arm", sort=False):
        mark = f" {MARK}" if of_arm["pool_labels"].any() else ""
        lines.append([f"{arm}{mark}", *(cells.get((arm, metric), "") for metric in metrics), str(of_arm["n"].max())])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(mean: float, sd: float) -> str:
    """One figure in percent.

    >>> cell(0.5, 0.025), cell(0.5, float("nan")), cell(float("nan"), float("nan"))
    ('50.0 ± 2.5', '50.0', 'undefined')
    """
    if math.isnan(mean):
        return "undefined"
    return f"{100 * mean:.1f}" + ("" if math.isnan(sd) else f" ± {100 * sd:.1f}")
