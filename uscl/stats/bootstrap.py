"""Confidence intervals by the cluster bootstrap, which keeps the cases of a patient or video together.

Davison & Hinkley, Bootstrap Methods and their Application (1997), section 3.8: groups are drawn with replacement, each
with all its cases. Folds are strata: a fold's draw has as many groups as the fold. The bootstrap ignores that another
draw of training groups would have given other models; the seeds show part of that variation. With few groups per fold
the intervals are somewhat short: with 8, the interval of a difference misses it in 8 % instead of 5 % of benchmarks
(`benchmarks/false_positives.py`). The permutation test does not depend on that.
"""

import numpy as np

from uscl.base.seeds import generator
from uscl.stats.panel import Panel
from uscl.stats.panel_scores import chunks, mean_scores, scorer


def bootstrap_means(panel: Panel, draws: int, seed: int) -> np.ndarray:
    """The mean over folds and seeds of every metric in every draw, [metrics, arms, draws].

    A draw takes the same groups for all arms and seeds, so that differences between arms are paired.
    """
    scorers = {fold: scorer(part, len(panel.classes)) for fold, part in panel.folds.items()}
    found = []
    for chunk, size in chunks(draws):
        random = {fold: generator(seed, "bootstrap", fold, chunk) for fold in panel.folds}
        weights = {fold: drawn(part.groups, size, random[fold]) for fold, part in panel.folds.items()}
        found.append(mean_scores([score(weights[fold]) for fold, score in scorers.items()]))
    return np.concatenate(found, axis=-1)


def drawn(groups: int, draws: int, random: np.random.Generator) -> np.ndarray:
    """How often each group is drawn, if as many groups as exist are drawn with replacement: [draws, groups]."""
    picked = random.integers(groups, size=(draws, groups)) + groups * np.arange(draws)[:, None]
    return np.bincount(picked.ravel(), minlength=draws * groups).reshape(draws, groups).astype(float)


def interval(values: np.ndarray, estimate: float, level: float = 0.95) -> tuple[float, float]:
    """The percentile interval of draws [draws], shifted by their bias so that the mean draw equals `estimate`.

    Draws of metrics that are not means are biased (Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapter
    10): drawing the same cases twice inflates the calibration error so much that its plain percentile interval may not
    even contain the estimate, and unbalanced classes lower macro-F1. NaN draws are left out; both ends are NaN if all
    draws are.
    """
    defined = values[~np.isnan(values)]
    if not len(defined):
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2]) - defined.mean() + estimate
    return float(low), float(high)
