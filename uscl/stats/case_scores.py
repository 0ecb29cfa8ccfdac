"""Scores of single cases, as means over seeds, for statistics over cases or groups instead of folds."""

import numpy as np

from uscl.metrics.registry import metric_named
from uscl.stats.panel import Panel


def case_means(panel: Panel, name: str) -> np.ndarray | None:
    """The mean over seeds of each case's score, [arms, n], fold after fold; None if single cases have no such score.

    A case has an accuracy (0 or 1 per seed), or a Dice, an IoU and an HD95; other metrics need many cases.
    """
    of_case = metric_named(name).of_case
    if of_case is None:
        return None
    parts = panel.folds.values()
    if panel.classes:
        scores = [of_case(part.values["predicted"], part.label) for part in parts]
    else:
        scores = [part.values[name] for part in parts]  # computed earlier, from the masks
    return np.concatenate(scores, axis=-1).mean(axis=1)


def case_groups(panel: Panel) -> np.ndarray:
    """The number of each case's group [n]; no two folds share a number."""
    parts = list(panel.folds.values())
    before = np.cumsum([0, *(part.groups for part in parts)])
    return np.concatenate([part.group + first for part, first in zip(parts, before[:-1], strict=True)])


def correct_by_mean_probability(panel: Panel) -> np.ndarray:
    """Whether each arm is right on each case by its mean probabilities over seeds, [arms, n]; ties: the first class."""
    parts = panel.folds.values()
    decided = [part.values["probabilities"].mean(axis=2).argmax(axis=0) == part.label for part in parts]
    return np.concatenate(decided, axis=-1)
