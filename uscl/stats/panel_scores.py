"""The metrics of a panel: their names, their scores by fold and seed, and their means over those in many draws."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from uscl.metrics.classification_of_draws import class_scores, class_sums
from uscl.metrics.group_sums import mean_of_defined
from uscl.metrics.masks_of_draws import image_scores, image_sums
from uscl.stats.panel import Panel, Part

OVERALL = ("accuracy", "balanced_accuracy", "macro_f1", "auroc", "ece")
BY_CLASS = ("sensitivity", "precision", "f1")
SEGMENTATION = ("dice", "median_dice", "iou", "hd95", "zero_dice_share")
LOWER_IS_BETTER = ("ece", "hd95", "zero_dice_share")

# Draws that are computed at once: few enough for the processor's cache.
CHUNK = 1000

Scorer = Callable[[np.ndarray], np.ndarray]


def metric_names(kind: str, classes: list[str]) -> list[str]:
    """The metrics of a kind of task, in the order of all tables.

    >>> metric_names("classification", ["a"])[4:]
    ['ece', 'sensitivity_a', 'precision_a', 'f1_a']
    """
    if kind == "segmentation":
        return list(SEGMENTATION)
    return [*OVERALL, *(f"{name}_{c}" for c in classes for name in BY_CLASS)]


def scorer(part: Part, classes: int) -> Scorer:
    """A function of weights [draws, groups] that gives the scores [metrics, arms, seeds, draws] of a fold.

    The weight of a group is how often it was drawn; `classes` is 0 for segmentation.
    """
    if classes:
        return partial(class_scores, class_sums(part, classes))
    return partial(image_scores, image_sums(part))


def fold_seed_scores(panel: Panel) -> np.ndarray:
    """Scores of every fold and seed as they are, [metrics, arms, folds x seeds]; NaN where undefined."""
    by_fold = [scorer(part, len(panel.classes))(np.ones((1, part.groups))) for part in panel.folds.values()]
    return np.concatenate(by_fold, axis=2)[..., 0]


def mean_scores(by_fold: list[np.ndarray]) -> np.ndarray:
    """The mean over folds and seeds of scores [metrics, arms, seeds, draws] a fold: [metrics, arms, draws].

    Where a metric is undefined in a fold of a draw (such as AUROC where the groups drawn lack a class), the mean is
    over the folds and seeds in which it is defined, as it is for the scores themselves.
    """
    return mean_of_defined(np.concatenate(by_fold, axis=2), axis=2)


def chunks(draws: int) -> Iterator[tuple[int, int]]:
    """Number and size of each chunk of draws.

    >>> list(chunks(2500))
    [(0, 1000), (1, 1000), (2, 500)]
    """
    for number, first in enumerate(range(0, draws, CHUNK)):
        yield number, min(CHUNK, draws - first)
