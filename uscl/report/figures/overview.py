"""The result at a glance: every arm's primary score with its interval, by task and regime, the best on top."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from uscl.metrics.registry import lower_is_better
from uscl.report.figures import forest
from uscl.report.figures.intervals import OF_MODELS, OVER_TRAININGS
from uscl.report.figures.style import arm_styles, wrapped
from uscl.report.tables.names import BETTER_MARK, CHANCE_MARK, MARK, WORSE_MARK

MEAN = "mean over trainings"
BETTER = f"{BETTER_MARK} shown to be better than another arm in a primary comparison (claims.md)"
WORSE = f"{WORSE_MARK} shown to be worse than another arm in a primary comparison"
LABELLED = f"{MARK} sees class labels of the pretraining pool"
AT_CHANCE = f"{CHANCE_MARK} a pretraining has not learned to tell videos apart"
EXPLAINED = {MARK: LABELLED, CHANCE_MARK: AT_CHANCE, BETTER_MARK: BETTER, WORSE_MARK: WORSE}


def overview(table: pd.DataFrame, arms: Sequence[str]) -> Figure:
    """A forest plot: one panel per task and regime, one line per arm, in percent.

    `table` has the rows of each task's primary metric at its main level: arm, task, regime, metric, mean, ci_low,
    ci_high, models_ci_low, models_ci_high, better_than, pool_labels, at_chance. `arms` are all arms of the study in its
    order. The best arm of a panel is on top. All panels of a metric have one scale. A score that is absent or NaN is
    marked as missing, at the bottom; an interval that is NaN is left out.
    """
    cells = {cell: in_order(rows, arms) for cell, rows in table.groupby(["task", "regime"], sort=False)}
    labels = {cell: names(rows, table) for cell, rows in cells.items()}
    used = "".join(label for of_panel in labels.values() for label in of_panel)
    height = forest.pitch([label for of_panel in labels.values() for label in of_panel])
    figure, axes = forest.panels(len(cells), len(arms), height, 0.9)
    for axis, ((task, regime), rows) in zip(axes, cells.items(), strict=True):
        metric = rows["metric"].dropna().iloc[0]
        not_shown = rows.index[rows["better_than"].isna()]  # their markers are hollow
        forest.draw_arms(axis, rows, "mean", metric, arm_styles(arms), not_shown)
        forest.one_scale(axis, table, metric, ["mean", *forest.ENDS])
        axis.set_xlabel(forest.x_label(metric))
        forest.finish(axis, task, regime, labels[task, regime], forest.level_of(rows))
    explain(figure, table, used)
    return figure


def in_order(rows: pd.DataFrame, arms: Sequence[str]) -> pd.DataFrame:
    """The rows of a panel by arm (the index), the best mean first and missing arms last; ties as in `arms`."""
    rows = rows.set_index("arm").reindex(list(arms))
    lower = rows["metric"].map(lower_is_better).any()
    return rows.sort_values("mean", ascending=bool(lower), kind="stable", na_position="last")


def names(rows: pd.DataFrame, table: pd.DataFrame) -> list[str]:
    """The arms' names with their marks; `rows` are those of a panel, `table` has the marks of arms in all panels."""
    better = rows["better_than"].dropna()
    shown = {
        MARK: set(table.loc[table["pool_labels"].eq(True), "arm"]),
        CHANCE_MARK: set(table.loc[table["at_chance"].eq(True), "arm"]),
        BETTER_MARK: set(better.index),
        WORSE_MARK: {arm for losers in better for arm in losers.split()},
    }
    return [wrapped(" ".join([arm, *(mark for mark, found in shown.items() if arm in found)])) for arm in rows.index]


def explain(figure: Figure, table: pd.DataFrame, used: str) -> None:
    """Explain below the panels the lines and marks that the figure uses."""
    handles = [Line2D([], [], color="black", linestyle="none", marker="o", markerfacecolor="white", label=MEAN)]
    for (prefix, (width, _)), words in zip(forest.INTERVALS.items(), (OVER_TRAININGS, OF_MODELS), strict=True):
        if table[f"{prefix}ci_low"].notna().any():
            handles.append(Line2D([], [], color="black", linewidth=width, label=words))
    handles += [Line2D([], [], linestyle="none", label=words) for mark, words in EXPLAINED.items() if mark in used]
    figure.legend(handles=handles, loc="outside lower center", frameon=False)
