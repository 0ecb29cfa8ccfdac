"""The tables of the statistics: intervals of all arms, comparisons between arms."""

import numpy as np
import pandas as pd

from uscl.metrics.groups import mean_of_defined
from uscl.metrics.registry import metric_named, names
from uscl.stats.bootstrap import bootstrap_means, interval
from uscl.stats.case_scores import case_groups, case_means, correct_by_mean_probability
from uscl.stats.effects import probability_of_improvement, standardised_difference
from uscl.stats.holm import holm
from uscl.stats.panel import Panel, to_panel
from uscl.stats.panel_scores import fold_seed_scores
from uscl.stats.tests import corrected_resampled_t, mcnemar, ratio_tested, swap_test

__all__ = ["comparisons", "holm", "intervals"]

INTERVALS = ["arm", "metric", "mean", "sd", "n", "ci_low", "ci_high", "n_groups", "n_cases", "undefined"]
COMPARISONS = ["arm", "reference", "metric", "difference", "ci_low", "ci_high", "p", "p_mcnemar", "p_resampled_t"]
COMPARISONS += ["effect", "probability_of_improvement", "n_groups", "n_cases"]
UNLIMITED = (-float("inf"), float("inf"))


def intervals(cases: pd.DataFrame, kind: str, *, draws: int, seed: int) -> pd.DataFrame:
    """One row per arm x metric: mean, sd (n - 1) and number of fold x seed scores, and a 95 % interval of the mean.

    `cases`: the cases of all arms and seeds of one task x regime x labels (`cases.parquet`); `kind` is classification
    or segmentation. Columns: arm, metric, mean, sd, n, ci_low, ci_high, n_groups, n_cases, undefined. Mean and sd are
    over the `n` defined scores, `undefined` counts the others; sd is NaN for n < 2. `interval` gives the interval from
    `draws` draws of the cluster bootstrap. Raises ValueError as `to_panel` does.
    """
    if cases.empty:  # no arm is complete
        return pd.DataFrame(columns=INTERVALS)
    panel = to_panel(cases, kind)
    scores, drawn = fold_seed_scores(panel), bootstrap_means(panel, draws, seed)
    rows = []
    for a, arm in enumerate(panel.arms):
        for m, name in enumerate(names(kind, panel.classes)):
            found = spread(scores[m, a])
            ends = limits(drawn[m, a], found["mean"], metric_named(name).limits)
            rows.append({"arm": arm, "metric": name, **found, **ends, **sizes(panel)})
    return pd.DataFrame(rows)[INTERVALS]


def comparisons(cases: pd.DataFrame, kind: str, pairs: list[tuple[str, str]], *, draws: int, seed: int) -> pd.DataFrame:
    """One row per pair (arm, reference) x metric, with `cases` and `kind` as in `intervals`.

    Columns: arm, reference, metric, difference (of the means over fold x seed), ci_low, ci_high (95 %, paired cluster
    bootstrap), p (paired permutation test by group, not adjusted), p_mcnemar (accuracy only; it counts cases as
    independent), p_resampled_t, effect (accuracy, dice, iou and hd95 only), probability_of_improvement, n_groups,
    n_cases. Differences and effects are arm minus reference, even if lower is better. Without pairs there are no rows.
    Raises ValueError as `to_panel` does, and if an arm of a pair has no cases.
    """
    named = {arm for pair in pairs for arm in pair}
    if absent := sorted(named - set(cases["arm"])):
        raise ValueError(f"There are no cases of arm {absent[0]}.")
    if not pairs:
        return pd.DataFrame(columns=COMPARISONS)
    panel = to_panel(cases[cases["arm"].isin(named)], kind)
    scores, drawn = fold_seed_scores(panel), bootstrap_means(panel, draws, seed)
    rows = []
    for pair in pairs:
        both = [panel.arms.index(arm) for arm in pair]
        p = swap_test(panel, both[0], both[1], draws, seed)
        for m, name in enumerate(names(kind, panel.classes)):
            found = views(panel, scores[m], name, both) | {"p": p[m]} | sizes(panel)
            ends = limits(np.subtract(*drawn[m, both]), found["difference"], UNLIMITED)
            rows.append({"arm": pair[0], "reference": pair[1], "metric": name, **found, **ends})
    return pd.DataFrame(rows)[COMPARISONS]


def spread(scores: np.ndarray) -> dict[str, float]:
    """Mean, sd and number of the defined scores [folds x seeds], and the number of undefined ones."""
    defined = scores[~np.isnan(scores)]
    mean = defined.mean() if len(defined) else float("nan")
    sd = defined.std(ddof=1) if len(defined) > 1 else float("nan")
    return {"mean": mean, "sd": sd, "n": len(defined), "undefined": len(scores) - len(defined)}


def limits(drawn: np.ndarray, estimate: float, smallest_and_largest: tuple[float, float]) -> dict[str, float]:
    """The interval of draws [draws], clipped to the smallest and the largest possible value of the metric."""
    low, high = np.clip(interval(drawn, estimate), *smallest_and_largest)
    return {"ci_low": float(low), "ci_high": float(high)}


def sizes(panel: Panel) -> dict[str, int]:
    """Number of groups and of cases in all folds."""
    parts = panel.folds.values()
    return {"n_groups": sum(part.groups for part in parts), "n_cases": sum(len(part.group) for part in parts)}


def views(panel: Panel, scores: np.ndarray, name: str, both: list[int]) -> dict[str, float]:
    """The difference and all statistics of it except the permutation test; scores [arms, folds x seeds]."""
    arm, reference = scores[both]
    lower = metric_named(name).lower_is_better
    return {
        "difference": float(mean_of_defined(arm, 0) - mean_of_defined(reference, 0)),
        "p_mcnemar": mcnemar(*correct_by_mean_probability(panel)[both]) if name == "accuracy" else float("nan"),
        "p_resampled_t": corrected_resampled_t(arm - reference, ratio_tested(panel)),
        "effect": effect(panel, name, both),
        "probability_of_improvement": probability_of_improvement(arm, reference, lower_is_better=lower),
    }


def effect(panel: Panel, name: str, both: list[int]) -> float:
    """The standardised difference if single cases have scores of the metric, else NaN."""
    scores = case_means(panel, name)
    return float("nan") if scores is None else standardised_difference(np.subtract(*scores[both]), case_groups(panel))
