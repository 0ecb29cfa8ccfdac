"""Scores from a cell's stored predictions: pure functions that need no model.

A cell's predictions become its scored cases, one row per test case, and these become scores, fold by fold.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from uscl.base.errors import UserError
from uscl.metrics.classification import ClassifiedCases
from uscl.metrics.registry import CLASSIFICATION, SEGMENTATION, image_scores, metric_named, metrics_of, names, part_of
from uscl.metrics.segmentation import ScoredImages, mean
from uscl.metrics.structure_columns import ends, mask_columns, structures_of

CELL = ["arm", "task", "regime", "labels", "seed", "fold"]


def case_scores(predictions: pd.DataFrame, kind: str) -> pd.DataFrame:
    """One row per test case, in the order of `predictions` and with all columns that identify the case and its cell.

    `kind` classification: predicted (the class of the highest probability; the first in alphabetical order if several
    are equal), correct, and the probabilities `p_<class>`. `kind` segmentation: the scores of single images (dice, iou,
    hd95) instead of the masks; with several structures, their mean, and those of each structure, `dice_<structure>`.
    Raises UserError if a probability is not finite.
    """
    return {CLASSIFICATION: classified, SEGMENTATION: segmented}[kind](predictions)


def classified(predictions: pd.DataFrame) -> pd.DataFrame:
    """`case_scores` of classification."""
    classes = class_names(predictions)
    probabilities = [f"p_{name}" for name in classes]
    bad = ~np.isfinite(predictions[probabilities].to_numpy(dtype=float)).all(axis=1)
    if bad.any():
        raise UserError(
            f"The predictions of {bad.sum()} of {len(bad)} cases, the first at row {bad.argmax()}, are NaN or"
            " infinite: remove the cell's predictions.parquet and run again to repeat its evaluation."
        )
    decided = np.array(classes, dtype=object)[predictions[probabilities].to_numpy().argmax(axis=1)]
    scores = predictions[probabilities].assign(predicted=decided, correct=decided == predictions["label"])
    return with_scores(predictions.drop(columns=probabilities), scores[["predicted", "correct", *probabilities]])


def segmented(predictions: pd.DataFrame) -> pd.DataFrame:
    """`case_scores` of segmentation."""
    structures = structures_of(predictions)
    each = {
        f"{found.name}{end}": found.of_case(*(masks_of(predictions, f"{of}_mask{end}") for of in ("predicted", "true")))
        for end in ends(structures)
        for found in metrics_of(SEGMENTATION)
        if found.of_case
    }
    scores = with_means(pd.DataFrame(each, index=predictions.index), structures)
    return with_scores(predictions.drop(columns=["height", "width", *mask_columns(predictions)]), scores)


def structure_masks(predictions: pd.DataFrame, what: str) -> dict[str, np.ndarray]:
    """The `true` or `predicted` masks [n, height, width] of each structure; of one structure alone by the name ""."""
    names = structures_of(predictions)
    found = [masks_of(predictions, f"{what}_mask{end}") for end in ends(names)]
    return dict(zip(names or [""], found, strict=True))


def with_means(scores: pd.DataFrame, structures: Sequence[str]) -> pd.DataFrame:
    """The scores of images, preceded by each score's mean over structures if there are several."""
    if not structures:
        return scores
    whole = list(dict.fromkeys(metric_named(name).name for name in scores))
    means = {name: scores[[f"{name}_{structure}" for structure in structures]].mean(axis=1) for name in whole}
    return pd.concat([pd.DataFrame(means, index=scores.index), scores], axis=1)


def with_scores(known: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """A table with the columns up to the label, then the scores, then all other columns of the cases."""
    after = known.columns.get_loc("label") + 1
    return pd.concat([known.iloc[:, :after], scores, known.iloc[:, after:]], axis=1)


def score_cell(cases: pd.DataFrame, kind: str) -> pd.DataFrame:
    """One row per fold x metric of a cell: arm, task, regime, labels, seed, fold, metric, value; NaN where undefined.

    `cases` is the result of `case_scores` for the test cases of all folds; `kind` is classification or segmentation.
    """
    rows = [(*cell, name, value) for cell, part in cases.groupby(CELL) for name, value in scores(part, kind).items()]
    return pd.DataFrame(rows, columns=[*CELL, "metric", "value"])


def scores(cases: pd.DataFrame, kind: str) -> dict[str, float]:
    """All metrics of scored cases (`case_scores`) by name, in the order of all tables."""
    if kind == SEGMENTATION:
        images: ScoredImages = {name: cases[name].to_numpy(dtype=float) for name in image_scores(list(cases))}
        return {name: of_images(name)(images) for name in names(kind, [], list(images))}
    classes = class_names(cases)
    truth, predicted = (cases[column].to_numpy(dtype=str) for column in ("label", "predicted"))
    probabilities = cases[[f"p_{name}" for name in classes]].to_numpy(dtype=float)
    return by_name(ClassifiedCases(truth, predicted, probabilities, classes))


def of_images(name: str) -> Callable[[ScoredImages], float]:
    """How a metric with a name as in tables is computed: over all structures, or for one of them."""
    return mean(name) if part_of(name) else metric_named(name).of_cell


def by_name(cases: ClassifiedCases) -> dict[str, float]:
    """All metrics of classified cases by name: first those over all classes, then those of each class."""
    found = {each.name: float(each.of_cell(cases)) for each in metrics_of(CLASSIFICATION)}
    of_classes = {each.name: each.of_cell(cases) for each in metrics_of(CLASSIFICATION, by_class=True)}
    for number, class_name in enumerate(cases.classes):
        found |= {f"{name}_{class_name}": float(values[number]) for name, values in of_classes.items()}
    return found


def class_names(predictions: pd.DataFrame) -> list[str]:
    """The classes for which a table has probabilities `p_<class>`, in alphabetical order."""
    return sorted(column.removeprefix("p_") for column in predictions if column.startswith("p_"))


def masks_of(predictions: pd.DataFrame, column: str) -> np.ndarray:
    """Unpack masks [n, height, width] from a column of packed bits; all images of a task have the same size."""
    height, width = int(predictions["height"].iloc[0]), int(predictions["width"].iloc[0])
    bits = np.stack([np.frombuffer(packed, dtype=np.uint8) for packed in predictions[column]])
    return np.unpackbits(bits, axis=1, count=height * width).reshape(-1, height, width).astype(bool)
