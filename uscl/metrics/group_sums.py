"""Sums over groups, and what is made of them in every draw."""

import numpy as np


def starts(group: np.ndarray) -> np.ndarray:
    """Where each group begins; `group` [n] is in order."""
    return np.unique(group, return_index=True)[1]


def by_group(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Sums over the cases of each group: [..., n] to [..., groups]; `group` [n] is in order."""
    return np.add.reduceat(values, starts(group), axis=-1, dtype=float)


def weighted(sums: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sums [..., groups] in draws with weights [draws, groups]: [..., draws]."""
    return np.tensordot(sums, weights, axes=(-1, -1))


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, NaN where whole is 0."""
    whole = np.broadcast_to(whole, part.shape)
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole != 0)


def mean_of_defined(values: np.ndarray, axis: int) -> np.ndarray:
    """The mean of what is not NaN; NaN where nothing is."""
    defined = ~np.isnan(values)
    return ratio(np.where(defined, values, 0).sum(axis=axis), defined.sum(axis=axis))
