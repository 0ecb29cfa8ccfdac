"""Scores of single cases, the mean over seeds, for what looks at cases or groups and not at folds."""

import numpy as np

from uscl.metrics.registry import metric_named
from uscl.stats.panel import Panel


def case_means(panel: Panel, name: str) -> np.ndarray | None:
    """The mean over seeds of each case's score, [arms, n], folds one after the other; None for a metric of no case.

    A case has an accuracy (0 or 1 with a seed), a Dice, an IoU and an HD95; other metrics are of many cases only.
    """
    of_case = metric_named(name).of_case
    if of_case is None:
        return None
    parts = panel.folds.values()
    if panel.classes:
        scores = [of_case(part.values["predicted"], part.label) for part in parts]
    else:
        scores = [part.values[name] for part in parts]  # scored when the masks were at hand
    return np.concatenate(scores, axis=-1).mean(axis=1)


def case_groups(panel: Panel) -> np.ndarray:
    """The number of each case's group [n], other numbers in every fold."""
    parts = list(panel.folds.values())
    before = np.cumsum([0, *(part.groups for part in parts)])
    return np.concatenate([part.group + first for part, first in zip(parts, before[:-1], strict=True)])


def correct_by_mean_probability(panel: Panel) -> np.ndarray:
    """Whether each arm is right on each case by its mean probabilities over seeds, [arms, n]; ties: the first class."""
    parts = panel.folds.values()
    decided = [part.values["probabilities"].mean(axis=2).argmax(axis=0) == part.label for part in parts]
    return np.concatenate(decided, axis=-1)
