"""The tests of methods and of models on the mean scores of thousands of simulated studies at once.

A second, vectorised form of the project's tests, for scores that are means over patients. S is the number of studies,
r of an arm's trainings, G of patients, H of strata (classes); patients are ordered by stratum.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm
from scipy.stats import t as student


class Arm(NamedTuple):
    """One arm in all studies; `own` is its mean jackknife covariance between two of its trainings, by stratum."""

    mean: np.ndarray  # [S]
    by_training: np.ndarray  # [S, r]
    influence: np.ndarray  # [S, r, G]
    own: np.ndarray  # [S, H]


class Estimate(NamedTuple):
    """A mean or a difference with its variance and degrees of freedom, each [S]."""

    value: np.ndarray
    variance: np.ndarray
    df: np.ndarray


def to_arm(scores: np.ndarray, frames: np.ndarray, strata: tuple[int, ...], *, reweighted: bool = True) -> Arm:
    """An arm from its patients' scores [S, r, G], each counted once per frame [S, G]; `reweighted`: see `left_out`."""
    by_training = (scores * frames[:, None]).sum(axis=-1) / frames.sum(axis=-1)[:, None]
    e = influences(left_out(scores, frames[:, None], strata, reweighted), strata)
    r, squares = scores.shape[1], by_stratum((e * e).sum(axis=1), strata)
    own = squares if r == 1 else (by_stratum(e.sum(axis=1) ** 2, strata) - squares) / (r * (r - 1))
    return Arm(by_training.mean(axis=1), by_training, e, own)


def left_out(scores: np.ndarray, weights: np.ndarray, strata: tuple[int, ...], reweighted: bool) -> np.ndarray:
    """The means without each patient in turn, [S, r, G].

    `reweighted`: the others of the patient's stratum count n / (n - 1) times, so that the stratum keeps its share of
    the mean. Without that, the variance of a stratum of n patients comes out as (n - 1)^2 / n^2 of what it is.
    """
    sums, means = scores * weights, np.empty_like(scores)
    total, count = sums.sum(axis=-1, keepdims=True), weights.sum(axis=-1, keepdims=True)
    for here, size in slices(strata):
        added = reweighted / (size - 1)  # to the weight of the stratum's others
        of_others = [x[..., here].sum(axis=-1, keepdims=True) - x[..., here] for x in (sums, weights)]
        kept = total - sums[..., here] + added * of_others[0]
        means[..., here] = kept / (count - weights[..., here] + added * of_others[1])
    return means


def influences(without: np.ndarray, strata: tuple[int, ...]) -> np.ndarray:
    """Scores without one patient [S, r, G] as e such that the jackknife covariance of two trainings is the sum of e e'.

    Cov = sum over strata h of (n_h - 1) / n_h sum over g of (theta_hg - mean_h) (theta_hg - mean_h)'.
    """
    e = np.empty_like(without)
    for here, size in slices(strata):
        e[..., here] = without[..., here] - without[..., here].mean(axis=-1, keepdims=True)
        e[..., here] *= np.sqrt((size - 1) / size)
    return e


def slices(strata: tuple[int, ...]) -> list[tuple[slice, int]]:
    """Where each stratum is among the patients, and its size."""
    ends = np.cumsum(strata)
    return [(slice(end - size, end), size) for end, size in zip(ends, strata, strict=True)]


def by_stratum(products: np.ndarray, strata: tuple[int, ...]) -> np.ndarray:
    """Sums [S, H] of products [S, G]."""
    return np.stack([products[:, here].sum(axis=-1) for here, _ in slices(strata)], axis=-1)


def nested(arm: Arm, reference: Arm, strata: tuple[int, ...]) -> Estimate:
    """The difference of two methods whose trainings are independent; a single training counts as deterministic.

    Obuchowski & Rockette (Commun Stat Simul 1995, 24:285) with readers of one arm each (Hillis, Stat Med 2014, 33:330);
    variances are not pooled and degrees of freedom are Welch's.
    """
    between = by_stratum(arm.influence.mean(axis=1) * reference.influence.mean(axis=1), strata)
    terms = [of_trainings(one.by_training) for one in (arm, reference) if one.by_training.shape[1] > 1]
    return estimate(arm.mean - reference.mean, terms, arm.own + reference.own - 2 * between, strata)


