"""Verdicts on the primary comparisons, from the method test alone.

The primary comparisons of a study form one Holm family per kind of verdict: superiority (two-sided), equivalence within
the margin (two one-sided tests), and ruling out an advantage of more than the margin (one-sided). All other comparisons
are secondary: they have an estimate, an interval and an unadjusted p, and no verdict.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from uscl.metrics.registry import lower_is_better, metric_named, unit_of_difference
from uscl.report.tables.writing import SHOWN
from uscl.stats.holm import holm
from uscl.stats.level_names import FRAME
from uscl.stats.level_tables import with_level
from uscl.stats.method_test import Estimate
from uscl.stats.planning import FEWEST

PAIR = ["arm", "reference", "task", "regime"]
NAMED = [*PAIR, "metric", "level"]
CORRECTED = ["p_holm", "p_equal_holm", "p_ruled_out_holm"]
NOT_SHOWN, NO_CLAIM = "not shown", "no claim"
FAILED = "not compared, because a run failed"


def judged(
    comparisons: pd.DataFrame, primary: Sequence[Mapping[str, Any]], margins: Mapping[str, Mapping[str, Any]]
) -> pd.DataFrame:
    """All comparisons of a study with primary (bool), margin, p_holm, p_equal_holm, p_ruled_out_holm and verdict.

    `comparisons` are those of `uscl.stats.summary` for all evaluations, with task, regime and level (frames without
    one). `primary` names arm, reference, task, regime, metric and level of each primary comparison; `margins` has
    points by task. Secondary comparisons have no corrected p and no verdict. A primary comparison that could not be
    made has a row without numbers.
    """
    named = [tuple(({"level": FRAME} | dict(each))[key] for key in NAMED) for each in primary]
    comparisons = with_missing(with_level(comparisons), named)
    is_primary = [tuple(row) in named for row in comparisons[NAMED].itertuples(index=False, name=None)]
    found = comparisons.assign(primary=np.array(is_primary, dtype=bool))
    found["margin"] = [margin_of(row, margins) for row in found[["task", "metric"]].to_dict("records")]
    rows = found[found["primary"]].to_dict("records")
    p = np.array([p_values(row) for row in rows]).reshape(len(rows), 3)
    adjusted = pd.DataFrame({name: holm(p[:, place]) for place, name in enumerate(CORRECTED)})
    adjusted["verdict"] = [verdict(row | adjusted.loc[place].to_dict()) for place, row in enumerate(rows)]
    return found.join(adjusted.set_index(found.index[found["primary"]]))


def with_missing(comparisons: pd.DataFrame, named: Sequence[tuple[str, ...]]) -> pd.DataFrame:
    """The comparisons, and a row for each primary one that is not among them, because a run of its arms failed."""
    made = set(comparisons[NAMED].itertuples(index=False, name=None))
    missing = pd.DataFrame([each for each in named if each not in made], columns=NAMED)
    if missing.empty:
        return comparisons
    whole = dict.fromkeys(["trainings", "reference_trainings", "n_groups", "n_cases"], "Int64")
    return pd.concat([comparisons.astype(whole), missing.assign(reason=FAILED)], ignore_index=True).astype(whole)


def margin_of(row: Mapping[str, Any], margins: Mapping[str, Mapping[str, Any]]) -> float:
    """The margin of a comparison in the units of its metric; NaN without one."""
    points = margins.get(row["task"], {}).get("points", float("nan"))
    return points / 100 if metric_named(row["metric"]).percent else points


def fewest_trainings(row: Mapping[str, Any]) -> int | None:
    """The smaller number of trainings of the two arms, of those that are not deterministic; None if both are."""
    named = row["deterministic"] if isinstance(row["deterministic"], str) else ""
    arms = ((row["arm"], row["trainings"]), (row["reference"], row["reference_trainings"]))
    return min((int(count) for arm, count in arms if arm not in named.split()), default=None)


def supports_claim(row: Mapping[str, Any]) -> bool:
    """Whether a comparison has a p and enough trainings for a verdict."""
    if np.isnan(row["p"]):
        return False
    fewest = fewest_trainings(row)
    return fewest is None or fewest >= FEWEST


def p_values(row: Mapping[str, Any]) -> tuple[float, float, float]:
    """p of superiority, of equivalence, and of ruling out an advantage; NaN where there is no test."""
    if not supports_claim(row):
        return float("nan"), float("nan"), float("nan")
    gain = gain_of(row)
    found = Estimate(gain, row["se_trainings"] ** 2, row["se_patients"] ** 2, row["df"])
    return row["p"], found.p_equal(row["margin"]), found.p_below(row["margin"])


def gain_of(row: Mapping[str, Any]) -> float:
    """The difference with the sign that makes more of it better."""
    return float(-row["difference"] if lower_is_better(row["metric"]) else row["difference"])


def verdict(row: Mapping[str, Any]) -> str:
    """The verdict on a primary comparison, from its corrected p values."""
    if not supports_claim(row):
        return NO_CLAIM
    shown, equal, ruled_out = (row[name] < SHOWN for name in CORRECTED)
    margin = in_units(row["margin"], row["metric"])
    if shown:
        direction = "better" if gain_of(row) > 0 else "worse"
        return f"{direction}, by less than {margin}" if equal else direction
    if equal:
        return f"equal within {margin}"
    return f"an advantage of more than {margin} is ruled out" if ruled_out else NOT_SHOWN


def in_units(value: float, metric: str) -> str:
    """A margin in percentage points, or in the unit of its metric.

    >>> in_units(0.025, "macro_f1"), in_units(3.0, "hd95")
    ('2.5 points', '3 pixels')
    """
    return f"{100 * value if metric_named(metric).percent else value:g} {unit_of_difference(metric)}"


def better_than(claims: pd.DataFrame) -> dict[tuple[str, ...], list[str]]:
    """The arms that each arm is shown to be better than, by (arm, task, regime, level, metric)."""
    found: dict[tuple[str, ...], list[str]] = {}
    for row in claims[claims["primary"]].to_dict("records"):
        for word, winner, loser in (("better", "arm", "reference"), ("worse", "reference", "arm")):
            if row["verdict"].startswith(word):
                place = (row[key] for key in ("task", "regime", "level", "metric"))
                found.setdefault((row[winner], *place), []).append(row[loser])
    return found
