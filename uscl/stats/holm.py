"""Adjustment of p for several tests at once."""

import numpy as np
import pandas as pd


def holm(p: np.ndarray | pd.Series) -> np.ndarray:
    """Adjusted p of a family of tests [n] (Holm 1979, https://www.jstor.org/stable/4615733).

    Rejecting all tests with an adjusted p below 5 % makes any false rejection in the family with a probability of at
    most 5 %. NaN stays NaN and does not count as a test.

    >>> holm(np.array([0.01, float("nan"), 0.04]))
    array([0.02,  nan, 0.04])
    """
    given = np.asarray(p, dtype=float)
    adjusted = np.full(len(given), np.nan)
    tested = np.flatnonzero(~np.isnan(given))
    order = tested[given[tested].argsort(kind="stable")]
    steps = given[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted
