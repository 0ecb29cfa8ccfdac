"""The metrics of a panel: scores per fold and seed, and their means over folds and seeds in many draws."""

from collections.abc import Callable, Iterator

import numpy as np

from uscl.metrics.classification import ClassifiedGroups
from uscl.metrics.groups import Part, mean_of_defined
from uscl.metrics.registry import CLASSIFICATION, SEGMENTATION, metrics_of
from uscl.metrics.segmentation import ImageGroups
from uscl.stats.panel import Panel

# Draws that are computed at once: few enough to fit into the processor's cache.
CHUNK = 1000

Scorer = Callable[[np.ndarray], np.ndarray]


def scorer(part: Part, classes: int) -> Scorer:
    """A function that maps weights [draws, groups] to the scores [metrics, arms, seeds, draws] of a fold.

    The weight of a group is the number of times it was drawn; `classes` is 0 for segmentation. The metrics are in the
    order of `uscl.metrics.registry.names`.
    """
    if classes:
        classified = ClassifiedGroups.of(part, classes)
        return lambda weights: stacked_scores(classified.drawn(weights), CLASSIFICATION)
    images = ImageGroups.of(part)
    return lambda weights: stacked_scores(images.drawn(weights), SEGMENTATION)


def stacked_scores(draws: object, kind: str) -> np.ndarray:
    """All metrics of draws, [metrics, arms, seeds, draws]: first those over all classes, then those of each class."""
    whole = np.stack([metric.of_draws(draws) for metric in metrics_of(kind)])
    by_class = [metric.of_draws(draws) for metric in metrics_of(kind, by_class=True)]
    if not by_class:
        return whole
    return np.concatenate([whole, np.stack(by_class, axis=1).reshape(-1, *whole.shape[1:])])


def fold_seed_scores(panel: Panel) -> np.ndarray:
    """Scores of every fold and seed without resampling, [metrics, arms, folds x seeds]; NaN where undefined."""
    by_fold = [scorer(part, len(panel.classes))(np.ones((1, part.groups))) for part in panel.folds.values()]
    return np.concatenate(by_fold, axis=2)[..., 0]


def mean_scores(by_fold: list[np.ndarray]) -> np.ndarray:
    """The mean over folds and seeds of scores [metrics, arms, seeds, draws] per fold: [metrics, arms, draws].

    If a metric is undefined in a fold of a draw (such as AUROC if the drawn groups lack a class), the mean is over the
    folds and seeds in which it is defined, as for the scores themselves.
    """
    return mean_of_defined(np.concatenate(by_fold, axis=2), axis=2)


def chunks(draws: int) -> Iterator[tuple[int, int]]:
    """Number and size of each chunk of draws.

    >>> list(chunks(2500))
    [(0, 1000), (1, 1000), (2, 500)]
    """
    for number, first in enumerate(range(0, draws, CHUNK)):
        yield number, min(CHUNK, draws - first)
