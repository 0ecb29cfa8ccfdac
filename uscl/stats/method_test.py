"""The method test: is one method better than another, if another training of each is another draw?

The scores of a method's trainings differ by luck (of the partition, of pretraining, of fine-tuning), and all trainings
are scored on the same patients. Obuchowski and Rockette (Commun Stat Simul Comput 1995, 24:285,
doi:10.1080/03610919508813243) model readers in the place of trainings; Hillis (Stat Med 2014, 33:330,
doi:10.1002/sim.5926) gives the form for readers who are not paired. Here the numbers of trainings may differ, and the
degrees of freedom are Welch's and Satterthwaite's. For arms i = 1, 2 with trainings t = 1 ... r_i and scores theta_it:

    d   = mean_t theta_1t - mean_t theta_2t
    S_i = sd of theta_i1 ... theta_ir, with r_i - 1; 0 if r_i = 1 (a deterministic arm)
    c_i = mean covariance of two different trainings of arm i; the variance if r_i = 1
    x   = mean covariance of a training of arm 1 and a training of arm 2
    C   = max(c_1 + c_2 - 2 x, 0)                                        the part of the patients
    V   = S_1^2 / r_1 + S_2^2 / r_2 + C
    df  = V^2 / [(S_1^2 / r_1)^2 / (r_1 - 1) + (S_2^2 / r_2)^2 / (r_2 - 1) + C^2 / nu]
    t   = d / sqrt(V)

Covariances come from the jackknife over patients within strata h (classes), with n_h patients each (`jackknife`). If
C_h is the part of stratum h in C, then nu = C^2 / sum_h [C_h^2 / (n_h - 1)].

In the crossed form both arms have the same streams, training by training: S_D^2 / r, with S_D the sd of the paired
differences, takes the place of the first two terms, its degrees of freedom are r - 1, and x is over different trainings
only.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit
from scipy.stats import t as student


class Covariances(NamedTuple):
    """Jackknife covariances of scores: one matrix per stratum, [strata, scores, scores]; and its groups [strata]."""

    by_stratum: np.ndarray
    groups: np.ndarray

    def of(self, scores: slice | list[int]) -> "Covariances":
        """Those of some of the scores."""
        return Covariances(self.by_stratum[:, scores][:, :, scores], self.groups)


class Estimate(NamedTuple):
    """A mean or a difference with its variance, in two parts: from trainings and from patients; and the df of both."""

    value: float
    from_trainings: float
    from_patients: float
    df: float

    @property
    def se(self) -> float:
        """The standard error, over trainings and patients."""
        return float(np.sqrt(self.from_trainings + self.from_patients))

    def p(self) -> float:
        """Two-sided p of the hypothesis that the value is 0. Without any variance: 1 if it is 0, else NaN."""
        if self.se == 0:
            return 1.0 if self.value == 0 else float("nan")
        return float(2 * student.sf(abs(self.value) / self.se, self.df))

    def p_below(self, margin: float) -> float:
        """One-sided p of the hypothesis that the value is `margin` or more. Without any variance: NaN."""
        return float(student.sf((margin - self.value) / self.se, self.df)) if self.se > 0 else float("nan")

    def p_equal(self, margin: float) -> float:
        """p of two one-sided tests of the hypothesis that the value is at least `margin` away from 0 (Schuirmann 1987,
        doi:10.1007/BF01068419)."""
        return max(self.p_below(margin), self._replace(value=-self.value).p_below(margin))

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The interval of the value; NaN without any variance, which would make it a point."""
        half = self.half_width(level)
        return self.value - half, self.value + half

    def logit_interval(self, level: float = 0.95) -> tuple[float, float]:
        """The interval of a share, symmetric on the logit scale; NaN if the share is 0 or 1."""
        if not 0 < self.value < 1:
            return float("nan"), float("nan")
        half = self.half_width(level) / (self.value * (1 - self.value))
        return float(expit(logit(self.value) - half)), float(expit(logit(self.value) + half))

    def half_width(self, level: float) -> float:
        """Half the width of the interval."""
        return float(student.ppf((1 + level) / 2, self.df) * self.se) if self.se > 0 else float("nan")


