"""The study's result table: every arm, task, regime and metric with its uncertainty, tests, costs and origin."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pandas as pd

from uscl.metrics.registry import lower_is_better, metric_named
from uscl.report.tables.verdicts import better_than
from uscl.stats.level_names import FRAME
from uscl.stats.level_tables import ABOUT, with_level

EVALUATION = ["arm", "task", "regime"]
ROW = [*EVALUATION, "level", "metric"]
COSTS = ["pretraining_images", "finetuning_images", "parameters"]
PROVENANCE = ["run", "seeds", "commit", "config_sha256", "data_sha256", "leaks", "cpu", "gpu"]
COLUMNS = [
    "arm",
    "pool_labels",
    "at_chance",
    "remarks",
    "task",
    "regime",
    "metric",
    "mean",
    "sd",
    "trainings",
    "deterministic",
    "ci_low",
    "ci_high",
    "se_trainings",
    "se_patients",
    "models_ci_low",
    "models_ci_high",
    "fold_mean",
    "fold_sd",
    "n",
    "groups",
    "n_groups",
    "n_cases",
    "rank",
    "better_than",
    "reference",
    "difference",
    "p",
    "p_models",
    "no_interval",
    "reason",
]
COLUMNS += [*COSTS, *PROVENANCE]
WHOLE = ["trainings", "n", "n_groups", "n_cases", *COSTS]  # integers, even if some are missing

Missing = tuple[str | None, str, str, str]


def result_table(
    intervals: pd.DataFrame,
    comparisons: pd.DataFrame,
    claims: pd.DataFrame,
    costs: pd.DataFrame,
    provenance: pd.DataFrame,
    *,
    arms: Sequence[str],
    labelled: Collection[str],
    reference: str,
    missing: Sequence[Missing],
    remarks: Mapping[str, Sequence[str]] = MappingProxyType({}),
    at_chance: Collection[str] = (),
    splits: Mapping[str, str] = MappingProxyType({}),
) -> pd.DataFrame:
    """One row per arm x task x regime x level x metric, in the order of `arms` and of first appearance (`table.csv`).

    `intervals` and `comparisons` are those of `uscl.stats.summary` for all evaluations, with task, regime and level;
    without any but frames, the table has no columns for levels (`uscl.stats.level_tables.ABOUT`). `claims` are
    those of `uscl.report.tables.claims`. `costs` and `provenance` have one row per arm x task x regime. `labelled` are
    the arms that see class labels of the pool, `at_chance` those of which a training is at chance; `remarks` has
    what else readers must know of an arm. `missing` names arm
    (None for all arms), task, regime and reason of what was not evaluated; it becomes a row without a metric.

    `rank` is 1 for the best mean; equal means share their average rank. difference and p are those of the method test
    against the `reference` arm, not corrected; p_models is about these trained models. `better_than` names the arms
    that an arm is shown to be better than in a primary comparison on the row's metric; empty if there are none.
    `splits` says how each task is divided; without any, the table has no column `split`.

    Raises ValueError if `reference` is not one of `arms`.
    """
    if reference not in arms:
        raise ValueError(f"The reference {reference} is not one of the arms {', '.join(arms)}.")
    intervals = with_level(intervals)
    table = in_order(pd.concat([with_reasons(intervals), missing_rows(arms, missing)]), arms)
    table = table.merge(against(with_level(comparisons), reference), on=ROW, how="left", validate="one_to_one")
    for source, columns in ((costs, COSTS), (provenance, PROVENANCE)):
        table = table.merge(source[EVALUATION + columns], on=EVALUATION, how="left", validate="many_to_one")
    table["pool_labels"] = table["arm"].isin(labelled)
    table["at_chance"] = table["arm"].isin(at_chance)
    table["remarks"] = table["arm"].map(lambda arm: "; ".join(remarks.get(arm, ())) or None)
    table["rank"] = ranks(table)
    shown = better_than(claims)
    table["better_than"] = [" ".join(shown.get(row, ())) or None for row in table[ROW].itertuples(False, None)]
    table["split"] = table["task"].map(splits)
    first = COLUMNS.index("metric")
    about = [] if intervals["level"].eq(FRAME).all() else ABOUT
    columns = [*COLUMNS[:first], *about, *(["split"] if splits else []), *COLUMNS[first:]]
    return table.reindex(columns=columns).astype(dict.fromkeys([*WHOLE, *set(about) & {"left_out"}], "Int64"))


def with_reasons(intervals: pd.DataFrame) -> pd.DataFrame:
    """The intervals, with a reason if a metric is undefined in some or all folds.

    Why there is no interval over trainings moves to `no_interval`.
    """
    intervals = intervals.rename(columns={"reason": "no_interval"})
    reasons = [
        why_undefined(metric, int(undefined), int(n + undefined))
        for metric, undefined, n in intervals[["metric", "undefined", "n"]].itertuples(index=False)
    ]
    return intervals.assign(reason=pd.Series(reasons, index=intervals.index, dtype=object))


def why_undefined(metric: str, undefined: int, scores: int) -> str | None:
    """Why scores are undefined; None if all are defined.

    >>> why_undefined("auroc", 2, 15)
    'undefined in 2 of 15 folds: a class is absent from the test part'
    """
    if not undefined:
        return None
    cause = metric_named(metric).undefined
    return f"undefined in {undefined} of {scores} folds" + (f": {cause}" if cause else "")


def missing_rows(arms: Sequence[str], missing: Sequence[Missing]) -> pd.DataFrame:
    """One row per arm of each evaluation that does not exist."""
    rows = [
        (each, task, regime, None, None, reason)
        for arm, task, regime, reason in missing
        for each in (arms if arm is None else [arm])
    ]
    return pd.DataFrame(rows, columns=[*ROW, "reason"], dtype=object)


def in_order(table: pd.DataFrame, arms: Sequence[str]) -> pd.DataFrame:
    """The rows by arm in the order of `arms`, then by task and regime in the order of first appearance.

    Levels and metrics keep the order of their evaluation: the first level is the task's main one.
    """

    def place(column: pd.Series) -> Any:
        return pd.Index(arms).get_indexer(column) if column.name == "arm" else pd.factorize(column)[0]

    return table.sort_values(EVALUATION, key=place, kind="stable", ignore_index=True)


def against(comparisons: pd.DataFrame, reference: str) -> pd.DataFrame:
    """The comparisons of all arms with the reference: the columns `ROW`, reference, difference, p and p_models."""
    columns = [*ROW, "reference", "difference", "p", "p_models"]
    return comparisons.loc[comparisons["reference"] == reference, columns].astype({"difference": float, "p": float})


def ranks(table: pd.DataFrame) -> pd.Series:
    """The rank of each mean among the arms of the same task, regime, level and metric; ties share their average."""
    height = table["mean"].where(table["metric"].map(lower_is_better).astype(bool), -table["mean"])
    return height.groupby([table[key] for key in ROW[1:]]).rank()
