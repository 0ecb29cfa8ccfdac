"""Segmentation metrics of many draws of groups at once."""

from typing import NamedTuple

import numpy as np

from uscl.metrics.group_sums import by_group, weighted
from uscl.stats.panel import PER_IMAGE, Part


class Sums(NamedTuple):
    """A fold by group, and its images by Dice.

    `images` [groups]: images of each. `scores` [4, arms, seeds, groups]: sums of Dice, IoU, HD95 and of images whose
    Dice is 0. `sorted_dice`, `owner` [arms, seeds, n]: Dice in ascending order, and the group of each.
    """

    images: np.ndarray
    scores: np.ndarray
    sorted_dice: np.ndarray
    owner: np.ndarray


def image_sums(part: Part) -> Sums:
    """The sums of a fold."""
    dice = part.values["dice"]
    scores = np.stack([*(part.values[name] for name in PER_IMAGE), dice == 0])
    order = dice.argsort(axis=-1, kind="stable")
    return Sums(
        np.bincount(part.group),
        by_group(scores, part.group),
        np.take_along_axis(dice, order, axis=-1),
        part.group[order],
    )


def image_scores(sums: Sums, weights: np.ndarray) -> np.ndarray:
    """Scores [metrics, arms, seeds, draws] in the order of `metric_names`; weights [draws, groups]."""
    dice, iou, hd95, zero = weighted(sums.scores, weights) / (weights @ sums.images)
    return np.stack([dice, medians(sums.sorted_dice, sums.owner, weights), iou, hd95, zero])


def medians(ascending: np.ndarray, owner: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Medians of values that count as often as their group was drawn, [..., draws].

    `ascending` [..., n] are the values, `owner` [..., n] their groups, `weights` [draws, groups] whole numbers. The
    mean of the two values in the middle where their number is even.
    """
    times = weights.T.astype(np.int32)
    found = np.empty((*ascending.shape[:-1], len(weights)))
    for cell in np.ndindex(ascending.shape[:-1]):
        up_to = times[owner[cell]].cumsum(axis=0, dtype=np.int32) * 2
        lower, upper = (up_to < up_to[-1] // 2).sum(axis=0), (up_to <= up_to[-1] // 2).sum(axis=0)
        found[cell] = (ascending[cell][lower] + ascending[cell][upper]) / 2
    return found