def jackknife(left_out: np.ndarray, stratum: np.ndarray) -> Covariances:
    """Covariances of scores over groups, from the scores without each group in turn.

    `left_out` [scores, groups]; `stratum` [groups]: the number of each group's stratum. A stratum of n groups gives
    (n - 1) / n times the sum of squares and products about its mean (Efron & Stein 1981, doi:10.1214/aos/1176345462).
    NaN for a stratum of one group, which leaves nothing to compare.
    """
    numbers, groups = np.unique(stratum, return_counts=True)
    found = np.full((len(numbers), len(left_out), len(left_out)), np.nan)
    for place, (number, count) in enumerate(zip(numbers, groups, strict=True)):
        if count > 1:
            apart = left_out[:, stratum == number]
            apart = apart - apart.mean(axis=1, keepdims=True)
            found[place] = (count - 1) / count * (apart @ apart.T)
    return Covariances(found, groups)


def nested(first: np.ndarray, second: np.ndarray, covariances: Covariances) -> Estimate:
    """The difference of two arms whose trainings are independent, `first` [r_1] minus `second` [r_2].

    `covariances` are those of all r_1 + r_2 scores, in this order. Equations: see the top of this file.
    """
    r = len(first)
    own = within(covariances.by_stratum[:, :r, :r]) + within(covariances.by_stratum[:, r:, r:])
    by_stratum = own - 2 * covariances.by_stratum[:, :r, r:].mean(axis=(1, 2))
    luck = [(variance(scores) / len(scores), len(scores) - 1) for scores in (first, second)]
    return estimate(first.mean() - second.mean(), luck, by_stratum, covariances.groups)


def crossed(first: np.ndarray, second: np.ndarray, covariances: Covariances) -> Estimate:
    """The difference of two arms that share the random streams of each training, `first` [r] minus `second` [r].

    Raises ValueError for different numbers of trainings.
    """
    r = len(first)
    if r != len(second):
        raise ValueError(f"Crossed trainings come in pairs, not {r} and {len(second)}.")
    own = within(covariances.by_stratum[:, :r, :r]) + within(covariances.by_stratum[:, r:, r:])
    by_stratum = own - 2 * within(covariances.by_stratum[:, :r, r:])
    return estimate((first - second).mean(), [(variance(first - second) / r, r - 1)], by_stratum, covariances.groups)


def alone(scores: np.ndarray, covariances: Covariances) -> Estimate:
    """The mean of one arm's trainings [r]; `covariances` are those of its scores."""
    luck = [(variance(scores) / len(scores), len(scores) - 1)]
    return estimate(scores.mean(), luck, within(covariances.by_stratum), covariances.groups)


def estimate(value: float, luck: list[tuple[float, int]], by_stratum: np.ndarray, groups: np.ndarray) -> Estimate:
    """A value with variances from trainings, each with its degrees of freedom, and from patients [strata]."""
    patients = max(by_stratum.sum(), 0.0)
    parts = [part**2 / df for part, df in luck if part > 0]
    if patients > 0:  # patients^2 / nu
        parts.append((by_stratum**2 / (groups - 1)).sum())
    trainings = sum(part for part, _ in luck)
    df = (trainings + patients) ** 2 / sum(parts) if parts else np.nan
    return Estimate(float(value), float(trainings), float(patients), float(df))


def within(covariances: np.ndarray) -> np.ndarray:
    """The mean covariance of two different trainings [strata], of matrices [strata, r, r]; the variance if r = 1."""
    r = covariances.shape[1]
    diagonal = np.trace(covariances, axis1=1, axis2=2)
    return diagonal if r == 1 else (covariances.sum(axis=(1, 2)) - diagonal) / (r * (r - 1))


def variance(scores: np.ndarray) -> float:
    """Variance with n - 1; 0 for one score."""
    return float(scores.var(ddof=1)) if len(scores) > 1 else 0.0
