"""How often tests find a difference between equal simulated arms, by the unit that they treat as independent."""

import numpy as np
import pandas as pd

from uscl.base.seeds import derive, generator
from uscl.stats.holm import holm
from uscl.stats.simulated import simulated_cases
from uscl.stats.summary import comparisons

ALPHA = 0.05
REFERENCE = "arm0"


def null_rejections(
    repetitions: int,
    seed: int,
    *,
    arms: int = 6,
    groups: int = 40,
    cases: int = 10,
    folds: int = 5,
    seeds: int = 2,
    draws: int = 1000,
    clustering: float = 1.0,
) -> pd.DataFrame:
    """Which tests reject at 5 % in simulated benchmarks of equal arms: a row per repetition, a boolean column per test.

    `cases`: per group; `clustering` as in `simulated_cases`. Tests named "family" ask whether any comparison of the
    other `arms` - 1 arms with the first is significant (by groups: in macro-F1; McNemar: in accuracy). The other tests
    consider only the first of these comparisons.
    """
    skills = {f"arm{number}": 1.0 for number in range(arms)}
    rows = []
    for repetition in range(repetitions):
        table = simulated_cases(
            generator(seed, "null", repetition),
            skills,
            groups=groups,
            cases=cases,
            folds=folds,
            seeds=seeds,
            clustering=clustering,
        )
        rows.append(rejected(table, draws, derive(seed, "null", repetition)))
    return pd.DataFrame(rows)


def rejected(cases: pd.DataFrame, draws: int, seed: int) -> dict[str, bool]:
    """Whether each test rejects in one benchmark."""
    arms = [arm for arm in cases["arm"].unique() if arm != REFERENCE]
    compared = comparisons(cases, "classification", [(arm, REFERENCE) for arm in arms], draws=draws, seed=seed)
    accuracy, macro_f1 = (compared[compared["metric"] == metric] for metric in ("accuracy", "macro_f1"))
    first = accuracy.iloc[0]
    return {
        "groups permuted, accuracy": first["p_models"] < ALPHA,
        "groups permuted, macro-F1": macro_f1["p_models"].iloc[0] < ALPHA,
        "groups drawn (interval), accuracy": not first["models_ci_low"] <= 0 <= first["models_ci_high"],
        "corrected resampled t, accuracy": first["p_resampled_t"] < ALPHA,
        "cases permuted, accuracy": by_case(cases, arms[0], draws, seed) < ALPHA,
        "McNemar, accuracy": first["p_mcnemar"] < ALPHA,
        "family: groups permuted, Holm": holm(macro_f1["p_models"]).min() < ALPHA,
        "family: groups permuted, not adjusted": macro_f1["p_models"].min() < ALPHA,
        "family: McNemar, Holm": holm(accuracy["p_mcnemar"]).min() < ALPHA,
    }


def by_case(cases: pd.DataFrame, arm: str, draws: int, seed: int) -> float:
    """p of the same permutation test on accuracy if every case counts as a group of its own."""
    both = cases[cases["arm"].isin([arm, REFERENCE])]
    means = both.groupby(["case", "arm"])["correct"].mean().unstack("arm")
    difference = (means[arm] - means[REFERENCE]).to_numpy()
    coins = generator(seed, "cases").choice([-1.0, 1.0], size=(draws, len(difference)))
    return float((1 + (np.abs(coins @ difference) >= abs(difference.sum()) - 1e-9).sum()) / (1 + draws))
