"""Weights of groups in many draws, in the two forms that statistics need: any numbers, and each group left out in turn.

Metrics of draws use sums over groups and pairs of cases. For the jackknife both follow from those of all groups by
taking one group away, so its cost grows with the number of groups, and not with its square.
"""

from dataclasses import dataclass

import numpy as np

from uscl.metrics.concordance import Concordance
from uscl.metrics.groups import ratio


@dataclass(frozen=True)
class Drawn:
    """`weights` [draws, groups]: how often each group was drawn, or any other weight."""

    weights: np.ndarray

    def within(self, groups: np.ndarray) -> "Drawn":
        """The weights of some of the groups, by their numbers."""
        return Drawn(self.weights[:, groups])

    def sums(self, of_groups: np.ndarray) -> np.ndarray:
        """Weighted sums over groups: [..., groups] to [..., draws]."""
        return np.tensordot(of_groups, self.weights, axes=(-1, -1))

    def won(self, pairs: Concordance) -> np.ndarray:
        """Weighted pairs in the right order, [arms, seeds, draws]."""
        return pairs.won_in(self.weights)


@dataclass(frozen=True)
class WithoutEach:
    """Every group left out in turn; the others of its stratum count n / (n - 1) times.

    `scale` [strata, groups]: the weights of all groups if one of a stratum is left out, before it is. `stratum`,
    `place` [left out]: the stratum of the group that is left out, and its number; -1 if it is not among the groups.
    """

    scale: np.ndarray
    stratum: np.ndarray
    place: np.ndarray

    @classmethod
    def of(cls, strata: np.ndarray) -> "WithoutEach":
        """Each of the groups left out in turn; strata [groups], whole numbers from 0.

        >>> WithoutEach.of(np.array([0, 1, 1, 1])).scale
        array([[1. , 1. , 1. , 1. ],
               [1. , 1.5, 1.5, 1.5]])
        """
        others = np.bincount(strata) - 1
        same = np.arange(len(others))[:, None] == strata
        more = np.nan_to_num(ratio(np.ones(len(others)), others))
        return cls(1 + same * more[:, None], strata, np.arange(len(strata)))

    def within(self, groups: np.ndarray) -> "WithoutEach":
        """The weights of some of the groups, by their numbers."""
        place = np.full(self.scale.shape[1], -1)
        place[groups] = np.arange(len(groups))
        return WithoutEach(self.scale[:, groups], self.stratum, place[self.place])

    def sums(self, of_groups: np.ndarray) -> np.ndarray:
        """Weighted sums over groups: [..., groups] to [..., left out]."""
        found = np.tensordot(of_groups, self.scale, axes=(-1, -1))[..., self.stratum]
        here, own = self._left_out()
        found[..., here] -= own * of_groups[..., self.place[here]]
        return found

    def won(self, pairs: Concordance) -> np.ndarray:
        """Weighted pairs in the right order, [arms, seeds, left out]."""
        found = pairs.won_in(self.scale)[..., self.stratum]
        here, own = self._left_out()
        stratum, place = self.stratum[here], self.place[here]
        # The pairs within the group are among those of its positives and among those of its negatives.
        with_others = pairs.won_with(self.scale)[..., stratum, place] - own * pairs.won_inside()[..., place]
        found[..., here] -= own * with_others
        return found

    def _left_out(self) -> tuple[np.ndarray, np.ndarray]:
        """Which of the groups that are left out are among the groups, and the weight that each would have."""
        here = np.flatnonzero(self.place >= 0)
        return here, self.scale[self.stratum[here], self.place[here]]


Weights = Drawn | WithoutEach