def crossed(arm: Arm, reference: Arm, strata: tuple[int, ...]) -> Estimate:
    """The difference of two methods that share training t's streams, for equally many trainings, at least two."""
    r, both = arm.by_training.shape[1], (arm.influence, reference.influence)
    products = both[0].sum(axis=1) * both[1].sum(axis=1) - (both[0] * both[1]).sum(axis=1)
    between = by_stratum(products, strata) / (r * (r - 1))
    terms = [of_trainings(arm.by_training - reference.by_training)]
    return estimate(arm.mean - reference.mean, terms, arm.own + reference.own - 2 * between, strata)


def mean_score(arm: Arm, strata: tuple[int, ...]) -> Estimate:
    """The mean of one arm over trainings and patients."""
    terms = [of_trainings(arm.by_training)] if arm.by_training.shape[1] > 1 else []
    return estimate(arm.mean, terms, arm.own, strata)


def of_trainings(scores: np.ndarray) -> tuple[np.ndarray, int]:
    """The variance [S] of the mean of trainings [S, r], and its degrees of freedom."""
    r = scores.shape[1]
    return scores.var(axis=1, ddof=1) / r, r - 1


def estimate(
    value: np.ndarray, terms: list[tuple[np.ndarray, int]], of_patients: np.ndarray, strata: tuple[int, ...]
) -> Estimate:
    """Variances of trainings and of patients [S, H] added, with Satterthwaite's degrees of freedom.

    nu = (sum_h C_h)^2 / sum_h [C_h^2 / (n_h - 1)] are those of the patients; df is infinite if the variance is 0.
    """
    c = np.maximum(of_patients.sum(axis=-1), 0)
    variance = c + sum(term for term, _ in terms)
    # C^2 / nu without a division by C
    rest = np.where(c > 0, (of_patients**2 / (np.array(strata) - 1)).sum(axis=-1), 0)
    rest = rest + sum(term**2 / df for term, df in terms)
    return Estimate(value, variance, np.divide(variance**2, rest, out=np.full_like(rest, np.inf), where=rest > 0))


def p_value(found: Estimate, equal_to: float = 0.0) -> np.ndarray:
    """Two-sided p, [S]; without any variance 1 if there is no difference, else NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * student.sf(np.abs(found.value - equal_to) / np.sqrt(found.variance), found.df)
    return np.where(found.variance > 0, p, np.where(found.value == equal_to, 1.0, np.nan))


def within(found: Estimate, margin: float) -> np.ndarray:
    """Whether two one-sided tests at 5 % show a difference below the margin, [S]."""
    return np.abs(found.value) + student.isf(0.05, found.df) * np.sqrt(found.variance) < margin


def logit_interval(found: Estimate) -> tuple[np.ndarray, np.ndarray]:
    """Ends [S] of the 95 % interval of a score between 0 and 100, symmetrical on the logit scale."""
    share = np.clip(found.value / 100, 1e-9, 1 - 1e-9)
    reach = student.isf(0.025, found.df) * np.sqrt(found.variance) / 100 / (share * (1 - share))
    return 100 * expit(logit(share) - reach), 100 * expit(logit(share) + reach)


def swap_p(scores: np.ndarray, of_reference: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Two-sided p [S] of swapping patients between two trained sets of models [S, r, G], frames [S, G].

    The normal limit of the project's `swap_test` for a mean: signs of the patients' differences are tossed.
    """
    swapped = frames * (scores.mean(axis=1) - of_reference.mean(axis=1))
    return 2 * norm.sf(np.abs(swapped.sum(axis=-1)) / np.sqrt((swapped**2).sum(axis=-1)))


def holm(p: np.ndarray) -> np.ndarray:
    """Adjusted p of families [S, tests], as `uscl.stats.holm` does it for one family."""
    order = p.argsort(axis=-1)
    steps = np.take_along_axis(p, order, axis=-1) * np.arange(p.shape[-1], 0, -1)
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, np.minimum(np.maximum.accumulate(steps, axis=-1), 1), axis=-1)
    return adjusted
