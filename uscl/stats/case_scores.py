"""Scores of single cases, as means over trainings, for statistics over cases or groups."""

import numpy as np

from uscl.metrics.registry import metric_named
from uscl.stats.panel import Panel


def case_means(panel: Panel, name: str) -> np.ndarray | None:
    """The mean over trainings of each case's score, [arms, n]; None if single cases have no such score.

    A case has an accuracy (0 or 1 per training), or the scores of an image, such as its Dice; other metrics need many
    cases.
    """
    values = panel.cases.values
    if not panel.classes:  # scores of images were computed earlier, from the masks
        return values[name].mean(axis=1) if name in values else None
    of_case = metric_named(name).of_case
    return None if of_case is None else of_case(values["predicted"], panel.cases.label).mean(axis=1)


def correct_by_mean_probability(panel: Panel) -> np.ndarray:
    """Whether each arm is right on each case by its mean probabilities over trainings, [arms, n]; ties: first class."""
    return panel.cases.values["probabilities"].mean(axis=2).argmax(axis=0) == panel.cases.label
