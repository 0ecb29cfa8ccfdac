"""What the study shows about the arms: one sentence per comparison, with a verdict from the corrected test alone."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from uscl.metrics.registry import PRIMARY, title
from uscl.report.tables.families import corrected
from uscl.report.tables.names import GROUPS
from uscl.report.tables.writing import SHOWN, grid, p_value, points
from uscl.stats.holm import holm

PAIR = ["arm", "reference", "task", "regime"]
COLUMNS = [*PAIR, "metric", "difference", "ci_low", "ci_high", "p", "p_holm", "p_mcnemar", "p_resampled_t", "effect"]
COLUMNS += ["probability_of_improvement", "n_groups", "n_cases", "verdict", "sentence"]

Failed = tuple[str, str, str, str]  # arm, task, regime, reason

METHOD = """\
Each difference is between the arms' means over folds and seeds on the task's primary metric. Its 95 % confidence
interval comes from a bootstrap that draws patients (else videos, else images) within folds. p comes from a two-sided
permutation test that swaps both arms' predictions for whole patients, and is corrected by Holm's method over all
comparisons below. A difference is *shown* if the corrected p is below 0.05; the probability that any difference is
shown in error is at most 5 %. The interval is not corrected, so it may exclude 0 although nothing is shown. "Not shown"
doesn't mean that the arms are equally good: with few patients, only large differences can be shown."""

VIEWS = """\
None of these decides the verdict. p: the same test without correction. Resampled t: the corrected t-test over folds and
seeds of Nadeau and Bengio (2003). McNemar: McNemar's test on accuracy; it treats all cases as independent, which the
frames of one patient are not, so expect its p to be too small. Effect: the mean of the patients' differences in
accuracy or Dice, divided by their standard deviation. Ahead: the share of folds and seeds in which the arm is better; a
tie counts half."""


def claims(comparisons: pd.DataFrame) -> pd.DataFrame:
    """One row per comparison on the task's primary metric, in the order of `comparisons` (`claims.csv`).

    `comparisons` are those of `uscl.stats.summary` for all evaluations, with task and regime. p_holm is corrected over
    all rows of the result (`holm_by_family`). verdict: better or worse if p_holm < 0.05, else "not shown". Single
    cases have no macro-F1, so in classification p_mcnemar and effect are those of accuracy.
    """
    tested = corrected(comparisons)
    claimed = tested[tested["metric"].isin(PRIMARY)].copy()
    accuracy = comparisons.loc[comparisons["metric"] == "accuracy", [*PAIR, "p_mcnemar", "effect"]]
    of_accuracy = claimed[PAIR].merge(accuracy, on=PAIR, how="left", validate="one_to_one").set_index(claimed.index)
    for column in ("p_mcnemar", "effect"):
        claimed[column] = claimed[column].astype(float).fillna(of_accuracy[column].astype(float))
    sentences = [sentence(row) for row in claimed.to_dict("records")]
    claimed = claimed.assign(sentence=pd.Series(sentences, index=claimed.index, dtype=object))
    return claimed[COLUMNS].reset_index(drop=True)


def sentence(row: dict[str, Any]) -> str:
    """A comparison in words, with a remark if interval and test disagree."""
    names = f"{row['arm']} against {row['reference']} on {row['task']} ({row['regime']}), {title(row['metric'])}"
    if math.isnan(row["difference"]):
        return f"{names}: undefined: not shown."
    interval = f"95 % CI {points(row['ci_low'])} to {points(row['ci_high'])}"
    numbers = f"{points(row['difference'], '+')} points, {interval}, Holm p {p_value(row['p_holm'])}"
    return f"{names}: {numbers}: {row['verdict']}{disagreement(row)}."


def disagreement(row: dict[str, Any]) -> str:
    """A remark if the interval disagrees with the test; the test decides."""
    without_zero = row["ci_low"] > 0 or row["ci_high"] < 0
    if row["verdict"] == "not shown":
        return ", though the uncorrected interval excludes 0" if without_zero else ""
    return "" if without_zero else " by the test, though the interval includes 0"


