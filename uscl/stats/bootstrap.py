"""Confidence intervals for these trained models: a cluster bootstrap, which keeps the cases of a group together.

Davison & Hinkley, Bootstrap Methods and their Application (1997), section 3.8: groups are drawn with replacement, each
with all its cases, and for all arms and trainings alike. Classes are strata: a draw has as many groups of each class as
there are. The draws vary the patients and not the models, so the interval says what new patients would change, and
nothing about another training (`uscl.stats.method_test`).
"""

import numpy as np

from uscl.base.seeds import generator
from uscl.metrics.groups import mean_of_defined
from uscl.metrics.weights import Drawn
from uscl.stats.panel import Panel
from uscl.stats.panel_scores import at_once, chunks, scorer


def bootstrap_means(panel: Panel, draws: int, seed: int) -> np.ndarray:
    """The mean over trainings of every metric in every draw, [metrics, arms, draws].

    A draw takes the same groups for all arms, so that differences between arms are paired.
    """
    score, strata = scorer(panel), panel.strata
    found = []
    for chunk, size in chunks(draws):
        weights = drawn(strata, size, generator(seed, "bootstrap", chunk))
        for part in at_once(size, len(strata)):
            found.append(mean_of_defined(score(Drawn(weights[part].astype(float))), axis=2))
    return np.concatenate(found, axis=-1)


def drawn(strata: np.ndarray, draws: int, random: np.random.Generator) -> np.ndarray:
    """How often each group is drawn, if as many groups of each stratum as exist are drawn with replacement.

    `strata` [groups]: the number of each group's stratum. Returns [draws, groups].
    """
    weights = np.zeros((draws, len(strata)), dtype=np.uint16)
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        for draw in weights:
            draw[members] = np.bincount(random.integers(len(members), size=len(members)), minlength=len(members))
    return weights


def interval(values: np.ndarray, estimate: float, level: float = 0.95) -> tuple[float, float]:
    """The percentile interval of draws [draws], shifted by their bias so that the mean draw equals `estimate`.

    Draws of metrics that are not means are biased (Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapter
    10): drawing the same cases twice inflates the calibration error so much that its plain percentile interval may not
    even contain the estimate, and unbalanced classes lower macro-F1. NaN draws are left out; both ends are NaN if all
    draws are, or if all are equal: then nothing has varied.
    """
    defined = values[~np.isnan(values)]
    if not len(defined) or np.ptp(defined) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2]) - defined.mean() + estimate
    return float(low), float(high)
