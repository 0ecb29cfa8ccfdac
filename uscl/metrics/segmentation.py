"""Segmentation metrics, each in two forms side by side: for one cell's images, and for many draws of groups at once.

Scores of single images (`uscl.metrics.masks`) give the metrics of a cell (`ScoredImages`), and, by sums over groups
(`uscl.metrics.groups`), those of draws (`ImageDraws`; functions whose names end in `_of_draws`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from uscl.metrics.groups import Part, by_group, ratio
from uscl.metrics.weights import Weights, WithoutEach

ScoredImages = Mapping[str, np.ndarray]  # scores [n] of a cell's images by metric
FROM_STORED_MASKS = ("dice", "iou", "hd95")  # scores over all structures that every task has


@dataclass(frozen=True)
class ImageGroups:
    """The images of a fold, summed by group, for all arms and seeds; and their Dice in ascending order.

    `images` [groups]: number of images per group. `sums` [scores, arms, seeds, groups]: the sum of each score of
    `names`, which the stored masks give, and last the number of images whose Dice is 0. `more_sums`: those of
    `more_names`, of single structures and at the size of the source pictures. `sorted_dice`, `owner` [arms, seeds, n]:
    Dice in ascending order, and the group of each value.
    """

    names: tuple[str, ...]
    more_names: tuple[str, ...]
    images: np.ndarray
    sums: np.ndarray
    more_sums: np.ndarray
    sorted_dice: np.ndarray
    owner: np.ndarray

    @classmethod
    def of(cls, part: Part) -> "ImageGroups":
        """The sums of a fold."""
        dice = part.values["dice"]
        names = tuple(name for name in part.values if name in FROM_STORED_MASKS)
        more = tuple(name for name in part.values if name not in names)
        order = dice.argsort(axis=-1, kind="stable")
        return cls(
            names,
            more,
            np.bincount(part.group),
            by_group(np.stack([*(part.values[name] for name in names), dice == 0]), part.group),
            by_group(np.stack([part.values[name] for name in more]), part.group) if more else np.empty((0, 0, 0, 0)),
            np.take_along_axis(dice, order, axis=-1),
            part.group[order],
        )

    def drawn(self, weights: Weights) -> "ImageDraws":
        """The images in draws of the groups."""
        # One product for these scores: computed separately, or with others, their last digits would differ.
        images = weights.sums(self.images)
        *means, zero = ratio(weights.sums(self.sums), images)
        more = ratio(weights.sums(self.more_sums), images) if self.more_names else ()
        by_name = dict(zip((*self.names, *self.more_names), (*means, *more), strict=True))
        return ImageDraws(self, weights, by_name, zero)


@dataclass(frozen=True)
class ImageDraws:
    """The images of a fold in many draws of its groups.

    `means`: the mean of each score, and `zero` the share of images whose Dice is 0, all [arms, seeds, draws].
    """

    groups: ImageGroups
    weights: Weights
    means: dict[str, np.ndarray]
    zero: np.ndarray


def mean(name: str) -> Callable[[ScoredImages], float]:
    """The mean of a score over images."""
    return lambda images: float(images[name].mean())


def mean_of_draws(name: str) -> Callable[[ImageDraws], np.ndarray]:
    """`mean` of draws, [arms, seeds, draws]."""
    return lambda draws: draws.means[name]


def median_dice(images: ScoredImages) -> float:
    """The median Dice of the images."""
    return float(np.median(images["dice"]))


def median_dice_of_draws(draws: ImageDraws) -> np.ndarray:
    """`median_dice` of draws, [arms, seeds, draws]; NaN without a group, as no jackknife may use a median."""
    if isinstance(draws.weights, WithoutEach):
        return np.full_like(draws.zero, np.nan)
    return medians(draws.groups.sorted_dice, draws.groups.owner, draws.weights.weights)


def zero_dice_share(images: ScoredImages) -> float:
    """The share of images whose Dice is 0."""
    return float((images["dice"] == 0).mean())


def zero_dice_share_of_draws(draws: ImageDraws) -> np.ndarray:
    """`zero_dice_share` of draws, [arms, seeds, draws]."""
    return draws.zero


def medians(ascending: np.ndarray, owner: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Medians of values that count as often as their group was drawn, [..., draws].

    `ascending` [..., n] are the values, `owner` [..., n] their groups, `weights` [draws, groups] whole numbers. For an
    even number of values, the median is the mean of the two in the middle.
    """
    times = weights.T.astype(np.int32)
    found = np.empty((*ascending.shape[:-1], len(weights)))
    for cell in np.ndindex(ascending.shape[:-1]):
        up_to = times[owner[cell]].cumsum(axis=0, dtype=np.int32) * 2
        lower, upper = (up_to < up_to[-1] // 2).sum(axis=0), (up_to <= up_to[-1] // 2).sum(axis=0)
        found[cell] = (ascending[cell][lower] + ascending[cell][upper]) / 2
    return found