def claims_markdown(claimed: pd.DataFrame, draws: int | None = None, failed: Sequence[Failed] = ()) -> str:
    """`claims.md`: first the differences that are shown, then all sentences by task and regime.

    `draws` is the number of draws of the permutation test. `failed` names arm, task, regime and reason of the runs that
    failed and are therefore in no comparison.
    """
    if not len(claimed):
        nothing = "No two arms were evaluated: there is nothing to compare."
        return "\n\n".join(["# What is shown", nothing, *not_compared(failed)]) + "\n"
    found = claimed[claimed["verdict"] != "not shown"]
    parts = ["# What is shown", count(len(found), len(claimed)), bullets(found), METHOD, *impossible(claimed, draws)]
    for (task, regime), rows in claimed.groupby(["task", "regime"], sort=False):
        size = f"{rows['n_cases'].iloc[0]} test cases of {rows['n_groups'].iloc[0]} {GROUPS}."
        parts += [f"## {task}, {regime}", size, bullets(rows), other_views(rows)]
    return "\n\n".join(filter(None, [*parts, *not_compared(failed), "## The other views", VIEWS])) + "\n"


def not_compared(failed: Sequence[Failed]) -> list[str]:
    """The runs that failed, as a section of its own."""
    lines = [f"- {arm} on {task} ({regime}): {reason}" for arm, task, regime, reason in failed]
    return ["## Not compared because a run failed", "\n".join(lines)] if lines else []


def count(shown: int, comparisons: int) -> str:
    """How many comparisons show a difference."""
    if not shown:
        return f"Of {comparisons} comparisons, none shows a difference."
    return f"Of {comparisons} comparisons, {shown} show{'s' if shown == 1 else ''} a difference:"


def bullets(claimed: pd.DataFrame) -> str:
    """A list of sentences."""
    return "\n".join(f"- {text}" for text in claimed["sentence"])


def impossible(claimed: pd.DataFrame, draws: int | None) -> list[str]:
    """One sentence per task that can't show a difference, whatever its data are."""
    sentences = []
    for task, rows in claimed.groupby("task", sort=False):
        smallest, corrected = smallest_p(claimed, claimed["task"] == task, draws)
        if corrected >= SHOWN:
            cause = f"{rows['n_groups'].iloc[0]} {GROUPS}" + (f" and {draws:,} draws" if draws else "")
            sentences.append(
                f"No difference on {task} can be shown, however large: with {cause} the test's smallest possible p is"
                f" {p_value(smallest)}, or {p_value(corrected)} after the correction."
            )
    return sentences


def smallest_p(claimed: pd.DataFrame, of_task: pd.Series, draws: int | None) -> tuple[float, float]:
    """The smallest p that the comparisons `of_task` can have, and the smallest after Holm's correction.

    G groups have 2^G swaps, and two of them leave the size of the difference unchanged, so p is at least 2^-(G - 1). It
    is also at least 1 / (1 + draws). For the corrected p, all comparisons of the task get that p, and those of other
    tasks keep theirs.
    """
    least = 2.0 ** (1 - claimed["n_groups"].astype(float))
    least = least.clip(lower=1 / (1 + draws) if draws else 0)
    corrected = holm(claimed["p"].astype(float).where(~of_task, least))
    return float(least[of_task].min()), float(corrected[of_task].min())


def other_views(rows: pd.DataFrame) -> str:
    """A grid of the tests and measures that don't decide the verdict."""
    columns = {"p": p_value, "p_resampled_t": p_value, "p_mcnemar": p_value, "effect": signed}
    lines = [
        [f"{row['arm']} against {row['reference']}"]
        + ["-" if math.isnan(row[column]) else write(row[column]) for column, write in columns.items()]
        + [f"{100 * row['probability_of_improvement']:.0f} %"]
        for row in rows.astype(dict.fromkeys(columns, float)).to_dict("records")
    ]
    return grid(["comparison", "p", "resampled t", "McNemar", "effect", "ahead"], lines)


def signed(effect: float) -> str:
    """An effect size with its sign.

    >>> signed(0.314), signed(-0.001)
    ('+0.31', '+0.00')
    """
    return f"{effect:+z.2f}"
