"""AUROC in draws of groups: the share of pairs of a positive and a negative case that are in the right order.

The number of such pairs is a quadratic form of the groups' weights (Hanley & McNeil 1982,
doi:10.1148/radiology.143.1.7063747).
"""

from typing import NamedTuple

import numpy as np

from uscl.metrics.groups import ratio, starts


class Concordance(NamedTuple):
    """The pairs of one class against the rest.

    `positives`, `negatives` [groups]: cases of the class, and all others. `won` [arms, seeds, groups with positives,
    groups with negatives]: pairs in which the positive case has the higher probability, ties half.
    """

    positives: np.ndarray
    negatives: np.ndarray
    won: np.ndarray


def concordance(scores: np.ndarray, positive: np.ndarray, group: np.ndarray) -> Concordance:
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
    return Concordance(np.bincount(rows, minlength=groups), np.bincount(columns, minlength=groups), won)


def concordant_share(pairs: Concordance, weights: np.ndarray) -> np.ndarray:
    """AUROC of one class against the rest, [arms, seeds, draws]; NaN in draws that lack positives or negatives.

    `weights` [draws, groups]. Groups that lack either kind of case are left out of the products.
    """
    rows, columns = weights[:, pairs.positives > 0], weights[:, pairs.negatives > 0]
    won = np.einsum("asdn,dn->asd", rows @ pairs.won, columns)
    return ratio(won, (weights @ pairs.positives) * (weights @ pairs.negatives))
