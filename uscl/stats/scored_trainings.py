"""What the method test rests on: the scores of all trainings, also without each group, in one or several metrics."""

from typing import NamedTuple

import numpy as np

from uscl.metrics.registry import metric_named
from uscl.stats.method_test import Covariances, jackknife
from uscl.stats.panel import Panel
from uscl.stats.panel_scores import training_scores, without_each_group

ONE_TRAINING = "one training: it says something about these models only"
NOT_SMOOTH = "this metric is not smooth, so the jackknife gives it no variance"
NOTHING_TO_LEAVE_OUT = "a class has a single group, so there is nothing to leave out"


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
