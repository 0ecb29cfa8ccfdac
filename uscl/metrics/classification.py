"""Metrics from stored predictions: pure functions, no model needed.

A cell's predictions become its scored cases, one row a test case, and these become scores, fold by fold.
"""

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support, recall_score, roc_auc_score

from uscl.base.errors import UserError
from uscl.metrics.masks import dice, hd95, iou

# What stands for a task where one metric must.
PRIMARY = {"classification": "macro_f1", "segmentation": "dice"}

CELL = ["arm", "task", "regime", "labels", "seed", "fold"]
BEST_ON_TEST = "best_on_test_"
CALIBRATION_BINS = 10


def case_scores(predictions: pd.DataFrame, kind: str) -> pd.DataFrame:
    """One row a test case, in the order of `predictions` and with all columns that say which case and cell it is.

    `kind` classification: predicted (the class of the highest probability, the first in alphabetical order of equal
    ones), correct, and the probabilities `p_<class>`. `kind` segmentation: dice, iou and hd95 (`uscl.metrics.masks`)
    instead of the masks. Raises UserError where a probability is not finite.
    """
    return {"classification": classified, "segmentation": segmented}[kind](predictions)


def classified(predictions: pd.DataFrame) -> pd.DataFrame:
    """`case_scores` of classification."""
    classes = class_names(predictions)
    probabilities = [f"p_{name}" for name in classes]
    bad = ~np.isfinite(predictions[probabilities].to_numpy(dtype=float)).all(axis=1)
    if bad.any():
        raise UserError(
            f"The predictions of {bad.sum()} of {len(bad)} cases, the first at row {bad.argmax()}, are NaN or"
            " infinite: remove the cell's predictions.parquet, so that it is evaluated anew."
        )
    decided = np.array(classes, dtype=object)[predictions[probabilities].to_numpy().argmax(axis=1)]
    scores = predictions[probabilities].assign(predicted=decided, correct=decided == predictions["label"])
    said = [column for column in predictions if column.startswith(("p_", f"{BEST_ON_TEST}p_"))]
    return with_scores(predictions.drop(columns=said), scores[["predicted", "correct", *probabilities]])


def segmented(predictions: pd.DataFrame) -> pd.DataFrame:
    """`case_scores` of segmentation."""
    masks = masks_of(predictions, "predicted_mask"), masks_of(predictions, "true_mask")
    scores = pd.DataFrame({"dice": dice(*masks), "iou": iou(*masks), "hd95": hd95(*masks)}, index=predictions.index)
    return with_scores(predictions.drop(columns=["height", "width", "true_mask", "predicted_mask"]), scores)


