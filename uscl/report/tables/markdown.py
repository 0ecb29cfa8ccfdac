"""The result table for readers: arms and main metrics by task and regime, costs, and notes on how to read it."""

from collections.abc import Mapping, Sequence
from textwrap import fill
from types import MappingProxyType

import pandas as pd

from uscl.base.text import counted
from uscl.metrics.registry import (
    MAIN,
    METRICS,
    PRIMARY,
    SEGMENTATION,
    lower_is_better,
    names,
    title,
)
from uscl.report.headline import shows_difference
from uscl.report.tables.absences import absences
from uscl.report.tables.claims import SIMULATED
from uscl.report.tables.costs import cost_parts
from uscl.report.tables.given_splits import sentences
from uscl.report.tables.names import CHANCE_MARK, MARK
from uscl.report.tables.writing import BRACES, grid, limits, mean_and_sd, p_value, points
from uscl.stats.level_names import FRAME, MEAN, VOTE, per
from uscl.stats.level_tables import level_by_level

SCORES = """\
- A training is a whole chain: a partition of the data, a pretraining, a fine-tuning. Its score is computed over the
  test cases of all its folds; AUROC is the mean over folds. Each case is tested once: a validation part of the training
  data chooses the epoch, or the setting of a probe. ± is the standard deviation over trainings: the luck of a training.
- [low, high] is the mean's 95 % confidence interval over other trainings and other patients. In braces {low, high}, if
  there is none: an interval of these models alone, from a bootstrap that draws patients; it says nothing about another
  training. table.csv has both for every row, and the means over single folds.
- The rank orders the arms by their mean; 1 is the best."""

RULES = {
    MEAN: "The class probabilities of a {case} are the mean over its frames.",
    VOTE: "The class probabilities of a {case} are the shares of its frames that are predicted as each class.",
}

MASKS = """\
- Masks are scored per image at the size of its source picture, to which predictions are scaled back. Columns named
  frame-size are scores of the masks as stored, at the study's frame size: don't compare these with published values.
  The black border that makes a frame square is no part of the picture: it counts neither in training nor in a score.
  HD95 is the larger of the 95th percentiles of both directions. Two empty masks agree (Dice and IoU 1, HD95 0). If only
  one of the two is empty, Dice and IoU are 0 and HD95 is the diagonal of the picture. NSD counts as Dice does.
  With several structures, an image's score is the mean over all of them by this rule, and table.csv has each."""


def markdown(
    table: pd.DataFrame,
    claims: pd.DataFrame,
    study: str,
    *,
    costs: pd.DataFrame | None = None,
    regimes: Mapping[str, str] = MappingProxyType({}),
    simulated: bool = False,
    mixed: Sequence[str] = (),
) -> str:
    """`table.md`: the main metrics of `result_table`, what is missing and why, and the costs.

    `claims` are those of `uscl.report.tables.claims`; `costs` is `costs_table`, for measured times and memory;
    `regimes` has the titles of the regimes; `simulated` says whether the tasks' data are; `mixed` names the packages
    of which runs used different versions. Scores are in percent unless a unit is named. Exactly the rows with a
    `better_than` are bold.
    """
    parts = [
        f"# Results of the study `{study}`",
        *([SIMULATED] if simulated else []),
        introduction(table, claims, mixed),
    ]
    for (task, regime), rows in table.groupby(["task", "regime"], sort=False):
        for level, of_level in level_by_level(rows):
            parts += [f"## {task}, {regime}{per(level)}", size(of_level, regimes), result_grid(of_level)]
    if reasons := absences(table):
        parts += ["## Missing and undefined", "\n".join(f"- {reason}" for reason in reasons)]
    parts += cost_parts(table if costs is None else costs)
    return "\n\n".join([*parts, "## How to read this", notes(table)]) + "\n"


def introduction(table: pd.DataFrame, claims: pd.DataFrame, mixed: Sequence[str]) -> str:
    """What the numbers are, what bold means, and how many primary comparisons show a difference."""
    lines = ["Mean ± standard deviation over trainings [95 % confidence interval], in percent. ↓: lower is better"]
    primary = claims[claims["primary"]]
    if len(primary):
        meaning = "shown by the method test to be better than another arm in a primary comparison"
        bold = table["better_than"].notna().any()
        lines.append(f"**Bold**: {meaning}" if bold else f"Nothing is bold; bold would mean: {meaning}")
        differ = sum(map(shows_difference, primary["verdict"]))
        lines.append(f"{differ} of {len(primary)} primary comparisons show a difference: see claims.md")
    else:
        lines.append("The study names no primary comparison, so nothing is bold and nothing is claimed")
    if table["pool_labels"].any():
        lines.append(f"{MARK}: sees class labels of the pretraining pool, which the other arms do not")
    if table["at_chance"].any():
        lines.append(f"{CHANCE_MARK}: a pretraining of the arm has not learned to tell videos apart; see its remark")
    if mixed:
        versions = ", ".join(mixed)
        lines.append(f"The runs were made with different versions of packages, so arms may differ by them: {versions}")
    remarks = table[["arm", "remarks"]].dropna().drop_duplicates()
    lines += [f"`{arm}`: {remark}" for arm, remark in remarks.itertuples(index=False)]
    return "\n".join(f"- {line}." for line in lines)


