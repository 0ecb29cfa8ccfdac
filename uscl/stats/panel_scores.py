"""The metrics of a panel: the scores of every training, in many draws of groups at once, and those of single folds.

Scores that are counts or means of cases are computed over the cases of all folds of a training. AUROC is the mean over
folds, because probabilities of different models don't form one ranking (Forman & Scholz, SIGKDD Explor. 2010, 12:49,
doi:10.1145/1882471.1882479; the same paper shows why F1 is pooled). `Metric.over_folds` says which.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from uscl.metrics.classification import ClassifiedDraws, ClassifiedGroups
from uscl.metrics.groups import Part, mean_of_defined
from uscl.metrics.registry import metrics_of
from uscl.metrics.segmentation import ImageDraws, ImageGroups
from uscl.stats.panel import Panel

# Draws that are computed at once: few enough to fit into the processor's cache.
CHUNK = 1000

Scorer = Callable[[np.ndarray], np.ndarray]


class Fold(NamedTuple):
    """A fold of the trainings that share their partition: their numbers, the numbers of its groups, and its cases."""

    trainings: np.ndarray
    groups: np.ndarray
    sums: ClassifiedGroups | ImageGroups


def scorer(panel: Panel) -> Scorer:
    """A function that maps weights [draws, groups] to the scores of all trainings [metrics, arms, trainings, draws].

    The weight of a group is the number of times it was drawn. The metrics are in the order of
    `uscl.metrics.registry.names`. If a metric is undefined in a fold of a draw (such as AUROC if the drawn groups lack
    a class), the mean is over the folds in which it is defined.
    """
    whole = sums(panel.cases, len(panel.classes))
    over_folds = any(metric.over_folds for metric in metrics_of(panel.kind))
    parts = list(folds(panel)) if over_folds else []

    def score(weights: np.ndarray) -> np.ndarray:
        draws = whole.drawn(weights)
        by_fold = [(fold, fold.sums.drawn(weights[:, fold.groups])) for fold in parts]
        found = [
            mean_over_folds(metric.of_draws, by_fold, panel) if metric.over_folds else metric.of_draws(draws)
            for metric in metrics_of(panel.kind)
        ]
        return with_classes(np.stack(found), draws, panel.kind)

    return score


def mean_over_folds(
    of_draws: Callable[[ClassifiedDraws | ImageDraws], np.ndarray],
    by_fold: list[tuple[Fold, ClassifiedDraws | ImageDraws]],
    panel: Panel,
) -> np.ndarray:
    """The mean of a metric over the folds of each training, [arms, trainings, draws]."""
    scores: list[list[np.ndarray]] = [[] for _ in panel.seeds]
    for fold, draws in by_fold:
        values = of_draws(draws)
        for place, training in enumerate(fold.trainings):
            scores[training].append(values[:, place])
    return np.stack([mean_of_defined(np.stack(each), axis=0) for each in scores], axis=1)


def with_classes(whole: np.ndarray, draws: ClassifiedDraws | ImageDraws, kind: str) -> np.ndarray:
    """The metrics over all classes, [metrics, arms, trainings, draws], followed by those of each class."""
    by_class = [metric.of_draws(draws) for metric in metrics_of(kind, by_class=True)]
    if not by_class:
        return whole
    return np.concatenate([whole, np.stack(by_class, axis=1).reshape(-1, *whole.shape[1:])])


def folds(panel: Panel) -> Iterator[Fold]:
    """All folds; trainings with the same partition share theirs."""
    partitions, of_training = np.unique(panel.folds, axis=0, return_inverse=True)
    for number, partition in enumerate(partitions):
        trainings = np.flatnonzero(of_training == number)
        for fold in np.unique(partition):
            here = partition == fold
            groups, inside = np.unique(panel.cases.group[here], return_inverse=True)
            values = {name: array[..., trainings, :][..., here] for name, array in panel.cases.values.items()}
            yield Fold(trainings, groups, sums(Part(inside, panel.cases.label[here], values), len(panel.classes)))


def sums(part: Part, classes: int) -> ClassifiedGroups | ImageGroups:
    """The sums of a part by group; `classes` is 0 for segmentation."""
    return ClassifiedGroups(part, classes) if classes else ImageGroups.of(part)


def training_scores(panel: Panel) -> np.ndarray:
    """The score of every training, [metrics, arms, trainings]; NaN where undefined."""
    return scorer(panel)(np.ones((1, panel.cases.groups)))[..., 0]


def fold_scores(panel: Panel) -> np.ndarray:
    """The score of every fold of every training, [metrics, arms, trainings, folds]; NaN where undefined."""
    found: list[list[np.ndarray]] = [[] for _ in panel.seeds]
    for fold in folds(panel):
        draws = fold.sums.drawn(np.ones((1, len(fold.groups))))
        whole = np.stack([metric.of_draws(draws) for metric in metrics_of(panel.kind)])
        values = with_classes(whole, draws, panel.kind)[..., 0]
        for place, training in enumerate(fold.trainings):
            found[training].append(values[:, :, place])
    return np.stack([np.stack(each, axis=-1) for each in found], axis=2)


def without_each_group(panel: Panel) -> np.ndarray:
    """The score of every training without each group in turn, for the jackknife: [metrics, arms, trainings, groups].

    The other groups of its class count n / (n - 1) times, as in the stratified jackknife, so that the class keeps its
    share of the score (Wolter, Introduction to Variance Estimation (2007), section 4.5). Without that, the variance of
    a mean in a class of n groups comes out as (n - 1)^2 / n^2 of what it is (`benchmarks/README.md`).
    """
    score, weights = scorer(panel), weights_without_each(panel.strata)
    left_out = [score(weights[number * CHUNK : number * CHUNK + size]) for number, size in chunks(len(weights))]
    return np.concatenate(left_out, axis=-1)


def weights_without_each(strata: np.ndarray) -> np.ndarray:
    """The weight of every group without each in turn, [left out, groups]; strata [groups].

    >>> weights_without_each(np.array([0, 1, 1, 1]))[1]
    array([1. , 0. , 1.5, 1.5])
    """
    same = strata[:, None] == strata
    weights = 1 + same / np.maximum(same.sum(axis=1, keepdims=True) - 1, 1)
    np.fill_diagonal(weights, 0)
    return weights


def chunks(draws: int) -> Iterator[tuple[int, int]]:
    """Number and size of each chunk of draws.

    >>> list(chunks(2500))
    [(0, 1000), (1, 1000), (2, 500)]
    """
    for number, first in enumerate(range(0, draws, CHUNK)):
        yield number, min(CHUNK, draws - first)
