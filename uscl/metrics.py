"""Metrics from stored predictions: pure functions, no model needed."""

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, roc_auc_score

from uscl.overlap import dice, iou


def score_cell(predictions: pd.DataFrame, kind: str) -> pd.DataFrame:
    """One row a fold x metric of an arm x task x seed: arm, task, seed, fold, metric, value.

    `predictions` holds the test cases of all folds; `kind` is classification or segmentation.
    """
    metrics = {"classification": classification_metrics, "segmentation": segmentation_metrics}[kind]
    by_fold = predictions.groupby(["arm", "task", "seed", "fold"], sort=True)
    rows = [(*cell, name, value) for cell, part in by_fold for name, value in metrics(part).items()]
    return pd.DataFrame(rows, columns=["arm", "task", "seed", "fold", "metric", "value"])


def classification_metrics(predictions: pd.DataFrame) -> dict[str, float]:
    """Accuracy, balanced accuracy, macro-F1 and AUROC (one class against the rest, mean over classes) of some cases.

    `predictions` has `label` and one probability a class, `p_<class>`. Equal probabilities go to the first class in
    alphabetical order. AUROC is NaN where a class is absent.
    """
    classes = class_names(predictions)
    probabilities = predictions[[f"p_{name}" for name in classes]].to_numpy(dtype=float)
    truth = predictions["label"].to_numpy(dtype=str)
    decided = np.array(classes)[probabilities.argmax(axis=1)]
    return {
        "accuracy": float(accuracy_score(truth, decided)),
        "balanced_accuracy": float(balanced_accuracy_score(truth, decided)),
        "macro_f1": float(f1_score(truth, decided, labels=classes, average="macro", zero_division=0)),
        "auroc": auroc(truth, probabilities, classes),
    }


def class_names(predictions: pd.DataFrame) -> list[str]:
    """The classes that a prediction table gives probabilities for, in alphabetical order."""
    return sorted(column.removeprefix("p_") for column in predictions if column.startswith("p_"))


def auroc(truth: np.ndarray, probabilities: np.ndarray, classes: list[str]) -> float:
    """Area under the ROC curve, the mean over classes of one against the rest; NaN where a class is absent."""
    if set(truth) != set(classes):
        return float("nan")
    return float(np.mean([roc_auc_score(truth == name, probabilities[:, i]) for i, name in enumerate(classes)]))


def segmentation_metrics(predictions: pd.DataFrame) -> dict[str, float]:
    """Mean Dice and IoU over images, and the share of images whose Dice is zero.

    `predictions` has height, width and the packed bits of true_mask and predicted_mask.
    """
    predicted, true = masks_of(predictions, "predicted_mask"), masks_of(predictions, "true_mask")
    per_image = dice(predicted, true)
    return {
        "dice": float(per_image.mean()),
        "iou": float(iou(predicted, true).mean()),
        "zero_dice_share": float((per_image == 0).mean()),
    }


def masks_of(predictions: pd.DataFrame, column: str) -> np.ndarray:
    """Masks [n, height, width] of a column of packed bits; all images of a task have one size."""
    height, width = int(predictions["height"].iloc[0]), int(predictions["width"].iloc[0])
    bits = np.stack([np.frombuffer(packed, dtype=np.uint8) for packed in predictions[column]])
    return np.unpackbits(bits, axis=1, count=height * width).reshape(-1, height, width).astype(bool)
