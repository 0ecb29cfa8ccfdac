"""Scores with few labels that are drawn several times in each training.

A draw takes other groups into the training part; encoder, partition and test cases stay those of the training. What a
training scores is the mean over its draws, so the intervals and tests over trainings and patients are the usual ones
(`uscl.stats.summary`). Next to them stands an interval over draws alone: what other few labels would change, with these
encoders and patients.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import t as student

from uscl.metrics.registry import metric_named
from uscl.stats.summary import INTERVALS, intervals
from uscl.stats.trainings import trainings

DRAWS = ["label_draws", "sd_draws", "draws_ci_low", "draws_ci_high"]


def numbered(of_draws: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The scored cases of all draws of an evaluation, with a number per training and draw in place of the seed."""
    found = []
    for draw, cases in enumerate(of_draws):
        place = cases["seed"].map({seed: number for number, seed in enumerate(sorted(cases["seed"].unique()))})
        found.append(cases.assign(seed=place * len(of_draws) + draw))
    return pd.concat(found, ignore_index=True)


def scores_of_draws(cases: pd.DataFrame, kind: str, seeds: Sequence[int], label_draws: int) -> pd.DataFrame:
    """The score of every training and draw: arm, seed, draw, metric, value; `cases` are `numbered`."""
    table = trainings(cases, kind)
    number = table["seed"].to_numpy(dtype=int)
    seed = np.array(sorted(seeds))[number // label_draws]
    return table.assign(seed=seed, draw=number % label_draws)[["arm", "seed", "draw", "metric", "value"]]


def intervals_over_draws(cases: pd.DataFrame, kind: str, label_draws: int, *, draws: int, seed: int) -> pd.DataFrame:
    """`intervals` of `numbered` cases, with the columns DRAWS.

    sd_draws: the spread between draws within a training, pooled over trainings. draws_ci: the 95 % interval of the mean
    if nothing but the draws of the labels varies, from Student's t. Both are NaN where a draw has no score.
    """
    table = intervals(cases, kind, draws=draws, seed=seed, label_draws=label_draws)
    if cases.empty:
        return pd.DataFrame(columns=[*INTERVALS, *DRAWS])
    values = trainings(cases, kind).groupby(["arm", "metric"], sort=False)["value"]
    rows = [
        of_draws(mean, values.get_group((arm, name)).to_numpy().reshape(-1, label_draws), metric_named(name).limits)
        for arm, name, mean in table[["arm", "metric", "mean"]].itertuples(index=False, name=None)
    ]
    return table.assign(label_draws=label_draws, **pd.DataFrame(rows, columns=DRAWS[1:]))


def of_draws(mean: float, scores: np.ndarray, limits: tuple[float, float]) -> tuple[float, float, float]:
    """The spread of scores [trainings, draws] within trainings, and the interval of their mean over draws.

    >>> sd, low, high = of_draws(0.5, np.array([[0.4, 0.6]]), (0.0, 1.0))
    >>> round(sd, 3), low, high
    (0.141, 0.0, 1.0)
    """
    sd = float(np.sqrt(scores.var(axis=1, ddof=1).mean()))
    half = student.ppf(0.975, scores.size - len(scores)) * sd / np.sqrt(scores.size)
    low, high = np.clip([mean - half, mean + half], *limits)
    return sd, float(low), float(high)
