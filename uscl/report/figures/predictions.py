"""Figures of a cell's stored predictions: confusion matrix, segmentation overlays."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.metrics import ConfusionMatrixDisplay

from uscl.data.picture_box import Box, boxes_of
from uscl.data.store import FrameStore
from uscl.metrics.masks import dice
from uscl.metrics.scores import case_scores, class_names, structure_masks
from uscl.metrics.structure_columns import mask_columns
from uscl.report.figures.lesions import EXPLANATION, name_structures, of_row, outlined
from uscl.report.figures.style import PAGE, plt, save, wrapped
from uscl.report.figures.training import choice_curve, learning_curve


def confusion(predictions: pd.DataFrame, title: str) -> Figure:
    """Confusion matrix of one fold's test part, counts of cases."""
    classes = class_names(predictions)
    cases = case_scores(predictions, "classification")
    figure, axis = plt.subplots(figsize=(4, 3.6), layout="constrained")
    ConfusionMatrixDisplay.from_predictions(
        cases["label"].to_numpy(dtype=str),
        cases["predicted"].to_numpy(dtype=str),
        labels=classes,
        cmap="Blues",
        colorbar=False,
        ax=axis,
    )
    axis.set_title(wrapped(title, 40))
    return figure


def overlays(predictions: pd.DataFrame, frames: np.ndarray, boxes: Sequence[Box], title: str) -> Figure:
    """Best, median and worst segmented test images.

    `frames` [n, height, width] and the `boxes` of their pictures belong to the predictions' rows.
    """
    predicted, true = structure_masks(predictions, "predicted"), structure_masks(predictions, "true")
    scores = np.mean([dice(predicted[name], true[name]) for name in true], axis=0)
    order = np.argsort(-scores, kind="stable")
    shown = {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]}
    figure, axes = plt.subplots(1, 3, figsize=(PAGE, 3.2), layout="constrained")
    for axis, (rank, index) in zip(axes, shown.items(), strict=True):
        outlined(axis, boxes[index], frames[index], of_row(true, index), of_row(predicted, index))
        axis.set(title=f"{rank}: Dice {scores[index]:.2f}", xticks=[], yticks=[])
    figure.suptitle(f"{wrapped(title, 80)}\n{EXPLANATION}")
    name_structures(figure, true)
    return figure


def draw_cell(predictions: pd.DataFrame, history: pd.DataFrame | None, store: FrameStore, folder: Path) -> None:
    """Draw every fold of a cell into `folder`: fold<k>_learning_curve.png and fold<k>_predictions.png.

    The curve of a probe is over its settings instead of epochs; predictions from a file have no history and no curve.
    """
    rows = store.manifest.set_index("case")["row"]
    cell = ["task", "regime", "labels", "arm", "seed", "fold"]
    for (task, regime, labels, arm, seed, fold), part in predictions.groupby(cell):
        share = "" if labels == 100 else f", {labels} % of the labels"
        title = f"{arm} on {task} ({regime}{share}), seed {seed}, fold {fold}"
        if mask_columns(part):
            of_part = rows.loc[part["case"]].to_numpy()
            boxes = boxes_of(store.manifest.iloc[of_part])
            score_name, shown = "mean Dice", overlays(part, store.frames[of_part], boxes, title)
        else:
            score_name, shown = "balanced accuracy", confusion(part, title)
        save(shown, folder / f"fold{fold}_predictions.png")
        if history is None:
            continue
        of_fold = history[history["fold"] == fold]
        curve = learning_curve(of_fold, score_name, title) if "epoch" in history else choice_curve(of_fold, title)
        save(curve, folder / f"fold{fold}_learning_curve.png")
