"""Classification metrics of many draws of groups at once, from sums over groups.

A draw gives every group of a fold a weight: how often it was drawn. Confusion counts and calibration gaps add up over
groups, so one matrix product gives those of all draws. The numerator of AUROC counts pairs of cases and is a quadratic
form of the weights.
"""

from typing import NamedTuple

import numpy as np

from uscl.metrics.classification import CALIBRATION_BINS, confidence_bin
from uscl.metrics.group_sums import by_group, mean_of_defined, ratio, starts, weighted
from uscl.stats.panel import Part


class Pairs(NamedTuple):
    """What AUROC of one class against the rest is made of.

    `positives`, `negatives` [groups]: cases of the class, and all others. `won` [arms, seeds, groups with positives,
    groups with negatives]: pairs in which the positive case has the higher probability, ties half.
    """

    positives: np.ndarray
    negatives: np.ndarray
    won: np.ndarray


class Sums(NamedTuple):
    """Sums of a fold by group.

    `confusion` [classes (true), classes (predicted), arms, seeds, groups]; `gaps` [bins, arms, seeds, groups]: correct
    cases less summed confidence; `pairs`: one a class.
    """

    confusion: np.ndarray
    gaps: np.ndarray
    pairs: list[Pairs]


def class_sums(part: Part, classes: int) -> Sums:
    """The sums of a fold."""
    predicted, probabilities = part.values["predicted"], part.values["probabilities"]
    number = np.arange(classes)[:, None, None, None]
    is_predicted, is_true = predicted == number, part.label == number
    gap = (predicted == part.label) - probabilities.max(axis=0)
    in_bin = confidence_bin(probabilities.max(axis=0)) == np.arange(CALIBRATION_BINS)[:, None, None, None]
    return Sums(
        by_group(is_true[:, None] & is_predicted[None], part.group),
        by_group(in_bin * gap, part.group),
        [concordant(probabilities[c], part.label == c, part.group) for c in range(classes)],
    )


def concordant(scores: np.ndarray, positive: np.ndarray, group: np.ndarray) -> Pairs:
    """Pairs of a positive and a negative case by their groups; scores [arms, seeds, n], positive and group [n]."""
    rows, columns = group[positive], group[~positive]
    groups = group[-1] + 1
    won = np.empty((*scores.shape[:2], len(np.unique(rows)), len(np.unique(columns))))
    if won.size:
        for cell in np.ndindex(scores.shape[:2]):
            above, below = scores[cell][positive][:, None], scores[cell][~positive]
            twice = (above > below).astype(np.int8) + (above >= below)
            by_row = np.add.reduceat(twice, starts(rows), axis=0, dtype=np.int64)
            won[cell] = np.add.reduceat(by_row, starts(columns), axis=1) / 2
    return Pairs(np.bincount(rows, minlength=groups), np.bincount(columns, minlength=groups), won)


def class_scores(sums: Sums, weights: np.ndarray) -> np.ndarray:
    """Scores [metrics, arms, seeds, draws] in the order of `metric_names`; weights [draws, groups].

    A class that a draw has no case of has no sensitivity, and the draw no AUROC; balanced accuracy is the mean over the
    classes present. A class never predicted has precision 0. A class neither true nor predicted has no F1 and counts 0
    in macro-F1, as in scikit-learn with `labels=classes, zero_division=0`.
    """
    confusion = weighted(sums.confusion, weights)
    hits = np.stack([confusion[c, c] for c in range(len(confusion))])
    true, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    cases = true.sum(axis=0)
    sensitivity, f1 = ratio(hits, true), ratio(2 * hits, true + predicted)
    precision = np.nan_to_num(ratio(hits, predicted))
    overall = [
        hits.sum(axis=0) / cases,
        mean_of_defined(sensitivity, axis=0),
        np.nan_to_num(f1).mean(axis=0),
        np.mean([auroc(pairs, weights) for pairs in sums.pairs], axis=0),
        np.abs(weighted(sums.gaps, weights)).sum(axis=0) / cases,
    ]
    by_class = np.stack([sensitivity, precision, f1], axis=1)
    return np.concatenate([np.stack(overall), by_class.reshape(-1, *cases.shape)])


def auroc(pairs: Pairs, weights: np.ndarray) -> np.ndarray:
    """AUROC of one class against the rest, [arms, seeds, draws]; NaN in draws without cases of either.

    The share of pairs of a positive and a negative case that are in the right order, ties half (Hanley & McNeil 1982,
    doi:10.1148/radiology.143.1.7063747). Groups that lack either kind stand only where they count.
    """
    rows, columns = weights[:, pairs.positives > 0], weights[:, pairs.negatives > 0]
    won = np.einsum("asdn,dn->asd", rows @ pairs.won, columns)
    return ratio(won, (weights @ pairs.positives) * (weights @ pairs.negatives))
