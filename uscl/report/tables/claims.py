"""What may be said of the arms: one sentence a comparison, and a verdict that rests on the corrected test alone."""

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
Each difference is that of the mean over folds and seeds on the task's primary metric. Its 95 % confidence interval is a
bootstrap that draws patients (else videos, else images) within folds. p comes from a two-sided permutation test that
swaps both arms' predictions of whole patients, and is corrected by Holm's method over all comparisons below. A
difference is *shown* if the corrected p is below 0.05, which errs in any of them with a probability of at most 5 %. The
interval is not corrected, so that it may leave out 0 where nothing is shown. "Not shown" doesn't mean that arms are
equally good: few patients show large differences only."""

VIEWS = """\
None of these decides. p: the same test, not corrected. Resampled t: the corrected t-test over folds and seeds of Nadeau
and Bengio (2003). McNemar: of accuracy, with every case taken for independent, which frames of a patient are not:
expect it to be too small. Effect: mean over standard deviation of the patients' differences in accuracy or Dice.
Ahead: the share of folds and seeds in which the arm is better, ties half."""


def claims(comparisons: pd.DataFrame) -> pd.DataFrame:
    """One row a comparison on the task's primary metric, in the order of `comparisons` (`claims.csv`).

    `comparisons` are those of `uscl.stats.summary` for all evaluations, with task and regime. p_holm is corrected over
    all rows of the result (`holm_by_family`). verdict: better or worse where p_holm < 0.05, else "not shown". Single
    cases have no macro-F1: in classification p_mcnemar and effect are those of accuracy.
    """
    tested = corrected(comparisons)
    said = tested[tested["metric"].isin(PRIMARY)].copy()
    accuracy = comparisons.loc[comparisons["metric"] == "accuracy", [*PAIR, "p_mcnemar", "effect"]]
    of_accuracy = said[PAIR].merge(accuracy, on=PAIR, how="left", validate="one_to_one").set_index(said.index)
    for column in ("p_mcnemar", "effect"):
        said[column] = said[column].astype(float).fillna(of_accuracy[column].astype(float))
    sentences = [sentence(row) for row in said.to_dict("records")]
    said = said.assign(sentence=pd.Series(sentences, index=said.index, dtype=object))
    return said[COLUMNS].reset_index(drop=True)


def sentence(row: dict[str, Any]) -> str:
    """A comparison in words, with both numbers where interval and test disagree."""
    names = f"{row['arm']} against {row['reference']} on {row['task']} ({row['regime']}), {title(row['metric'])}"
    if math.isnan(row["difference"]):
        return f"{names}: undefined: not shown."
    interval = f"95 % CI {points(row['ci_low'])} to {points(row['ci_high'])}"
    numbers = f"{points(row['difference'], '+')} points, {interval}, Holm p {p_value(row['p_holm'])}"
    return f"{names}: {numbers}: {row['verdict']}{disagreement(row)}."


def disagreement(row: dict[str, Any]) -> str:
    """What to add where the interval says otherwise than the test, which decides."""
    without_zero = row["ci_low"] > 0 or row["ci_high"] < 0
    if row["verdict"] == "not shown":
        return ", though the uncorrected interval leaves out 0" if without_zero else ""
    return "" if without_zero else " by the test, though the interval includes 0"


def claims_markdown(said: pd.DataFrame, draws: int | None = None, failed: Sequence[Failed] = ()) -> str:
    """`claims.md`: all sentences by task and regime, those that are shown first; `draws` are the permutation test's.

    `failed` names arm, task, regime and reason of the runs that failed, and so are in no comparison.
    """
    if not len(said):
        nothing = "No two arms were evaluated: there is nothing to compare."
        return "\n\n".join(["# What is shown", nothing, *not_compared(failed)]) + "\n"
    found = said[said["verdict"] != "not shown"]
    parts = ["# What is shown", count(len(found), len(said)), bullets(found), METHOD, *impossible(said, draws)]
    for (task, regime), rows in said.groupby(["task", "regime"], sort=False):
        size = f"{rows['n_cases'].iloc[0]} test cases of {rows['n_groups'].iloc[0]} {GROUPS}."
        parts += [f"## {task}, {regime}", size, bullets(rows), other_views(rows)]
    return "\n\n".join(filter(None, [*parts, *not_compared(failed), "## The other views", VIEWS])) + "\n"


def not_compared(failed: Sequence[Failed]) -> list[str]:
    """The runs that failed, as a section of its own."""
    lines = [f"- {arm} on {task} ({regime}): {reason}" for arm, task, regime, reason in failed]
    return ["## Not compared, since a run failed", "\n".join(lines)] if lines else []


def count(shown: int, comparisons: int) -> str:
    """How many comparisons are shown."""
    if not shown:
        return f"Of {comparisons} comparisons none shows a difference."
    return f"Of {comparisons} comparisons {shown} show{'s' if shown == 1 else ''} a difference:"


def bullets(said: pd.DataFrame) -> str:
    """A list of sentences."""
    return "\n".join(f"- {text}" for text in said["sentence"])


def impossible(said: pd.DataFrame, draws: int | None) -> list[str]:
    """A sentence on each task that can't show any difference, whatever its data were."""
    sentences = []
    for task, rows in said.groupby("task", sort=False):
        smallest, corrected = smallest_p(said, said["task"] == task, draws)
        if corrected >= SHOWN:
            cause = f"{rows['n_groups'].iloc[0]} {GROUPS}" + (f" and {draws:,} draws" if draws else "")
            sentences.append(
                f"No difference on {task} can be shown, whatever its size: with {cause} the test's smallest p is"
                f" {p_value(smallest)}, which the correction makes {p_value(corrected)}."
            )
    return sentences


def smallest_p(said: pd.DataFrame, of_task: pd.Series, draws: int | None) -> tuple[float, float]:
    """The smallest p that the comparisons `of_task` can have, and the smallest after Holm's correction.

    G groups have 2^G swaps, of which two leave the difference as large as it is: p can't be below 2^-(G - 1), nor below
    1 / (1 + draws). Corrected, with all comparisons of the task at that p and those of other tasks as they are.
    """
    least = 2.0 ** (1 - said["n_groups"].astype(float))
    least = least.clip(lower=1 / (1 + draws) if draws else 0)
    corrected = holm(said["p"].astype(float).where(~of_task, least))
    return float(least[of_task].min()), float(corrected[of_task].min())


def other_views(rows: pd.DataFrame) -> str:
    """A grid of the tests and measures that don't decide."""
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
