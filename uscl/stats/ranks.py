"""Several arms on several problems: average ranks, and the difference that is significant (Demsar, JMLR 7, 2006)."""

import numpy as np
from scipy.stats import friedmanchisquare, rankdata, studentized_range


def average_ranks(scores: np.ndarray, *, lower_is_better: bool = False) -> np.ndarray:
    """The mean over problems of each arm's rank; rank 1 is the best, ties share the mean of their ranks.

    `scores`: [problems, arms]. Raises ValueError if a score is NaN.
    """
    return ranks(scores, lower_is_better=lower_is_better).mean(axis=0)


def ranks(scores: np.ndarray, *, lower_is_better: bool = False) -> np.ndarray:
    """Ranks [problems, arms] within each problem."""
    if np.isnan(scores).any():
        raise ValueError("A score is NaN: rank only the problems for which all arms have a score.")
    return rankdata(scores if lower_is_better else -scores, axis=1)


def friedman(scores: np.ndarray) -> tuple[float, float]:
    """Friedman's chi-square and its p for scores [problems, arms]: do any arms differ in their ranks?

    (0, 1) if all arms tie on every problem. (NaN, NaN) for fewer than three arms, for which the test is not defined,
    or fewer than two problems. p comes from a chi-square distribution, which is rough below about ten problems.
    """
    if scores.shape[0] < 2 or scores.shape[1] < 3:
        return float("nan"), float("nan")
    if (ranks(scores) == ranks(scores)[:, :1]).all():
        return 0.0, 1.0
    found = friedmanchisquare(*scores.T)
    return float(found.statistic), float(found.pvalue)


def critical_difference(arms: int, problems: int, alpha: float = 0.05) -> float:
    """Two arms differ if their average ranks differ by at least this (Nemenyi's test).

    >>> round(critical_difference(arms=4, problems=14), 2)
    1.25
    """
    return nemenyi_q(arms, alpha) * float(np.sqrt(arms * (arms + 1) / (6 * problems)))


def nemenyi_q(arms: int, alpha: float = 0.05) -> float:
    """The studentised range for `arms` groups and infinite degrees of freedom, over the square root of 2."""
    return float(studentized_range.ppf(1 - alpha, arms, np.inf) / np.sqrt(2))
