"""The tables of the statistics: intervals of all arms, comparisons between arms.

Both answer two questions side by side. Columns that begin with `models_` or end in `_models` are about these trained
models on new patients; `p`, `ci_low` and `ci_high` are about the methods, with another training as another draw.
"""

import numpy as np
import pandas as pd

from uscl.data.units import counted_units
from uscl.metrics.groups import mean_of_defined
from uscl.metrics.registry import metric_named
from uscl.stats.bootstrap import bootstrap_means, interval
from uscl.stats.case_scores import case_means, correct_by_mean_probability
from uscl.stats.effects import probability_of_improvement, standardised_difference
from uscl.stats.method_test import Estimate, alone
from uscl.stats.panel import to_panel
from uscl.stats.panel_scores import fold_scores
from uscl.stats.scored_trainings import METHOD, ScoredTrainings, of_methods, parts, why_nothing
from uscl.stats.tests import corrected_resampled_t, mcnemar, permuted_trainings, ratio_tested, swap_test

MODELS = ["models_ci_low", "models_ci_high"]
SIZES = ["groups", "n_groups", "n_cases", "reason"]
INTERVALS = ["arm", "metric", "mean", "sd", "trainings", "deterministic", *METHOD, *MODELS]
INTERVALS += ["fold_mean", "fold_sd", "n", "undefined", *SIZES]
COMPARISONS = ["arm", "reference", "metric", "difference", *METHOD, "df", "p", "trainings", "reference_trainings"]
COMPARISONS += ["deterministic", *MODELS, "p_models", "p_mcnemar", "p_resampled_t", "p_permutation", "effect"]
COMPARISONS += ["probability_of_improvement", *SIZES]


class Scored:
    """The cases of an evaluation with everything that its tables rest on, computed once."""

    def __init__(self, cases: pd.DataFrame, kind: str, draws: int, seed: int, label_draws: int = 1) -> None:
        self.panel = panel = to_panel(cases, kind)
        self.groups = counted_units(cases)
        self.by_fold = fold_scores(panel)  # [metrics, arms, trainings, folds]
        self.drawn = bootstrap_means(panel, draws, seed)  # [metrics, arms, draws]
        self.trainings = ScoredTrainings.of_panel(panel).over_draws(label_draws)

    @property
    def sizes(self) -> dict[str, object]:
        """The groups in words, their number, and the number of cases."""
        return {"groups": self.groups, "n_groups": self.panel.cases.groups, "n_cases": len(self.panel.cases.group)}


def intervals(cases: pd.DataFrame, kind: str, *, draws: int, seed: int, label_draws: int = 1) -> pd.DataFrame:
    """One row per arm x metric: the mean over trainings and its two intervals, over trainings and of these models.

    `cases`: the cases of all arms and seeds of one task x regime x labels (`cases.parquet`); `kind` is classification
    or segmentation. mean, sd (n - 1, the luck of a training) and `trainings` are over trainings; a deterministic arm
    has one. ci_low, ci_high: 95 % over trainings and groups (`method_test.alone`, on the logit scale for shares);
    se_trainings, se_patients: the parts of its standard error. models_ci: the cluster bootstrap with `draws` draws.
    fold_mean, fold_sd are over the `n` defined scores of single folds; `undefined` counts the others. `reason` says why
    there is no interval. With several `label_draws`, each training is there so often (`uscl.stats.label_draws`). Raises
    ValueError as `to_panel` does.
    """
    if cases.empty:  # no arm is complete
        return pd.DataFrame(columns=INTERVALS)
    scored = Scored(cases, kind, draws, seed, label_draws)
    rows = [
        {"arm": arm, "metric": name, **of_arm(scored, m, name, a), **scored.sizes}
        for a, arm in enumerate(scored.panel.arms)
        for m, name in enumerate(scored.panel.metrics)
    ]
    return pd.DataFrame(rows)[INTERVALS]


