"""AUROC in draws of groups: the share of pairs of a positive and a negative case that are in the right order.

It has two forms, which differ in cost alone. With few groups the pairs are counted once: their number in a draw is a
quadratic form of the groups' weights (Hanley & McNeil 1982, doi:10.1148/radiology.143.1.7063747). With many groups,
each draw sums the weights of the negatives in the order of their scores.
"""

from typing import NamedTuple

import numpy as np

from uscl.metrics.groups import starts

# Groups x groups per case up to which counted pairs cost less than sorted cases (benchmarks/compare.py --auroc).
COUNTED_UP_TO = 150
# Cases x draws whose weights are summed at once: few enough for the processor's cache.
AT_ONCE = 2**19


class CountedPairs(NamedTuple):
    """The pairs of one class against the rest, by their groups.

    `positives`, `negatives` [groups]: cases of the class, and all others. `won` [arms, seeds, groups with positives,
    groups with negatives]: pairs in which the positive case has the higher probability, ties half.
    """

    positives: np.ndarray
    negatives: np.ndarray
    won: np.ndarray

    def won_in(self, weights: np.ndarray) -> np.ndarray:
        """Weighted pairs in the right order, [arms, seeds, draws]; `weights` [draws, groups].

        Groups that lack either kind of case are left out of the products.
        """
        rows, columns = weights[:, self.positives > 0], weights[:, self.negatives > 0]
        return np.einsum("asdn,dn->asd", rows @ self.won, columns)

    def won_with(self, weights: np.ndarray) -> np.ndarray:
        """Weighted pairs with a case of each group, for its weight 1: [arms, seeds, draws, groups]."""
        rows, columns = self.positives > 0, self.negatives > 0
        found = np.zeros((*self.won.shape[:2], *weights.shape))
        found[..., rows] += weights[:, columns] @ self.won.swapaxes(-1, -2)
        found[..., columns] += weights[:, rows] @ self.won
        return found

    def won_inside(self) -> np.ndarray:
        """Pairs of two cases of the same group, [arms, seeds, groups]."""
        found = np.zeros((*self.won.shape[:2], len(self.positives)))
        both = (self.positives > 0) & (self.negatives > 0)
        row, column = np.cumsum(self.positives > 0) - 1, np.cumsum(self.negatives > 0) - 1
        found[..., both] = self.won[..., row[both], column[both]]
        return found


