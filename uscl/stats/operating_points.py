"""Sensitivity at fixed specificities, and specificity at fixed sensitivities, with intervals.

A threshold belongs to a model, so the share of a training is the mean over its folds, each at its own best threshold on
its test part, as for AUROC. The threshold is chosen on the cases that are scored: this is what the ranking of a model
allows, not what a threshold that was fixed before would reach. Not smooth, so there is no test of methods.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from uscl.base.seeds import generator
from uscl.metrics.groups import mean_of_defined
from uscl.metrics.registry import CLASSIFICATION
from uscl.metrics.thresholds import SENSITIVITY, SPECIFICITY, at_fixed
from uscl.stats.bootstrap import drawn, interval
from uscl.stats.panel import Panel, to_panel
from uscl.stats.panel_scores import at_once, chunks
from uscl.stats.summary import sd

COLUMNS = ["arm", "class", "fixed", "at", "metric", "mean", "sd", "trainings", "models_ci_low", "models_ci_high"]


class Point(NamedTuple):
    """What is fixed, at which share."""

    fixed: str
    at: float

    @property
    def metric(self) -> str:
        """What is scored."""
        return SENSITIVITY if self.fixed == SPECIFICITY else SPECIFICITY


def operating_points(
    cases: pd.DataFrame, asked: Mapping[str, Sequence[float]], *, draws: int, seed: int
) -> pd.DataFrame:
    """One row per arm, class and point: mean and sd over trainings, and the 95 % interval of these models.

    `cases` are the scored cases of all arms and seeds of a classification; `asked` has the shares of specificity and
    sensitivity that are fixed. models_ci: the cluster bootstrap of `uscl.stats.bootstrap`.
    """
    points = [Point(fixed, at) for fixed in (SPECIFICITY, SENSITIVITY) for at in asked.get(fixed) or ()]
    if cases.empty:  # no arm is complete
        return pd.DataFrame(columns=COLUMNS)
    panel = to_panel(cases, CLASSIFICATION)
    own = of_trainings(panel, points, np.ones((1, panel.cases.groups)))[..., 0]
    found = []
    for chunk, size in chunks(draws):
        weights = drawn(panel.strata, size, generator(seed, "bootstrap", chunk)).astype(float)
        for part in at_once(size, len(panel.cases.group)):
            found.append(mean_of_defined(of_trainings(panel, points, weights[part]), axis=3))
    in_draws = np.concatenate(found, axis=-1)
    rows = [
        (arm, name, *point, point.metric, *in_words(own[p, c, a], in_draws[p, c, a]))
        for a, arm in enumerate(panel.arms)
        for c, name in enumerate(panel.classes)
        for p, point in enumerate(points)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def in_words(scores: np.ndarray, in_draws: np.ndarray) -> tuple[float, float, int, float, float]:
    """Mean, sd and number of the trainings' scores, and the interval of their mean."""
    mean = float(mean_of_defined(scores, 0))
    low, high = np.clip(interval(in_draws, mean), 0, 1)
    return mean, sd(scores), len(scores), float(low), float(high)


def of_trainings(panel: Panel, points: Sequence[Point], weights: np.ndarray) -> np.ndarray:
    """The points of every training in draws with these weights [draws, groups]: [points, classes, arms, trainings,
    draws]."""
    shape = (len(points), len(panel.classes), len(panel.arms), len(panel.seeds), len(weights))
    found = np.full(shape, np.nan)
    for t, folds in enumerate(panel.folds):
        parts = [folds == number for number in np.unique(folds)]
        counts = [weights[:, panel.cases.group[part]] for part in parts]
        for p, c, a in np.ndindex(shape[:3]):
            score, positive = panel.cases.values["probabilities"][c, a, t], panel.cases.label == c
            each = [
                at_fixed(positive[part], score[part], *points[p], count)
                for part, count in zip(parts, counts, strict=True)
            ]
            found[p, c, a, t] = mean_of_defined(np.stack(each), axis=0)
    return found
