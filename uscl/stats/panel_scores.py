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
from uscl.metrics.registry import Metric, metrics_of
from uscl.metrics.segmentation import ImageDraws, ImageGroups
from uscl.metrics.weights import Drawn, Weights, WithoutEach
from uscl.stats.panel import Panel

# Draws that share a random stream, and weights of groups that are in memory at once.
CHUNK = 1000
AT_ONCE = 2**22

Sums = ClassifiedGroups | ImageGroups
Draws = ClassifiedDraws | ImageDraws
Scorer = Callable[[Weights], np.ndarray]


class Fold(NamedTuple):
    """A fold of the trainings that share their partition: their numbers, the numbers of its groups, and its cases."""

    trainings: np.ndarray
    groups: np.ndarray
    sums: Sums


def scorer(panel: Panel) -> Scorer:
    """A function that maps weights of groups to the scores of all trainings, [metrics, arms, trainings, draws].

    The metrics are those of `Panel.metrics`. If a metric is undefined in a fold of a draw (such as
    AUROC if the drawn groups lack a class), the mean is over the folds in which it is defined.
    """
    whole = sums(panel.cases, len(panel.classes))
    parts = list(folds(panel)) if any(metric.over_folds for metric in whole_metrics(panel)) else []

    def score(weights: Weights) -> np.ndarray:
        draws = whole.drawn(weights)
        of_folds = mean_over_folds(parts, weights, panel)
        found = [
            of_folds[metric.name] if metric.over_folds else metric.of_draws(draws) for metric in whole_metrics(panel)
        ]
        return with_parts(np.stack(found), draws, panel)

    return score


def whole_metrics(panel: Panel) -> list[Metric]:
    """The metrics over all classes or structures that the cases have."""
    return [metric for metric in metrics_of(panel.kind) if metric.name in panel.metrics]


def mean_over_folds(parts: list[Fold], weights: Weights, panel: Panel) -> dict[str, np.ndarray]:
    """The metrics that are means over the folds of each training, by name: [arms, trainings, draws].

    One fold at a time: the draws of all would take too much memory.
    """
    metrics = [metric for metric in whole_metrics(panel) if metric.over_folds]
    scores: dict[str, list[list[np.ndarray]]] = {metric.name: [[] for _ in panel.seeds] for metric in metrics}
    for fold in parts:
        draws = fold.sums.drawn(weights.within(fold.groups))
        for metric in metrics:
            values = metric.of_draws(draws)
            for place, training in enumerate(fold.trainings):
                scores[metric.name][training].append(values[:, place])
    return {
        name: np.stack([mean_of_defined(np.stack(each), axis=0) for each in of_trainings], axis=1)
        for name, of_trainings in scores.items()
    }


def with_parts(whole: np.ndarray, draws: Draws, panel: Panel) -> np.ndarray:
    """The metrics over all, [metrics, arms, trainings, draws], followed by those of each class or structure."""
    if isinstance(draws, ImageDraws):
        return np.stack([*whole, *(draws.means[name] for name in panel.metrics[len(whole) :])])
    by_class = [metric.of_draws(draws) for metric in metrics_of(panel.kind, by_class=True)]
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


def sums(part: Part, classes: int) -> Sums:
    """The sums of a part by group; `classes` is 0 for segmentation."""
    return ClassifiedGroups(part, classes) if classes else ImageGroups.of(part)


def training_scores(panel: Panel) -> np.ndarray:
    """The score of every training, [metrics, arms, trainings]; NaN where undefined."""
    return scorer(panel)(Drawn(np.ones((1, panel.cases.groups))))[..., 0]


def fold_scores(panel: Panel) -> np.ndarray:
    """The score of every fold of every training, [metrics, arms, trainings, folds]; NaN where undefined."""
    found: list[list[np.ndarray]] = [[] for _ in panel.seeds]
    for fold in folds(panel):
        draws = fold.sums.drawn(Drawn(np.ones((1, len(fold.groups)))))
        whole = np.stack([metric.of_draws(draws) for metric in whole_metrics(panel)])
        values = with_parts(whole, draws, panel)[..., 0]
        for place, training in enumerate(fold.trainings):
            found[training].append(values[:, :, place])
    return np.stack([np.stack(each, axis=-1) for each in found], axis=2)


def without_each_group(panel: Panel, strata: np.ndarray | None = None) -> np.ndarray:
    """The score of every training without each group in turn, for the jackknife: [metrics, arms, trainings, groups].

    The other groups of its class count n / (n - 1) times, as in the stratified jackknife, so that the class keeps its
    share of the score (Wolter, Introduction to Variance Estimation (2007), section 4.5). Without that, the variance of
    a mean in a class of n groups comes out as (n - 1)^2 / n^2 of what it is (`benchmarks/README.md`). `strata` [groups]
    replaces the classes of the groups.
    """
    return scorer(panel)(WithoutEach.of(panel.strata if strata is None else strata))


def chunks(draws: int) -> Iterator[tuple[int, int]]:
    """Number and size of each chunk of draws.

    >>> list(chunks(2500))
    [(0, 1000), (1, 1000), (2, 500)]
    """
    for number, first in enumerate(range(0, draws, CHUNK)):
        yield number, min(CHUNK, draws - first)


def at_once(draws: int, groups: int) -> Iterator[slice]:
    """The draws of a chunk in parts that fit into memory with their weights of so many groups."""
    step = max(AT_ONCE // groups, 1)
    return (slice(first, first + step) for first in range(0, draws, step))
