"""What the study shows: a sentence and a verdict per primary comparison, and all other comparisons without verdict."""

import math
from collections.abc import Mapping, Sequence
from textwrap import fill
from types import MappingProxyType
from typing import Any

import pandas as pd

from uscl.metrics.registry import PRIMARY, metric_named, title, unit_of_difference
from uscl.report.headline import counted_verdicts
from uscl.report.tables import given_splits
from uscl.report.tables.verdicts import CORRECTED, NAMED, NO_CLAIM, PAIR, fewest_trainings, judged
from uscl.report.tables.writing import SHOWN, grid, number, p_value, points
from uscl.stats.level_names import per, place
from uscl.stats.planning import ENOUGH, FEWEST

COLUMNS = ["primary", *NAMED, "difference", "ci_low", "ci_high", "p", *CORRECTED, "margin", "verdict"]
COLUMNS += ["trainings", "reference_trainings", "deterministic", "se_trainings", "se_patients", "df"]
COLUMNS += ["models_ci_low", "models_ci_high", "p_models", "p_resampled_t", "p_permutation", "p_mcnemar", "effect"]
COLUMNS += ["probability_of_improvement", "groups", "n_groups", "n_cases", "reason", "remark", "sentence"]

Failed = tuple[str, str, str, str]  # arm, task, regime, reason

SIMULATED = "The data are simulated: this page shows that the machinery works, and nothing about medicine."

METHOD = f"""\
A comparison asks whether the *method* is better, so another training is another draw, and so are other patients: the
method test (Obuchowski and Rockette 1995; Hillis 2014) has variance from both. A training is a whole chain: a partition
of the data, a pretraining, a fine-tuning. Claims are about trainings and partitions of this data set. Differences are
between the means over trainings, with the 95 % confidence interval of the method test. The primary comparisons, named
in the study's file, form one family, and Holm's method corrects their p values; a difference is shown if the corrected
p is below {SHOWN:g}, and the probability that any is shown in error is at most 5 %. Equivalence and the ruling out of
an advantage are further families. With {ENOUGH} trainings or more of each method a verdict is a claim; with fewer it is
exploratory. "Not shown" doesn't mean that the arms are equally good."""

SECONDARY = """\
These have no verdict: p is that of the method test, not corrected, and among many comparisons some are small by chance.
*These models*: what new patients would change if the trained models stayed as they are, a bootstrap that draws patients
and a permutation test that swaps the arms' predictions of whole patients. It says nothing about another training.
Permuted: the exact permutation of trainings. Resampled t: the corrected t-test over trainings of Nadeau and Bengio
(2003), which sees no patients. McNemar: on accuracy; it treats all cases as independent. Expect p of both to be too
small. Effect: the mean of the patients' differences in accuracy or Dice, divided by their standard deviation. Ahead:
the share of folds and trainings in which the arm is better; a tie counts half."""


def claims(
    comparisons: pd.DataFrame,
    primary: Sequence[Mapping[str, Any]] = (),
    margins: Mapping[str, Mapping[str, Any]] | None = None,
    remarks: Mapping[tuple[str, str], str] | None = None,
) -> pd.DataFrame:
    """One row per primary comparison, and one per other comparison on a task's main metric (`claims.csv`).

    Arguments as in `uscl.report.tables.verdicts.judged`; `remarks` has what a reader must know of the comparison of two
    arms, such as that one of them is at chance. Single cases have no macro-F1, so in classification p_mcnemar
    and effect are those of accuracy.
    """
    found = judged(comparisons, primary, margins or {})
    claimed = found[found["primary"] | found["metric"].isin(PRIMARY)].copy()
    key = [*PAIR, "level"]
    accuracy = found.loc[found["metric"] == "accuracy", [*key, "p_mcnemar", "effect"]]
    of_accuracy = claimed[key].merge(accuracy, on=key, how="left", validate="many_to_one").set_index(claimed.index)
    for column in ("p_mcnemar", "effect"):
        claimed[column] = claimed[column].astype(float).fillna(of_accuracy[column].astype(float))
    pairs = zip(claimed["arm"], claimed["reference"], strict=True)
    claimed["remark"] = [(remarks or {}).get(pair) for pair in pairs]
    sentences = [sentence(row) for row in claimed.to_dict("records")]
    claimed = claimed.assign(sentence=pd.Series(sentences, index=claimed.index, dtype=object))
    return claimed.sort_values("primary", ascending=False, kind="stable")[COLUMNS].reset_index(drop=True)


def sentence(row: Mapping[str, Any]) -> str:
    """A comparison in words; the verdict of a primary one comes last."""
    names = f"{row['arm']} against {row['reference']} on {place(row)}, {title(row['metric'])}"
    if math.isnan(row["difference"]):
        why = row["reason"] if isinstance(row["reason"], str) else "undefined"
        return f"{names}: {why}{': no claim' if row['primary'] else ''}."
    parts = [f"{names}: {difference(row['difference'], row['metric'])}"]
    if math.isnan(row["p"]):
        parts.append(f"{row['reason']}: {NO_CLAIM} about the methods" if row["primary"] else str(row["reason"]))
    else:
        low, high = (difference(row[end], row["metric"], "") for end in ("ci_low", "ci_high"))
        parts += [f"95 % CI {low} to {high}", f"p {p_value(row['p'])}"]
        parts += [f"Holm p {p_value(row['p_holm'])}"] if not math.isnan(row["p_holm"]) else []
        parts.append(of_trainings(row))
    ending = f": {row['verdict']}" if row["primary"] and not math.isnan(row["p"]) else ""
    remark = f" {row['remark']}." if isinstance(row["remark"], str) else ""
    return f"{', '.join(parts)}{ending}.{remark}"


