"""A primary comparison of the mean of a metric over several tasks, by the method test.

The score of a training is the mean of its scores on the tasks. Tasks of different data sets have different groups, so
leaving one out changes the score of its task alone; tasks on one data set share groups, and each is left out of all of
them together.
"""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import pandas as pd

from uscl.data.units import counted_units, listed
from uscl.stats.panel import Panel, to_panel
from uscl.stats.panel_scores import training_scores, without_each_group
from uscl.stats.scored_trainings import METHOD, ScoredTrainings, of_methods

PLACE = ["arm", "reference", "task", "regime", "level", "metric"]
COLUMNS = [*PLACE, "difference", *METHOD, "df", "p", "trainings", "reference_trainings", "deterministic"]
COLUMNS += ["groups", "n_groups", "n_cases", "reason"]


class OnTask(NamedTuple):
    """A task of an endpoint, with its data set and its scored cases at its level, of all arms and seeds."""

    task: str
    dataset: str
    kind: str
    cases: pd.DataFrame


def endpoint(parts: Sequence[OnTask], pair: tuple[str, str], metric: str, form: str) -> dict[str, object] | None:
    """A row as in `uscl.stats.summary.comparisons`, of the mean over tasks; None if an arm is not complete.

    It has no columns about these models alone, nor any that need single cases.
    """
    parts = [part._replace(cases=part.cases[part.cases["arm"].isin(pair)]) for part in parts]
    if any(set(part.cases["arm"]) != set(pair) for part in parts):
        return None
    panels = [to_panel(part.cases, part.kind) for part in parts]
    scored = combined(panels, [part.dataset for part in parts], metric)
    both = [scored.arms.index(arm) for arm in pair]
    sizes = {
        "groups": listed([f"{counted_units(part.cases)} ({part.task})" for part in parts]),
        "n_groups": len(scored.strata),
        "n_cases": sum(len(panel.cases.group) for panel in panels),
    }
    return {"arm": pair[0], "reference": pair[1], "metric": metric} | of_methods(scored, 0, metric, both, form) | sizes


def combined(panels: Sequence[Panel], datasets: Sequence[str], metric: str) -> ScoredTrainings:
    """The trainings of all arms by the mean of a metric over tasks; `datasets` are those of the panels.

    A stratum holds the groups that are in the same tasks, and of the same class in each. Raises ValueError if tasks
    differ in arms or seeds.
    """
    if any((panel.arms, panel.seeds) != (panels[0].arms, panels[0].seeds) for panel in panels):
        raise ValueError("A mean over tasks needs the same arms and seeds on all of them.")
    own = [[(data, group) for group in panel.groups] for panel, data in zip(panels, datasets, strict=True)]
    place = {group: number for number, group in enumerate(dict.fromkeys(chain(*own)))}
    classes = np.full((len(place), len(panels)), -1)
    for task, (panel, groups) in enumerate(zip(panels, own, strict=True)):
        classes[[place[group] for group in groups], task] = panel.strata
    strata = np.unique(classes, axis=0, return_inverse=True)[1].ravel()
    scores, left_out = [], []
    for panel, groups in zip(panels, own, strict=True):
        here, m = [place[group] for group in groups], panel.metrics.index(metric)
        scores.append(training_scores(panel)[m])
        without = np.repeat(scores[-1][..., None], len(place), axis=-1)
        without[..., here] = without_each_group(panel, strata[here])[m]
        left_out.append(without)
    deterministic = [all(panel.deterministic(arm) for panel in panels) for arm in range(len(panels[0].arms))]
    return ScoredTrainings(panels[0].arms, np.mean(scores, 0)[None], np.mean(left_out, 0)[None], strata, deterministic)
