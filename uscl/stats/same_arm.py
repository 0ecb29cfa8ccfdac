"""A/A: how often tests find a difference between trainings of one and the same arm.

The trainings of an arm, which differ in nothing but their random numbers, are divided at random into two arms of a few
trainings each; a test at 5 % should find them different in 5 % of the divisions. This tests the part of luck. All
trainings are scored on the same patients, so it says nothing about the part of the patients.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import t as student

from uscl.base.seeds import derive, generator
from uscl.stats.method_test import jackknife, nested
from uscl.stats.panel import Panel, to_panel
from uscl.stats.panel_scores import training_scores, without_each_group
from uscl.stats.tests import swap_test

ALPHA = 0.05


class Rate(NamedTuple):
    """A share of divisions with its interval, by a jackknife over trainings."""

    share: float
    low: float
    high: float


def same_arm_rates(
    cases: pd.DataFrame, kind: str, metric: str, *, each: int = 3, divisions: int = 200, draws: int = 500, seed: int = 0
) -> dict[str, Rate]:
    """The shares of divisions in which the method test and the swap test find a difference.

    `cases` are those of one arm with many seeds (`cases.parquet`); `each` is the number of trainings of either side.
    """
    panel = to_panel(cases, kind)
    place = panel.metrics.index(metric)
    chosen = divided(len(panel.seeds), each, divisions, seed)
    found = {
        "method test": method_test(panel, place, chosen),
        "these models": np.array(
            [swap(panel, place, each, one, draws, derive(seed, number)) for number, one in enumerate(chosen)]
        ),
    }
    return {test: rate(p < ALPHA, chosen, len(panel.seeds)) for test, p in found.items()}


def divided(trainings: int, each: int, divisions: int, seed: int) -> np.ndarray:
    """The trainings of the first and then of the second side in random divisions, [divisions, 2 each].

    Raises ValueError for too few trainings.
    """
    if trainings < 2 * each:
        raise ValueError(f"{trainings} trainings can't be divided into two arms of {each}.")
    random = generator(seed, "divisions")
    return np.stack([random.permutation(trainings)[: 2 * each] for _ in range(divisions)])


def method_test(panel: Panel, place: int, chosen: np.ndarray) -> np.ndarray:
    """p of the method test in each division [divisions]."""
    scores, each = training_scores(panel)[place, 0], chosen.shape[1] // 2
    covariances = jackknife(without_each_group(panel)[place, 0], panel.strata)
    return np.array(
        [nested(scores[one[:each]], scores[one[each:]], covariances.of(one.tolist())).p() for one in chosen]
    )


def swap(panel: Panel, place: int, each: int, chosen: np.ndarray, draws: int, seed: int) -> float:
    """p of the swap test in a division [2 each]."""
    sides = (chosen[:each], chosen[each:])
    values = {
        name: np.concatenate([array[..., side, :] for side in sides], axis=-3)
        for name, array in panel.cases.values.items()
    }
    both = panel._replace(
        arms=["first", "second"],
        seeds=list(range(each)),
        cases=panel.cases._replace(values=values),
        # The folds matter to AUROC alone, and each side would need its own.
        folds=panel.folds[sides[0]],
    )
    return float(swap_test(both, 0, 1, draws, seed)[place])


def rate(different: np.ndarray, chosen: np.ndarray, trainings: int) -> Rate:
    """The share of divisions [divisions] found different; its interval comes from leaving out each training in turn."""
    without = [different[~(chosen == training).any(axis=1)].mean() for training in range(trainings)]
    se = np.sqrt((trainings - 1) / trainings * np.sum((np.array(without) - np.mean(without)) ** 2))
    half, share = student.ppf(0.975, trainings - 1) * se, float(different.mean())
    return Rate(share, max(0.0, share - half), min(1.0, share + half))
