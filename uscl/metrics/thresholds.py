"""What a threshold on the probability of a class gives: sensitivity and specificity, precision, net benefit.

A case is called positive if its score is at least the threshold. Pure functions of one class against the rest.
"""

import numpy as np

from uscl.metrics.groups import ratio

SENSITIVITY, SPECIFICITY = "sensitivity", "specificity"
ROUNDING = 1e-12  # of shares that are equal


def at_fixed(positive: np.ndarray, score: np.ndarray, fixed: str, share: float, weights: np.ndarray) -> np.ndarray:
    """The best sensitivity at a specificity of at least `share`, or the reverse (`fixed` names the fixed one), [draws].

    `positive` [n] is boolean, `weights` [draws, n] say how often each case counts. NaN in draws without a positive or
    without a negative.

    >>> positive, score = np.array([True, True, False, False]), np.array([0.9, 0.4, 0.5, 0.1])
    >>> at_fixed(positive, score, "specificity", 1.0, np.ones((1, 4)))
    array([0.5])
    """
    order = np.argsort(-score, kind="stable")
    last = np.append(np.diff(score[order]) != 0, True)  # thresholds lie between different scores
    counts = weights[:, order]
    of_class = [counts * (positive[order] == side) for side in (True, False)]
    called = [np.pad(side.cumsum(axis=1)[:, last], ((0, 0), (1, 0))) for side in of_class]
    whole = [side.sum(axis=1, keepdims=True) for side in of_class]
    shares = {SENSITIVITY: ratio(called[0], whole[0]), SPECIFICITY: 1 - ratio(called[1], whole[1])}
    other = shares[SENSITIVITY if fixed == SPECIFICITY else SPECIFICITY]
    best = np.where(shares[fixed] >= share - ROUNDING, other, -np.inf).max(axis=1)
    return np.where(np.isfinite(best), best, np.nan)


def net_benefit(positive: np.ndarray, probability: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """The net benefit of treating the cases whose probability reaches each threshold, in true positives per case.

    Vickers and Elkin, Med Decis Making 2006, 26:565: TP / n - FP / n x t / (1 - t). `thresholds` are below 1.

    >>> net_benefit(np.array([True, False]), np.array([0.8, 0.6]), np.array([0.5, 0.7])).tolist()
    [0.0, 0.5]
    """
    treated = probability >= thresholds[:, None]
    right, wrong = (treated & positive).mean(axis=1), (treated & ~positive).mean(axis=1)
    return np.asarray(right - wrong * thresholds / (1 - thresholds))
