"""Confidence intervals that know that the cases of a patient or video go together: the cluster bootstrap.

Davison & Hinkley, Bootstrap Methods and their Application (1997), section 3.8: groups are drawn with replacement, each
with all its cases. Folds are strata: a fold's draw has as many groups as the fold. What the bootstrap leaves out is
that another draw of training groups would have given other models; the seeds show a part of that. With few groups in
a fold intervals are somewhat short: with 8, those of a difference miss it in 8 % instead of 5 % of benchmarks
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
    """How often each group is drawn when as many are drawn, with replacement, as there are: [draws, groups]."""
    picked = random.integers(groups, size=(draws, groups)) + groups * np.arange(draws)[:, None]
    return np.bincount(picked.ravel(), minlength=draws * groups).reshape(draws, groups).astype(float)


def interval(values: np.ndarray, estimate: float, level: float = 0.95) -> tuple[float, float]:
    """The percentile interval of draws [draws], shifted by their bias: the mean draw stands where `estimate` is.

    Metrics that are no means are biased in draws (Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapter
    10): drawing the same cases twice inflates the calibration error so much that its plain percentile interval may not
    even hold the estimate, and lopsided classes lower macro-F1. Draws that are NaN are left out; both ends are NaN if
    all are.
    """
    defined = values[~np.isnan(values)]
    if not len(defined):
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2]) - defined.mean() + estimate
    return float(low), float(high)