def of_arm(scored: Scored, m: int, name: str, arm: int) -> dict[str, object]:
    """All numbers of an arm in a metric."""
    scores, metric = scored.trainings.of(m, arm), metric_named(name)
    mean = float(mean_of_defined(scores, 0))
    reason = scored.trainings.why_no_variance(name, [arm])
    found = Estimate(mean, np.nan, np.nan, np.nan)
    if reason is None:
        found = alone(scores, scored.trainings.covariances(m, [arm]))
        reason = why_nothing(found)
    low, high = found.logit_interval() if metric.percent else found.interval()
    models = np.clip(interval(scored.drawn[m, arm], mean), *metric.limits)
    folds = scored.by_fold[m, arm].ravel()
    defined = folds[~np.isnan(folds)]
    return {
        "mean": mean,
        "sd": sd(scores),
        "trainings": len(scores),
        "deterministic": scored.trainings.deterministic[arm],
        **dict(zip(METHOD, (low, high, *parts(found)), strict=True)),
        **dict(zip(MODELS, models, strict=True)),
        "fold_mean": float(mean_of_defined(defined, 0)),
        "fold_sd": sd(defined),
        "n": len(defined),
        "undefined": len(folds) - len(defined),
        "reason": reason,
    }


def comparisons(
    cases: pd.DataFrame,
    kind: str,
    pairs: list[tuple[str, str]],
    *,
    draws: int,
    seed: int,
    form: str = "nested",
    label_draws: int = 1,
) -> pd.DataFrame:
    """One row per pair (arm, reference) x metric, with `cases`, `kind` and `label_draws` as in `intervals`.

    Differences and effects are arm minus reference, even if lower is better. ci_low, ci_high, df and p come from the
    method test (`form`: nested or crossed), se_trainings and se_patients are the parts of its standard error.
    Without decision: models_ci_low, models_ci_high (95 %, paired cluster bootstrap) and p_models (paired permutation
    test by group) about these models; p_mcnemar (accuracy only; it counts cases as independent); p_resampled_t and
    p_permutation of the trainings; effect (accuracy, dice, iou and hd95 only); probability_of_improvement over folds.
    `deterministic` names the arms of the pair that are. `reason` says why there is no p. Without pairs there are no
    rows. Raises ValueError as `to_panel` does, and if an arm of a pair has no cases.
    """
    named = {arm for pair in pairs for arm in pair}
    if absent := sorted(named - set(cases["arm"])):
        raise ValueError(f"There are no cases of arm {absent[0]}.")
    if not pairs:
        return pd.DataFrame(columns=COMPARISONS)
    scored = Scored(cases[cases["arm"].isin(named)], kind, draws, seed, label_draws)
    rows = []
    for pair in pairs:
        both = [scored.panel.arms.index(arm) for arm in pair]
        p_models = swap_test(scored.panel, both[0], both[1], draws, seed)
        for m, name in enumerate(scored.panel.metrics):
            row = {"arm": pair[0], "reference": pair[1], "metric": name, "p_models": p_models[m], **scored.sizes}
            rows.append(row | of_methods(scored.trainings, m, name, both, form) | other_views(scored, m, name, both))
    return pd.DataFrame(rows)[COMPARISONS]


def other_views(scored: Scored, m: int, name: str, both: list[int]) -> dict[str, float]:
    """What is shown next to the method test and decides nothing, except the permutation test over patients."""
    panel, lower = scored.panel, metric_named(name).lower_is_better
    of_trainings = scored.trainings.scores[m, both]
    folds = scored.by_fold[m, both].reshape(2, -1)
    difference = float(np.subtract(*mean_of_defined(of_trainings, 1)))
    low, high = interval(np.subtract(*scored.drawn[m, both]), difference)
    by_case = case_means(panel, name)
    return {
        "models_ci_low": low,
        "models_ci_high": high,
        "p_mcnemar": mcnemar(*correct_by_mean_probability(panel)[both]) if name == "accuracy" else float("nan"),
        "p_resampled_t": corrected_resampled_t(np.subtract(*of_trainings), ratio_tested(panel)),
        "p_permutation": permuted_trainings(*of_trainings),
        "effect": float("nan")
        if by_case is None
        else standardised_difference(np.subtract(*by_case[both]), panel.cases.group),
        "probability_of_improvement": probability_of_improvement(*folds, lower_is_better=lower),
    }


def sd(scores: np.ndarray) -> float:
    """Standard deviation with n - 1; NaN for fewer than two scores or undefined ones."""
    return float(scores.std(ddof=1)) if len(scores) > 1 else float("nan")