def with_scores(known: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """The scores behind case, group and label, then the rest of what is known of the cases."""
    after = known.columns.get_loc("label") + 1
    return pd.concat([known.iloc[:, :after], scores, known.iloc[:, after:]], axis=1)


def score_cell(cases: pd.DataFrame, kind: str) -> pd.DataFrame:
    """One row a fold x metric of a cell: arm, task, regime, labels, seed, fold, metric, value; NaN where undefined.

    `cases` holds what `case_scores` gives for the test cases of all folds; `kind` is classification or segmentation.
    """
    metrics = {"classification": classification_metrics, "segmentation": segmentation_metrics}[kind]
    rows = [(*cell, name, value) for cell, part in cases.groupby(CELL) for name, value in metrics(part).items()]
    return pd.DataFrame(rows, columns=[*CELL, "metric", "value"])


def classification_metrics(cases: pd.DataFrame) -> dict[str, float]:
    """Metrics of some scored cases (`case_scores`): those over all classes, AUROC, calibration error, those by class.

    AUROC is the mean over classes of one against the rest, NaN where a class is absent.
    """
    classes = class_names(cases)
    probabilities = cases[[f"p_{name}" for name in classes]].to_numpy(dtype=float)
    truth, predicted = (cases[column].to_numpy(dtype=str) for column in ("label", "predicted"))
    return {
        **overall(truth, predicted, classes),
        "auroc": auroc(truth, probabilities, classes),
        "ece": calibration_error(probabilities.max(axis=1), truth == predicted),
        **by_class(truth, predicted, classes),
    }


def class_names(predictions: pd.DataFrame) -> list[str]:
    """The classes that a table has probabilities `p_<class>` of, in alphabetical order."""
    return sorted(column.removeprefix("p_") for column in predictions if column.startswith("p_"))


def overall(truth: np.ndarray, predicted: np.ndarray, classes: list[str]) -> dict[str, float]:
    """Accuracy, balanced accuracy (mean over the classes present) and macro-F1 (mean over all `classes`)."""
    return {
        "accuracy": float(accuracy_score(truth, predicted)),
        "balanced_accuracy": float(recall_score(truth, predicted, labels=np.unique(truth), average="macro")),
        "macro_f1": float(f1_score(truth, predicted, labels=classes, average="macro", zero_division=0)),
    }


def by_class(truth: np.ndarray, predicted: np.ndarray, classes: list[str]) -> dict[str, float]:
    """Sensitivity, precision and F1 of each class.

    Sensitivity is NaN for an absent class, precision 0 for a class never predicted, F1 NaN where both hold.
    """
    precision, sensitivity, f1, _ = precision_recall_fscore_support(
        truth, predicted, labels=classes, zero_division=np.nan
    )
    found = {"sensitivity": sensitivity, "precision": np.nan_to_num(precision), "f1": f1}
    return {f"{metric}_{name}": float(found[metric][i]) for i, name in enumerate(classes) for metric in found}


def auroc(truth: np.ndarray, probabilities: np.ndarray, classes: list[str]) -> float:
    """Area under the ROC curve, the mean over classes of one against the rest; NaN where a class is absent."""
    if set(truth) != set(classes):
        return float("nan")
    return float(np.mean([roc_auc_score(truth == name, probabilities[:, i]) for i, name in enumerate(classes)]))


def calibration_error(confidence: np.ndarray, correct: np.ndarray) -> float:
    """Expected calibration error, in [0, 1] (Guo et al., ICML 2017, arXiv 1706.04599).

    |accuracy - mean confidence| in ten bins of the confidence, [0, 0.1), ..., [0.9, 1]; the mean of that over cases.
    `confidence` [n] is the top probability, `correct` [n] boolean.
    """
    gaps = np.bincount(confidence_bin(confidence), weights=correct - confidence, minlength=CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def confidence_bin(confidence: np.ndarray) -> np.ndarray:
    """Which of ten equal bins the top probability falls in, 0 to 9: [0, 0.1), ..., [0.9, 1]."""
    return np.digitize(confidence, np.arange(1, CALIBRATION_BINS) / CALIBRATION_BINS)


def segmentation_metrics(cases: pd.DataFrame) -> dict[str, float]:
    """Means over scored images (`case_scores`), the median Dice, and the share of images whose Dice is zero."""
    return {
        "dice": float(cases["dice"].mean()),
        "median_dice": float(cases["dice"].median()),
        "iou": float(cases["iou"].mean()),
        "hd95": float(cases["hd95"].mean()),
        "zero_dice_share": float((cases["dice"] == 0).mean()),
    }


def best_on_test_epoch(predictions: pd.DataFrame) -> pd.DataFrame:
    """Metrics by the authors' protocol, for comparison alone: metric, value; without rows where it was not run.

    The epoch that is best on the test fold (`uscl.evaluate.authors_protocol`) predicts, and all folds' cases count as
    one set. `predictions` has label and `best_on_test_p_<class>`.
    """
    columns = [column for column in predictions if column.startswith(f"{BEST_ON_TEST}p_")]
    scores: dict[str, float] = {}
    if columns:
        chosen = predictions[columns].rename(columns=lambda column: column.removeprefix(BEST_ON_TEST))
        cases, classes = classified(chosen.assign(label=predictions["label"])), class_names(chosen)
        decided = cases["label"].to_numpy(dtype=str), cases["predicted"].to_numpy(dtype=str), classes
        scores = overall(*decided) | by_class(*decided)
    return pd.DataFrame(scores.items(), columns=["metric", "value"])


def masks_of(predictions: pd.DataFrame, column: str) -> np.ndarray:
    """Masks [n, height, width] of a column of packed bits; all images of a task have one size."""
    height, width = int(predictions["height"].iloc[0]), int(predictions["width"].iloc[0])
    bits = np.stack([np.frombuffer(packed, dtype=np.uint8) for packed in predictions[column]])
    return np.unpackbits(bits, axis=1, count=height * width).reshape(-1, height, width).astype(bool)