def difference(value: float, metric: str, sign: str = "+") -> str:
    """A difference in points, or in the unit of its metric."""
    shown = points if metric_named(metric).percent else number
    return shown(value, sign) + (f" {unit_of_difference(metric)}" if sign else "")


def of_trainings(row: Mapping[str, Any]) -> str:
    """How many trainings a comparison rests on, and what that allows."""
    fewest = fewest_trainings(row)
    if fewest is None:
        return "both arms are deterministic, so this is a test over patients alone"
    words = f"{row['trainings']} against {row['reference_trainings']} trainings"
    if row["trainings"] == row["reference_trainings"]:
        words = f"{row['trainings']} trainings each"
    if not row["primary"] or fewest >= ENOUGH:
        return words
    return f"{words} (exploratory)" if fewest >= FEWEST else f"{words} ({FEWEST} are the least for a verdict)"


def claims_markdown(
    claimed: pd.DataFrame,
    failed: Sequence[Failed] = (),
    margins: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    simulated: bool = False,
    splits: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """`claims.md`: the primary comparisons with their verdicts, then all others by task and regime.

    `failed` names arm, task, regime and reason of the runs that failed and are therefore in no comparison. `splits`
    says how each task is divided (`uscl.report.tables.given_splits`).
    """
    head = ["# What is shown", *([SIMULATED] if simulated else [])]
    if not len(claimed):
        return (
            "\n\n".join([*head, "No two arms were evaluated: there is nothing to compare.", *failures(failed)]) + "\n"
        )
    primary, others = claimed[claimed["primary"]], claimed[~claimed["primary"]]
    parts = [
        *head,
        counted_verdicts(primary["verdict"].tolist()),
        "\n".join(f"- {text}" for text in primary["sentence"]),
        METHOD,
    ]
    parts += [given_splits.lines(splits), margin_lines(margins or {})]
    if len(others):
        parts += ["## Secondary comparisons", SECONDARY]
    for (task, regime, level), rows in others.groupby(["task", "regime", "level"], sort=False):
        size = f"{rows['n_cases'].iloc[0]} test cases of {rows['groups'].iloc[0]}."
        parts += [f"### {task}, {regime}{per(level)}", size, secondary(rows)]
    return "\n\n".join(filter(None, [*parts, *failures(failed)])) + "\n"


def margin_lines(margins: Mapping[str, Mapping[str, Any]]) -> str:
    """The margins of the tasks and their reasons."""
    return "\n".join(
        fill(f"- Margin on {task}: {margin['points']:g} points. {margin['reason']}", 120, subsequent_indent="  ")
        for task, margin in margins.items()
    )


def failures(failed: Sequence[Failed]) -> list[str]:
    """The runs that failed, as a section of its own."""
    lines = [f"- {arm} on {task} ({regime}): {reason}" for arm, task, regime, reason in failed]
    return ["## Not compared because a run failed", "\n".join(lines)] if lines else []


def secondary(rows: pd.DataFrame) -> str:
    """A grid of comparisons: the method's estimate, and what is shown next to it."""
    header = ["comparison", "difference [95 % CI]", "p", "these models [95 % CI]", "p", "permuted", "resampled t"]
    lines = [secondary_line(row) for row in rows.to_dict("records")]
    notes = [
        f"- {row['arm']} against {row['reference']}: {row['remark']}."
        for row in rows.to_dict("records")
        if isinstance(row["remark"], str)
    ]
    return "\n\n".join(filter(None, [grid([*header, "McNemar", "effect", "ahead"], lines), "\n".join(notes)]))


def secondary_line(row: Mapping[str, Any]) -> list[str]:
    """A line of the grid of secondary comparisons."""
    metric = row["metric"]

    def with_interval(low: str, high: str) -> str:
        ends = f"[{difference(row[low], metric, '')}, {difference(row[high], metric, '')}]"
        return "-" if math.isnan(row[low]) else f"{difference(row['difference'], metric)} {ends}"

    p = [f"{p_value(row[name])}" if not math.isnan(row[name]) else "-" for name in ("p", "p_models", "p_permutation")]
    others = ["-" if math.isnan(row[name]) else p_value(row[name]) for name in ("p_resampled_t", "p_mcnemar")]
    effect = "-" if math.isnan(row["effect"]) else f"{row['effect']:+z.2f}"
    return [
        f"{row['arm']} against {row['reference']}",
        with_interval("ci_low", "ci_high"),
        p[0],
        with_interval("models_ci_low", "models_ci_high"),
        *p[1:],
        *others,
        effect,
        f"{100 * row['probability_of_improvement']:.0f} %",
    ]
