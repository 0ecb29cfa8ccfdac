"""The result table for readers: arms and main metrics by task and regime, costs, and notes on how to read it."""

from collections.abc import Mapping
from textwrap import fill
from types import MappingProxyType

import pandas as pd

from uscl.metrics.registry import (
    MAIN,
    METRICS,
    PRIMARY,
    SEGMENTATION,
    lower_is_better,
    names,
    title,
)
from uscl.report.tables.absences import absences
from uscl.report.tables.costs import cost_parts
from uscl.report.tables.names import GROUPS, MARK
from uscl.report.tables.writing import grid, limits, mean_and_sd, p_value

SCORES = """\
- A score is that of one fold's test part with one seed, and each test part is scored once: a validation part of the
  training data chooses the epoch, or the setting of a probe. ± is the standard deviation over folds and seeds. It is
  not a standard error: folds share training data, so their scores are not independent.
- [low, high] is the mean's 95 % confidence interval, from a bootstrap that draws patients (else videos, else images)
  within each fold. It does not include the variation between models trained on other patients.
- The rank orders the arms by their mean; 1 is the best."""

MASKS = """\
- Dice, IoU and HD95 are computed per image, with masks at the study's frame size and not at the size of the source
  image: don't compare them with published values. Two empty masks agree (Dice and IoU 1, HD95 0). If only one of the
  two is empty, Dice and IoU are 0 and HD95 is the diagonal of the frame."""


def markdown(
    table: pd.DataFrame,
    claims: pd.DataFrame,
    study: str,
    *,
    costs: pd.DataFrame | None = None,
    regimes: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """`table.md`: the main metrics of `result_table`, what is missing and why, and the costs.

    `claims` are those of `uscl.report.tables.claims`; `costs` is `costs_table`, for measured times and memory;
    `regimes` has the titles of the regimes. Scores are in percent unless a unit is named. Exactly the rows that are
    `best` are bold.
    """
    parts = [f"# Results of the study `{study}`", introduction(table, claims)]
    for (task, regime), rows in table.groupby(["task", "regime"], sort=False):
        if rows["metric"].notna().any():
            parts += [f"## {task}, {regime}", size(rows, regimes), result_grid(rows)]
    if reasons := absences(table):
        parts += ["## Missing and undefined", "\n".join(f"- {reason}" for reason in reasons)]
    parts += cost_parts(table if costs is None else costs)
    return "\n\n".join([*parts, "## How to read this", notes(table)]) + "\n"


def introduction(table: pd.DataFrame, claims: pd.DataFrame) -> str:
    """What the numbers are, what bold means, and how many comparisons show a difference."""
    lines = [
        "Mean ± standard deviation over folds and seeds [95 % confidence interval], in percent. ↓: lower is better"
    ]
    if len(claims):
        meaning = f"the best mean, if the corrected test shows the arm to be better than `{reference_of(table)}`"
        lines.append(f"**Bold**: {meaning}" if table["best"].any() else f"Nothing is bold; bold would mean {meaning}")
        differ = (claims["verdict"] != "not shown").sum()
        lines.append(f"{differ} of {len(claims)} comparisons on the primary metrics show a difference: see claims.md")
    else:
        lines.append("No arms were compared, so nothing is bold")
    if table["pool_labels"].any():
        lines.append(f"{MARK}: sees class labels of the pretraining pool, which the other arms do not")
    remarks = table[["arm", "remarks"]].dropna().drop_duplicates()
    lines += [f"`{arm}`: {remark}" for arm, remark in remarks.itertuples(index=False)]
    return "\n".join(f"- {line}." for line in lines)


def reference_of(table: pd.DataFrame) -> str:
    """The arm that the others are compared with; the table has comparisons."""
    return str(table["reference"].dropna().iloc[0])


def size(rows: pd.DataFrame, regimes: Mapping[str, str]) -> str:
    """How many cases, groups and scores the numbers of a task rest on, and what the audit found in its data."""
    cases, groups, scores = (rows[column].max() for column in ("n_cases", "n_groups", "n"))
    regime = rows["regime"].iloc[0]
    meaning = f" Regime: {regimes[regime]}." if regime in regimes else ""
    leaks = rows["leaks"].dropna().iloc[0]  # an arm whose run failed has none
    return f"{cases} test cases of {groups} {GROUPS}; {scores} scores per arm.{meaning} Audit of the data: {leaks}."


def result_grid(rows: pd.DataFrame) -> str:
    """One row per arm: the main metrics, then rank and corrected p on the primary metric."""
    present = set(rows["metric"])
    metrics = [metric for metric in MAIN if metric in present]
    primary = next(metric for metric in metrics if metric in PRIMARY)
    header = ["arm", *(title(metric) + (" ↓" if lower_is_better(metric) else "") for metric in metrics)]
    header += [f"rank, {title(primary)}", f"Holm p, {title(primary)}"]
    lines = []
    for arm, of_arm in rows.groupby("arm", sort=False):
        known = {row["metric"]: row for row in of_arm.to_dict("records")}
        scores = (cell(known.get(metric)) for metric in metrics)
        lines.append([marked(of_arm), *scores, *rank_and_p(arm, known.get(primary))])
    return grid(header, lines)


def marked(of_arm: pd.DataFrame) -> str:
    """The arm's name, with a mark if it sees labels of the pool."""
    return f"{of_arm['arm'].iloc[0]}{f' {MARK}' if of_arm['pool_labels'].any() else ''}"


def cell(row: dict | None) -> str:
    """Mean, sd and interval of a row of the table; bold if it is `best`."""
    if row is None:
        return "missing"
    text = mean_and_sd(row["mean"], row["sd"], row["metric"])
    text = " ".join(filter(None, [text, limits(row["ci_low"], row["ci_high"], row["metric"])]))
    return f"**{text}**" if row["best"] else text


def rank_and_p(arm: str, row: dict | None) -> list[str]:
    """Rank and corrected p of a row of the primary metric."""
    if row is None:
        return ["-", "-"]
    rank = "-" if pd.isna(row["rank"]) else f"{row['rank']:g}"
    return [rank, "-" if pd.isna(row["p_holm"]) else p_value(row["p_holm"])]


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
    """How arms are compared, and what bold means."""
    primaries = ", ".join(map(title, PRIMARY))
    return f"""\
- Holm p: the p of a two-sided paired permutation test against `{reference}`, which swaps both arms' predictions for
  whole patients, corrected by Holm's method. All comparisons of the study on the primary metrics ({primaries}) form
  one family, and those on each other metric form another.
- Bold: the best mean of its column, if the arm has Holm p < 0.05 in its favour. It is then shown to be better than
  `{reference}`, not than every arm. `{reference}` itself is bold only if it is shown to be better than every other arm.
- A difference that is not shown may still exist: with few patients, only large differences can be shown."""
