"""The luck of trainings next to the spread of patients: what the uncertainty of every score comes from."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uscl.metrics.registry import metric_named, title, unit_of_difference
from uscl.report.figures import forest
from uscl.report.figures.style import BLUE, GREY, ORANGE, PAGE, plt, wrapped
from uscl.stats.level_names import per

PARTS = {"se_trainings": ("trainings (luck)", ORANGE), "se_patients": ("patients", BLUE)}
ACROSS = 3


def variance_parts(table: pd.DataFrame, arms: Sequence[str]) -> Figure:
    """Two bars per arm, one panel per task and regime: the standard error of its mean that each part would give alone.

    `table` has the rows of each task's primary metric: arm, task, regime, metric, se_trainings, se_patients,
    deterministic. An arm without a standard error is marked: it has one training, or its score is missing.
    """
    cells = list(table.groupby(["task", "regime"], sort=False))
    rows = -(-len(cells) // ACROSS)
    size = (PAGE, rows * (0.9 + 0.3 * len(arms)) + 0.6)
    figure, axes = plt.subplots(rows, min(ACROSS, len(cells)), figsize=size, squeeze=False, layout="constrained")
    for number, axis in enumerate(axes.flat):
        if number >= len(cells):
            axis.set_axis_off()
            continue
        (task, regime), of_cell = cells[number]
        draw_parts(axis, of_cell.set_index("arm").reindex(list(arms)), of_cell["metric"].iloc[0])
        axis.set_title(f"{wrapped(task)}\n{regime.replace('_', ' ')}{per(forest.level_of(of_cell))}")
        first = number % ACROSS == 0
        axis.set_yticks(range(len(arms)), [wrapped(arm) for arm in arms] if first else [""] * len(arms))
    figure.legend(*axes.flat[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    return figure


def draw_parts(axis: Axes, rows: pd.DataFrame, metric: str) -> None:
    """Draw the bars of one task and regime, the first arm on top."""
    factor, unit = 100 if metric_named(metric).percent else 1, unit_of_difference(metric)
    places = np.arange(len(rows))
    for aside, (column, (label, colour)) in zip((-0.2, 0.2), PARTS.items(), strict=True):
        axis.barh(places + aside, factor * rows[column].astype(float).fillna(0), 0.38, color=colour, label=label)
    for place, value in enumerate(rows["se_patients"].astype(float)):
        if np.isnan(value):
            axis.text(0.02, place, "unknown", transform=axis.get_yaxis_transform(), va="center", color=GREY)
    axis.set(xlabel=f"standard error of\n{title(metric)} ({unit})", ylim=(len(rows) - 0.4, -0.6), xlim=(0, None))
    axis.grid(axis="x", linewidth=0.4, color="0.85")
    axis.set_axisbelow(True)
