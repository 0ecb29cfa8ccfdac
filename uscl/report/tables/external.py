"""The tables of external tests: scores on other data sets, next to those on the task's own test folds."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from uscl.metrics.registry import PRIMARY, lower_is_better, metric_named, title
from uscl.report.tables.markdown import comparison, result_grid, size
from uscl.report.tables.result_table import COSTS, EVALUATION, result_table
from uscl.report.tables.sources import provenance
from uscl.report.tables.writing import grid, limits, mean_and_sd, number, points
from uscl.stats.level_names import per
from uscl.stats.level_tables import level_by_level, with_level

Test = Mapping[str, Any]  # `uscl.study.rules.external_tests`
NOT_TESTED = "its features or predictions come from a file, so there is no model to test"

HEAD = """\
The models of each fold and seed, as they were trained for table.md, predict all cases of another data set. The score of
a training is that of its single models: counts are pooled over the predictions of all its folds' models, and AUROC is
the mean over them. The metric of their mean probabilities is not taken, since an ensemble of all folds is better than
its members and has no counterpart in table.md. All models of a training predict the same cases, so a case counts once:
for intervals and p, all predictions of a patient are drawn, swapped and left out together."""
HOW_FAR = """\
Claims about an external set are about other trainings and about other patients like those of that set, not about other
clinics: one set is one draw of a clinic."""


def external_table(
    tests: Sequence[Test],
    intervals: pd.DataFrame,
    comparisons: pd.DataFrame,
    claims: pd.DataFrame,
    cells: Sequence[Mapping[str, Any]],
    leaks: Mapping[str, str],
    missing: Sequence[tuple[str | None, str, str, str]],
    **options: Any,
) -> pd.DataFrame:
    """`external.csv`: the columns of `table.csv`, with `test_set`, for the external tests alone.

    `intervals`, `comparisons` and `claims` name each test by its name in place of a task. `cells` are the records of
    the cells, `leaks` what the audit found by data set, `missing` as in `result_table`, of the tasks.
    """
    records, lost = [], []
    for test in tests:
        place = (test["task"], test["regime"])
        own = [each for each in cells if (each["params"]["task"], each["params"]["regime"]) == place]
        records += [{**each, "params": {**each["params"], "task": test["name"]}} for each in own]
        why = dict.fromkeys((arm for arm in options["arms"] if arm not in test["arms"]), NOT_TESTED)
        why |= {arm: reason for arm, task, regime, reason in missing if arm and (task, regime) == place}
        lost += [(arm, test["name"], test["regime"], reason) for arm, reason in why.items()]
    # An external test costs no training.
    costs = pd.DataFrame(columns=[*EVALUATION, *COSTS]).astype(dict.fromkeys(COSTS, float))
    origin = provenance(records, {test["name"]: leaks[test["dataset"]] for test in tests})
    table = result_table(intervals, comparisons, claims, costs, origin, missing=lost, **options)
    by_name = {test["name"]: test for test in tests}
    table.insert(list(table).index("task") + 1, "test_set", table["task"].map(lambda name: by_name[name]["dataset"]))
    return table.assign(task=table["task"].map(lambda name: by_name[name]["task"]))


def external_markdown(table: pd.DataFrame, external: pd.DataFrame, regimes: Mapping[str, str]) -> str:
    """`external.md`: for each test its scores next to those on the own folds, and all main metrics."""
    parts = ["# External tests", HEAD, HOW_FAR]
    for (task, dataset, regime), rows in external.groupby(["task", "test_set", "regime"], sort=False):
        own = with_level(table[(table["task"] == task) & (table["regime"] == regime)])
        for level, of_level in level_by_level(rows):
            parts += [f"## {task} on {dataset}, {regime}{per(level)}", size(of_level, regimes)]
            if len(inside := own[own["level"] == level]):
                parts.append(side_by_side(inside, of_level))
            parts.append(result_grid(of_level))
    if external["reference"].notna().any():
        parts.append(comparison(str(external["reference"].dropna().iloc[0])))
    return "\n\n".join(parts) + "\n"


def side_by_side(own: pd.DataFrame, external: pd.DataFrame) -> str:
    """A line per arm: its main metric on the task's own folds, on the external set, and the difference."""
    metric = next(name for name in PRIMARY if name in set(external["metric"]))
    arrow = " ↓" if lower_is_better(metric) else ""
    header = ["arm", f"{title(metric)}{arrow}, own test folds", "external", "external minus own"]
    rows = [{row["arm"]: row for row in part[part["metric"] == metric].to_dict("records")} for part in (own, external)]
    lines = []
    for arm in external["arm"].unique():
        found = [of_arm.get(arm) for of_arm in rows]
        shown = [score(row) for row in found]
        change = "-"
        if all(found):
            difference = found[1]["mean"] - found[0]["mean"]  # type: ignore[index]
            change = points(difference, "+") if metric_named(metric).percent else number(difference, "+")
        lines.append([arm, *shown, change])
    return grid(header, lines)


def score(row: Mapping[str, Any] | None) -> str:
    """Mean, sd and interval of a row of a table."""
    if row is None:
        return "missing"
    text = mean_and_sd(row["mean"], row["sd"], row["metric"])
    return " ".join(filter(None, [text, limits(row["ci_low"], row["ci_high"], row["metric"])]))


def in_overview(table: pd.DataFrame, external: pd.DataFrame) -> pd.DataFrame:
    """The rows of both tables, those of each external set after those of its task and regime, as a task of its own."""
    table, external = with_level(table), with_level(external)
    named = external.assign(task=external["task"] + " on " + external["test_set"])
    parts = []
    for (task, regime), rows in table.groupby(["task", "regime"], sort=False):
        parts += [rows, named[(external["task"] == task) & (external["regime"] == regime)]]
    return pd.concat(parts, ignore_index=True).drop(columns="test_set")
