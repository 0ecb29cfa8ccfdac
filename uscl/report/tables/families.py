"""Which comparisons are corrected together, and when one of them counts as shown."""

import numpy as np
import pandas as pd

from uscl.metrics.registry import PRIMARY, lower_is_better
from uscl.report.tables.writing import SHOWN
from uscl.stats.holm import holm


def corrected(comparisons: pd.DataFrame) -> pd.DataFrame:
    """All comparisons of a study with p_holm (`holm_by_family`) and verdict (`verdicts`)."""
    found = comparisons.assign(p_holm=holm_by_family(comparisons))
    return found.assign(verdict=verdicts(found))


def holm_by_family(comparisons: pd.DataFrame) -> pd.Series:
    """Holm-corrected p of every comparison of a study, with the index of `comparisons`; NaN stays NaN.

    `comparisons` has metric and p, and all pairs of arms on all tasks in all regimes. Those on the tasks' primary
    metrics (macro-F1, Dice) form one family, because they are what the study is about. Each other metric is a family of
    its own.
    """
    family = comparisons["metric"].where(~comparisons["metric"].isin(PRIMARY), "primary")
    return comparisons["p"].astype(float).groupby(family).transform(lambda p: holm(p))


def verdicts(comparisons: pd.DataFrame) -> pd.Series:
    """Better or worse if the corrected test (`p_holm`) shows it, else "not shown".

    `comparisons` has metric, difference and p_holm. For a metric where lower is better, a negative difference means
    better.
    """
    gain = comparisons["difference"].astype(float)
    gain = gain.where(~comparisons["metric"].map(lower_is_better).astype(bool), -gain)
    significant = comparisons["p_holm"].astype(float) < SHOWN
    found = np.select([significant & (gain > 0), significant & (gain < 0)], ["better", "worse"], "not shown")
    return pd.Series(found, index=comparisons.index)