class SortedCases(NamedTuple):
    """The cases of one class and the rest, the rest in the order of their scores.

    `positives`, `negatives` [groups]: cases of the class, and all others. `group` [positive cases]: their groups.
    `others` [arms, seeds, negative cases]: groups of the negatives, by rising score. `below`, `up_to` [arms, seeds,
    positive cases]: how many of these have a lower score than the positive case, and how many no higher one.
    """

    positives: np.ndarray
    negatives: np.ndarray
    group: np.ndarray
    others: np.ndarray
    below: np.ndarray
    up_to: np.ndarray

    def won_in(self, weights: np.ndarray) -> np.ndarray:
        """Weighted pairs in the right order, [arms, seeds, draws]; `weights` [draws, groups]."""
        found = np.empty((*self.others.shape[:2], len(weights)))
        step = max(AT_ONCE // max(self.others.shape[-1], 1), 1)
        for first in range(0, len(weights), step):
            here = slice(first, first + step)
            by_group = np.ascontiguousarray(weights[here].T)
            own = by_group[self.group]
            for cell in np.ndindex(self.others.shape[:2]):
                found[(*cell, here)] = self._won(cell, by_group, own)
        return found

    def won_with(self, weights: np.ndarray) -> np.ndarray:
        """Weighted pairs with a case of each group, for its weight 1: [arms, seeds, draws, groups]."""
        found = np.zeros((*self.others.shape[:2], *weights.shape))
        for cell in np.ndindex(self.others.shape[:2]):
            lower = np.pad(weights[:, self.others[cell]].cumsum(axis=1), ((0, 0), (1, 0)))
            for draw, own in enumerate(weights[:, self.group]):
                place = (*cell, draw)
                won = (lower[draw, self.below[cell]] + lower[draw, self.up_to[cell]]) / 2
                found[place] = np.bincount(self.group, won, minlength=weights.shape[1])
                found[place] += np.bincount(self.others[cell], self._higher(cell, own), minlength=weights.shape[1])
        return found

    def won_inside(self) -> np.ndarray:
        """Pairs of two cases of the same group, [arms, seeds, groups]."""
        found = np.zeros((*self.others.shape[:2], len(self.positives)))
        for group in np.flatnonzero((self.positives > 0) & (self.negatives > 0)):
            own = self.group == group
            for cell in np.ndindex(self.others.shape[:2]):
                places = np.flatnonzero(self.others[cell] == group)
                counts = [np.searchsorted(places, ends[cell][own]) for ends in (self.below, self.up_to)]
                found[(*cell, group)] = np.sum(counts) / 2
        return found

    def _higher(self, cell: tuple[int, ...], own: np.ndarray) -> np.ndarray:
        """The weights [positive cases] of the positive cases above each negative case, summed; of ties half."""
        size = self.others.shape[-1] + 1
        higher = np.sum([np.bincount(ends[cell], own, minlength=size) for ends in (self.below, self.up_to)], axis=0)
        return higher[::-1].cumsum()[::-1][1:] / 2

    def _won(self, cell: tuple[int, ...], by_group: np.ndarray, own: np.ndarray) -> np.ndarray:
        """The pairs of one arm and seed, [draws]; `by_group` [groups, draws], `own` [positive cases, draws]."""
        lower = np.zeros((self.others.shape[-1] + 1, by_group.shape[1]))
        np.cumsum(by_group[self.others[cell]], axis=0, out=lower[1:])
        below, up_to = self.below[cell], self.up_to[cell]
        won = np.einsum("nd,nd->d", own, lower[below])
        tied = below < up_to
        return won + np.einsum("nd,nd->d", own[tied], lower[up_to[tied]] - lower[below[tied]]) / 2


Concordance = CountedPairs | SortedCases


def concordance(scores: np.ndarray, positive: np.ndarray, group: np.ndarray) -> Concordance:
    """The cheaper form for scores [arms, seeds, n], positive and group [n], cases ordered by group."""
    cases, groups = sorted_cases(scores, positive, group), group[-1] + 1
    return counted_pairs(cases) if groups**2 <= COUNTED_UP_TO * len(group) else cases


def sorted_cases(scores: np.ndarray, positive: np.ndarray, group: np.ndarray) -> SortedCases:
    """The negative cases in the order of their scores, and the place of each positive case among them."""
    own, other = scores[..., positive], scores[..., ~positive]
    order = np.argsort(other, axis=-1, kind="stable")
    below, up_to = np.empty(own.shape, dtype=np.int32), np.empty(own.shape, dtype=np.int32)
    for cell in np.ndindex(scores.shape[:2]):
        rising = other[cell][order[cell]]
        below[cell], up_to[cell] = (np.searchsorted(rising, own[cell], side) for side in ("left", "right"))
    positives, negatives = (np.bincount(group[of], minlength=group[-1] + 1) for of in (positive, ~positive))
    return SortedCases(positives, negatives, group[positive], group[~positive][order], below, up_to)


def counted_pairs(cases: SortedCases) -> CountedPairs:
    """The pairs by their groups."""
    columns = np.flatnonzero(cases.negatives)
    won = np.zeros((*cases.others.shape[:2], np.count_nonzero(cases.positives), len(columns)))
    if won.size:
        step, first_cases = max(AT_ONCE // cases.others.shape[-1], 1), starts(cases.group)
        for cell in np.ndindex(won.shape[:2]):
            for first in range(0, len(columns), step):
                of_group = cases.others[cell][:, None] == columns[first : first + step]
                lower = np.zeros((len(of_group) + 1, of_group.shape[1]), dtype=np.int32)
                np.cumsum(of_group, axis=0, out=lower[1:])
                twice = lower[cases.below[cell]] + lower[cases.up_to[cell]]
                won[(*cell, slice(None), slice(first, first + step))] = np.add.reduceat(twice, first_cases, axis=0) / 2
    return CountedPairs(cases.positives, cases.negatives, won)
