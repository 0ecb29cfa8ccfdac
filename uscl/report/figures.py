"""Figures of one run: learning curves, confusion matrix, segmentation overlays."""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from sklearn.metrics import ConfusionMatrixDisplay

from uscl.data.store import FrameStore
from uscl.files import written
from uscl.metrics import class_names, masks_of
from uscl.overlap import dice

# Okabe and Ito's colours, told apart by colour-blind readers and in print.
BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, without the date that would make equal figures differ."""
    with written(path) as beside:
        figure.savefig(beside, dpi=120, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)


def pretraining_curve(history: pd.DataFrame, title: str) -> Figure:
    """Loss and learning rate by epoch."""
    figure, axis = plt.subplots(figsize=(5, 3.2), layout="constrained")
    axis.plot(history["epoch"], history["loss"], color=BLUE)
    axis.set(xlabel="epoch", title=title)
    axis.set_ylabel("loss", color=BLUE)
    rate = axis.twinx()
    rate.plot(history["epoch"], history["lr"], color=ORANGE, linestyle="--")
    rate.set_ylabel("learning rate", color=ORANGE)
    return figure


def learning_curve(history: pd.DataFrame, title: str) -> Figure:
    """Training and validation loss and validation score by epoch, with the chosen epoch marked."""
    figure, (loss, score) = plt.subplots(1, 2, figsize=(7, 3), layout="constrained")
    loss.plot(history["epoch"], history["train_loss"], color=BLUE, label="training")
    loss.plot(history["epoch"], history["validation_loss"], color=ORANGE, linestyle="--", label="validation")
    loss.set(xlabel="epoch", ylabel="loss")
    loss.legend()
    score.plot(history["epoch"], history["validation_score"], color=GREEN)
    score.axvline(history.loc[history["chosen"], "epoch"].item(), color="grey", linestyle=":")
    score.set(xlabel="epoch", ylabel="validation score", title="dotted: chosen epoch", ylim=(0, 1.02))
    figure.suptitle(title)
    return figure


def confusion(predictions: pd.DataFrame, title: str) -> Figure:
    """Confusion matrix of one fold's test part, counts of cases."""
    classes = class_names(predictions)
    decided = np.array(classes)[predictions[[f"p_{name}" for name in classes]].to_numpy().argmax(axis=1)]
    figure, axis = plt.subplots(figsize=(4, 3.6), layout="constrained")
    ConfusionMatrixDisplay.from_predictions(
        predictions["label"].to_numpy(dtype=str), decided, labels=classes, cmap="Blues", colorbar=False, ax=axis
    )
    axis.set_title(title)
    return figure


def overlays(predictions: pd.DataFrame, frames: np.ndarray, title: str) -> Figure:
    """Best, median and worst segmented test images; `frames` [n, height, width] belong to the predictions' rows."""
    predicted, true = masks_of(predictions, "predicted_mask"), masks_of(predictions, "true_mask")
    scores = dice(predicted, true)
    order = np.argsort(-scores, kind="stable")
    shown = {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]}
    figure, axes = plt.subplots(1, 3, figsize=(8, 3.2), layout="constrained")
    for axis, (rank, index) in zip(axes, shown.items(), strict=True):
        axis.imshow(frames[index], cmap="gray", vmin=0, vmax=255)
        for mask, colour, style in ((true[index], GREEN, "solid"), (predicted[index], ORANGE, "dashed")):
            if mask.any() and not mask.all():
                axis.contour(mask, levels=[0.5], colors=colour, linestyles=style)
        axis.set(title=f"{rank}: Dice {scores[index]:.2f}", xticks=[], yticks=[])
    figure.suptitle(f"{title} (solid: truth, dashed: prediction)")
    return figure


def draw_cell(predictions: pd.DataFrame, history: pd.DataFrame, store: FrameStore, folder: Path) -> None:
    """Draw every fold of a cell into `folder`: fold<k>_learning_curve.png and fold<k>_predictions.png."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = store.manifest.set_index("case")["row"]
    for (task, arm, seed, fold), part in predictions.groupby(["task", "arm", "seed", "fold"]):
        title = f"{arm} on {task}, seed {seed}, fold {fold}"
        save(learning_curve(history[history["fold"] == fold], title), folder / f"fold{fold}_learning_curve.png")
        shown = (
            overlays(part, store.frames[rows.loc[part["case"]].to_numpy()], title)
            if "predicted_mask" in part
            else confusion(part, title)
        )
        save(shown, folder / f"fold{fold}_predictions.png")
