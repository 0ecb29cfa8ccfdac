"""The result at a glance: every arm's primary score with its confidence interval, by task and regime."""

from collections.abc import Sequence
from itertools import zip_longest

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from uscl.metrics.registry import title
from uscl.report.figures.intervals import OF_MODELS, OVER_TRAININGS
from uscl.report.figures.style import GREY, PAGE, ArmStyle, arm_styles, plt, wrapped
from uscl.report.tables.names import CHANCE_MARK, MARK

Cell = tuple[str, str]

MEAN = "mean over trainings"
BEST = "shown to be better than another arm in a primary comparison"
# Width and shift of the intervals over trainings, and of these models.
LINES = {"": (2.0, 0.0), "models_": (0.8, 0.25)}
LABELLED = f"{MARK} sees class labels of the pretraining pool"
AT_CHANCE = f"{CHANCE_MARK} a pretraining has learned nothing"
MARKS = {"pool_labels": (MARK, LABELLED), "at_chance": (CHANCE_MARK, AT_CHANCE)}


def overview(table: pd.DataFrame, arms: Sequence[str]) -> Figure:
    """A forest plot: one panel per task and regime, one line per arm.

    `table` has the rows of each task's primary metric: arm, task, regime, metric, mean, ci_low, ci_high,
    models_ci_low, models_ci_high, better_than, pool_labels, at_chance. `arms` are all arms of the study in its order.
    A task's regimes are side by side at one scale. A score that is absent or NaN is marked as missing; an interval that
    is NaN is left out.
    """
    cells = {cell: rows.set_index("arm") for cell, rows in table.groupby(["task", "regime"], sort=False)}
    grid, labels, styles = panels(list(cells)), arm_labels(table, arms), arm_styles(arms)
    pitch = max(0.19, 0.14 * max(label.count("\n") + 1 for label in labels))
    size = (PAGE, len(grid) * (0.9 + pitch * len(arms)) + 0.8)
    shape, regimes = (len(grid), max(map(len, grid))), table["regime"].nunique()
    figure, axes = plt.subplots(
        *shape, figsize=size, squeeze=False, sharex="row" if regimes > 1 else "none", layout="constrained"
    )
    for row, names in zip(axes, grid, strict=True):
        for axis, cell in zip_longest(row, names):
            if cell is None:
                axis.set_axis_off()
                continue
            forest(axis, cells[cell], styles)
            axis.set_title(f"{wrapped(cell[0])}\n{cell[1].replace('_', ' ')}")
            axis.set_yticks(range(len(arms)), labels if axis is row[0] else [""] * len(arms))
    explain(figure, table)
    return figure


def panels(cells: Sequence[Cell]) -> list[list[Cell]]:
    """The task and regime of each panel, row by row: a task's regimes side by side, or three tasks of one regime each.

    >>> panels([("a", "knn"), ("a", "linear"), ("b", "knn")])
    [[('a', 'knn'), ('a', 'linear')], [('b', 'knn')]]
    >>> panels([("a", "knn"), ("b", "knn"), ("c", "knn"), ("d", "knn")])
    [[('a', 'knn'), ('b', 'knn'), ('c', 'knn')], [('d', 'knn')]]
    """
    tasks = list(dict.fromkeys(task for task, _ in cells))
    if len(tasks) == len(cells):
        return [list(cells[start : start + 3]) for start in range(0, len(cells), 3)]
    return [[cell for cell in cells if cell[0] == task] for task in tasks]


def arm_labels(table: pd.DataFrame, arms: Sequence[str]) -> list[str]:
    """The arms' names, with marks on those that see class labels of the pool, and those that have learned nothing."""
    marked = {mark: set(table.loc[table[column].eq(True), "arm"]) for column, (mark, _) in MARKS.items()}
    return [wrapped(" ".join([arm, *(mark for mark, found in marked.items() if arm in found)])) for arm in arms]


def forest(axis: Axes, rows: pd.DataFrame, styles: dict[str, ArmStyle]) -> None:
    """Draw the arms of one task and regime, the first on top; `rows` is by arm."""
    metric, rows = rows["metric"].iloc[0], rows.reindex(list(styles))
    best = set(rows.index[rows["better_than"].notna()])
    for place, (arm, style) in enumerate(styles.items()):
        mean = rows.loc[arm, "mean"]
        if pd.isna(mean):
            axis.text(0.5, place, "missing", transform=axis.get_yaxis_transform(), ha="center", va="center", color=GREY)
            continue
        for prefix, (width, below) in LINES.items():
            ends = rows.loc[arm, [f"{prefix}ci_low", f"{prefix}ci_high"]].to_numpy(float)
            axis.plot(ends, [place + below] * 2, color=style.colour, linewidth=width)
        face = style.colour if arm in best else "white"
        axis.plot(mean, place, style.marker, color=style.colour, markerfacecolor=face, markersize=6)
    axis.set(xlabel=title(metric), ylim=(len(styles) - 0.5, -0.6))
    axis.xaxis.set_major_locator(MaxNLocator(nbins=3))
    axis.grid(axis="x", linewidth=0.4, color="0.85")
    axis.set_axisbelow(True)


def explain(figure: Figure, table: pd.DataFrame) -> None:
    """Explain below the panels the marks that the figure uses."""
    handles = [Line2D([], [], color="black", linestyle="none", marker="o", markerfacecolor="white", label=MEAN)]
    for (prefix, (width, _)), words in zip(LINES.items(), (OVER_TRAININGS, OF_MODELS), strict=True):
        if table[f"{prefix}ci_low"].notna().any():
            handles.append(Line2D([], [], color="black", linewidth=width, label=words))
    if table["better_than"].notna().any():
        handles.append(Line2D([], [], color="black", linestyle="none", marker="o", label=BEST))
    for column, (_, label) in MARKS.items():
        if table[column].eq(True).any():
            handles.append(Line2D([], [], linestyle="none", label=label))
    figure.legend(handles=handles, loc="outside lower center", frameon=False)