def reference_of(table: pd.DataFrame) -> str:
    """The arm that the others are compared with; the table has comparisons."""
    return str(table["reference"].dropna().iloc[0])


def size(rows: pd.DataFrame, regimes: Mapping[str, str]) -> str:
    """How many cases, groups and trainings a task's numbers rest on, and what the audit found in its data."""
    cases, trainings = (rows[column].max() for column in ("n_cases", "trainings"))
    groups = rows["groups"].dropna().iloc[0]
    regime = rows["regime"].iloc[0]
    meaning = f" Regime: {regimes[regime]}." if regime in regimes else ""
    leaks = rows["leaks"].dropna().iloc[0]  # an arm whose run failed has none
    sizes = f"{cases} test cases of {groups}; {counted(trainings, 'training')} per arm."
    split = sentences(rows["split"].iloc[0]) if "split" in rows else ""
    return " ".join(filter(None, [f"{sizes}{of_frames(rows)}{meaning} Audit of the data: {leaks}.", split]))


def of_frames(rows: pd.DataFrame) -> str:
    """How the cases of a level get their probabilities, and which are left out; nothing for frames."""
    row = rows[rows["metric"].notna()].iloc[0]
    if row["level"] == FRAME:
        return ""
    words = f" {RULES[row['level_rule']].format(case=row['level'])}"
    return words + (f" {row['left_out']} left out, whose frames have several classes." if row["left_out"] else "")


def result_grid(rows: pd.DataFrame) -> str:
    """One row per arm: the main metrics, then rank, and the comparison with the reference, on the primary metric."""
    present = set(rows["metric"])
    metrics = [metric for metric in MAIN if metric in present]
    primary = next(metric for metric in metrics if metric in PRIMARY)
    header = ["arm", *(title(metric) + (" ↓" if lower_is_better(metric) else "") for metric in metrics)]
    header += [f"rank, {title(primary)}"]
    if compared := rows["reference"].notna().any():
        header += [f"minus {rows['reference'].dropna().iloc[0]}", "p, methods", "p, these models"]
    lines = []
    for _, of_arm in rows.groupby("arm", sort=False):
        known = {row["metric"]: row for row in of_arm.to_dict("records")}
        scores = (cell(known.get(metric)) for metric in metrics)
        lines.append([marked(of_arm), *scores, *rank_and_p(known.get(primary), compared=compared)])
    return grid(header, lines)


def marked(of_arm: pd.DataFrame) -> str:
    """The arm's name, with marks if it sees labels of the pool or has not learned to tell videos apart."""
    marks = [MARK] * bool(of_arm["pool_labels"].any()) + [CHANCE_MARK] * bool(of_arm["at_chance"].any())
    return " ".join([of_arm["arm"].iloc[0], *marks])


def cell(row: dict | None) -> str:
    """Mean, sd and interval of a row of the table; bold if the arm is shown to be better than another."""
    if row is None:
        return "missing"
    text = mean_and_sd(row["mean"], row["sd"], row["metric"])
    interval = limits(row["ci_low"], row["ci_high"], row["metric"])
    of_models = limits(row["models_ci_low"], row["models_ci_high"], row["metric"]).translate(BRACES)
    text = " ".join(filter(None, [text, interval or of_models]))
    return f"**{text}**" if isinstance(row["better_than"], str) else text


def rank_and_p(row: dict | None, *, compared: bool) -> list[str]:
    """Rank of a row of the primary metric, and its comparison with the reference if there is any in the table."""
    if row is None:
        return ["-"] * (4 if compared else 1)
    rank = "-" if pd.isna(row["rank"]) else f"{row['rank']:g}"
    if not compared:
        return [rank]
    ahead = "-" if pd.isna(row["difference"]) else points(row["difference"], "+")
    return [rank, ahead, *("-" if pd.isna(row[name]) else p_value(row[name]) for name in ("p", "p_models"))]


def notes(table: pd.DataFrame) -> str:
    """What a reader must know about the parts that this table has."""
    parts = [SCORES]
    if explained := [metric.note for metric in METRICS if metric.note and table["metric"].eq(metric.name).any()]:
        parts.append(fill(f"- {' '.join(explained)}", 120, subsequent_indent="  "))
    if table["reference"].notna().any():
        parts.append(comparison(reference_of(table)))
    if table["metric"].isin(names(SEGMENTATION, [])).any():
        parts.append(MASKS)
    return "\n".join(parts)


def comparison(reference: str) -> str:
    """How arms are compared with the reference, and what bold means."""
    return f"""\
- minus {reference}: the difference to `{reference}` on the task's main metric, in points. p, methods: would other
  trainings of both methods differ, on other patients? (Obuchowski and Rockette's test.) p, these models: would these
  trained models differ on other patients? (A permutation test.) Both are not corrected for the number of comparisons.
- Only the primary comparisons, named in the study's file, have a corrected p and a verdict, in claims.md. Bold follows
  them alone: the arm is shown to be better than the one named in the column better_than of table.csv.
- A difference that is not shown may still exist: few patients and few trainings show only large ones."""
