"""Cases in groups (patients, videos), and their counts and sums in many draws of these groups.

A draw gives every group of a fold a weight: the number of times it was drawn. Counts and sums of scores add up over
groups, so one matrix product gives those of all draws.
"""

from typing import NamedTuple

import numpy as np


class Part(NamedTuple):
    """The test cases of one fold, ordered by group.

    `group` [n]: the number of each case's group, 0 to groups - 1. `label` [n]: the number of its class (0 throughout
    for segmentation). `values`: arrays [..., arms, seeds, n] by name; for classification `predicted` (number of the
    class) and `probabilities` [classes, arms, seeds, n], for segmentation each image's scores (`dice`, `iou`, ...).
    """

    group: np.ndarray
    label: np.ndarray
    values: dict[str, np.ndarray]

    @property
    def groups(self) -> int:
        """Number of groups."""
        return int(self.group[-1]) + 1


def starts(group: np.ndarray) -> np.ndarray:
    """The index at which each group begins; `group` [n] is sorted."""
    return np.unique(group, return_index=True)[1]


def by_group(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Sums over the cases of each group: [..., n] to [..., groups]; `group` [n] is sorted."""
    return np.add.reduceat(values, starts(group), axis=-1, dtype=float)


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, NaN where whole is 0."""
    whole = np.broadcast_to(whole, part.shape)
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole != 0)


def mean_of_defined(values: np.ndarray, axis: int) -> np.ndarray:
    """The mean of the values that are not NaN; NaN if all are."""
    defined = ~np.isnan(values)
    return ratio(np.where(defined, values, 0).sum(axis=axis), defined.sum(axis=axis))
