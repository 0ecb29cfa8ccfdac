"""The method test of two arms, and what it rests on: the scores of all trainings, also without each group."""

from typing import NamedTuple

import numpy as np

from uscl.metrics.groups import mean_of_defined
from uscl.metrics.registry import metric_named
from uscl.stats.method_test import Covariances, Estimate, crossed, jackknife, nested
from uscl.stats.panel import Panel
from uscl.stats.panel_scores import training_scores, without_each_group

METHOD = ["ci_low", "ci_high", "se_trainings", "se_patients"]
FORMS = {"nested": nested, "crossed": crossed}
ONE_TRAINING = "one training: it says something about these models only"
NOT_SMOOTH = "this metric is not smooth, so the jackknife gives it no variance"
NOTHING_TO_LEAVE_OUT = "a class has a single group, so there is nothing to leave out"
NO_SPREAD = "neither trainings nor groups differ"
UNDEFINED = "undefined in a training, or without one of the groups"


class ScoredTrainings(NamedTuple):
    """Scores of trainings, and what they would be without each group.

    `scores` [metrics, arms, trainings]; `left_out` [metrics, arms, trainings, groups]; `strata` [groups];
    `deterministic` says of each arm whether its trainings can't differ.
    """

    arms: list[str]
    scores: np.ndarray
    left_out: np.ndarray
    strata: np.ndarray
    deterministic: list[bool]

    @classmethod
    def of_panel(cls, panel: Panel) -> "ScoredTrainings":
        """Those of a task."""
        deterministic = [panel.deterministic(arm) for arm in range(len(panel.arms))]
        return cls(panel.arms, training_scores(panel), without_each_group(panel), panel.strata, deterministic)

    def over_draws(self, label_draws: int) -> "ScoredTrainings":
        """Each training with the mean over its draws of the labels, which follow each other."""
        if label_draws == 1:
            return self
        scores, left_out = (
            array.reshape(*array.shape[:2], -1, label_draws, *array.shape[3:]).mean(axis=3)
            for array in (self.scores, self.left_out)
        )
        return self._replace(scores=scores, left_out=left_out)

    def count(self, arm: int) -> int:
        """The number of an arm's trainings that may differ: 1 if it is deterministic."""
        return 1 if self.deterministic[arm] else self.scores.shape[2]

    def of(self, metric: int, arm: int) -> np.ndarray:
        """The scores of an arm's trainings [r]."""
        return self.scores[metric, arm, : self.count(arm)]

    def covariances(self, metric: int, arms: list[int]) -> Covariances:
        """The jackknife covariances of the trainings of some arms, arm after arm."""
        left_out = [self.left_out[metric, arm, : self.count(arm)] for arm in arms]
        return jackknife(np.concatenate(left_out), self.strata)

    def why_no_variance(self, name: str, arms: list[int]) -> str | None:
        """Why there is no variance over trainings and groups in a metric; None if there is."""
        if not metric_named(name).smooth:
            return NOT_SMOOTH
        if any(self.count(arm) == 1 and not self.deterministic[arm] for arm in arms):
            return ONE_TRAINING
        if np.unique(self.strata, return_counts=True)[1].min() < 2:
            return NOTHING_TO_LEAVE_OUT
        return None


def of_methods(trained: ScoredTrainings, m: int, name: str, both: list[int], form: str) -> dict[str, object]:
    """The difference between two arms and the method test."""
    first, second = (trained.of(m, arm) for arm in both)
    reason = trained.why_no_variance(name, both)
    found = Estimate(float(mean_of_defined(first, 0) - mean_of_defined(second, 0)), np.nan, np.nan, np.nan)
    if reason is None:
        # Trainings come in pairs only if both arms have several.
        test = FORMS[form] if len(first) == len(second) > 1 else nested
        found = test(first, second, trained.covariances(m, both))
        reason = why_nothing(found)
    return {
        "difference": found.value,
        **dict(zip(METHOD, (*found.interval(), *parts(found)), strict=True)),
        "df": found.df,
        "p": found.p(),
        "trainings": len(first),
        "reference_trainings": len(second),
        "deterministic": " ".join(trained.arms[arm] for arm in both if trained.deterministic[arm]) or None,
        "reason": reason,
    }


def why_nothing(found: Estimate) -> str | None:
    """Why an estimate supports no interval; None if it does."""
    if np.isnan(found.se):
        return UNDEFINED
    return NO_SPREAD if found.se == 0 else None


def parts(found: Estimate) -> tuple[float, float]:
    """The standard errors from trainings and from patients."""
    return float(np.sqrt(found.from_trainings)), float(np.sqrt(found.from_patients))
