"""What every arm costs next to what it scores: one line per arm, the cheapest on top."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from uscl.report.figures import forest
from uscl.report.figures.intervals import one_interval
from uscl.report.figures.style import BLUE, ORANGE, ArmStyle, arm_styles, wrapped

ACROSS = 3
PARTS = {"pretraining": BLUE, "finetuning": ORANGE}
WORDS = {"pretraining": "pretraining", "finetuning": "fine-tuning"}
SCALES = {"cpu_s": "CPU time", "s": "time", "images": "images seen"}


def cost_and_score(table: pd.DataFrame, costs: pd.DataFrame, arms: Sequence[str], *, gpu: bool = False) -> Figure:
    """The arms' costs (bars: pretraining, and fine-tuning on all tasks shown) and their scores with 95 % CI.

    `table` has the rows of one regime per task on its primary metric: arm, task, regime, metric, mean, both intervals;
    `costs` is `uscl.report.tables.costs.costs_table`. `arms` are all arms of the study in its order. Time is CPU time,
    which other work on the machine doesn't change; with a `gpu` it is the time on the clock. All panels of a metric
    have one scale.
    """
    totals = total_costs(costs.merge(table[["arm", "task", "regime"]]), arms)
    time = "s" if gpu else "cpu_s"
    order = list(
        totals[[f"{part}_{time}" for part in PARTS]].sum(axis=1, min_count=len(PARTS)).sort_values(kind="stable").index
    )
    shown = one_interval(table)
    tasks = list(shown.groupby(["task", "regime"], sort=False))
    labels = [wrapped(arm) for arm in order]
    figure, axes = forest.panels(2 + len(tasks), len(arms), forest.pitch(labels), 0.4, ACROSS)
    for axis, scale in zip(axes, (time, "images"), strict=False):
        draw_costs(axis, totals.loc[order], scale)
    for axis, ((task, regime), rows) in zip(axes[2:], tasks, strict=True):
        draw_scores(axis, rows.set_index("arm").reindex(order), arm_styles(arms))
        forest.one_scale(axis, shown, rows["metric"].iloc[0], ["mean", "ci_low", "ci_high"])
        forest.finish(axis, task, regime, labels, forest.level_of(rows))
    for place, axis in enumerate(axes):
        axis.set_yticks(range(len(labels)), [""] * len(labels) if place % ACROSS else labels)
        axis.xaxis.set_major_locator(MaxNLocator(nbins=3))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    return figure


def total_costs(costs: pd.DataFrame, arms: Sequence[str]) -> pd.DataFrame:
    """Per arm (the index): pretraining_* and finetuning_* in seconds and images; fine-tuning is the sum over tasks."""
    by_arm = costs.groupby("arm", sort=False)
    first = {f"pretraining_{scale}": by_arm[f"pretraining_{scale}"].first() for scale in SCALES}
    sums = {f"finetuning_{scale}": by_arm[f"finetuning_{scale}"].sum(min_count=1) for scale in SCALES}
    return pd.DataFrame(first | sums).astype(float).reindex(list(arms))


def draw_costs(axis: Axes, totals: pd.DataFrame, scale: str) -> None:
    """Draw one bar per arm, the first on top; an arm of which a cost is unknown is called so."""
    start = np.zeros(len(totals))
    for part, colour in PARTS.items():
        values = totals[f"{part}_{scale}"].fillna(0).to_numpy()
        label = WORDS[part] + (", all tasks shown" if part == "finetuning" else "")
        axis.barh(np.arange(len(totals)), values, 0.7, left=start, color=colour, label=label)
        start = start + values
    for place, row in enumerate(totals[[f"{part}_{scale}" for part in PARTS]].isna().to_numpy()):
        if row.any():
            forest.missing(axis, place, "unknown" if row.all() else f"{WORDS[list(PARTS)[row.argmax()]]} unknown")
    axis.set_title(f"cost: {SCALES[scale]}")
    axis.set(xlabel="all trainings" + ("" if scale == "images" else " (s)"), ylim=(len(totals) - 0.5, -0.6))
    axis.xaxis.set_major_formatter(EngFormatter(sep=" "))
    axis.grid(axis="x", linewidth=0.4, color="0.85")
    axis.set_axisbelow(True)


def draw_scores(axis: Axes, rows: pd.DataFrame, styles: dict[str, ArmStyle]) -> None:
    """Draw the scores of one task with their intervals."""
    metric = rows["metric"].dropna().iloc[0]
    factor, _ = forest.scale(metric)
    for place, (arm, row) in enumerate(rows.iterrows()):
        if pd.isna(row["mean"]):
            forest.missing(axis, place)
            continue
        style = styles[str(arm)]
        axis.plot(factor * row[["ci_low", "ci_high"]].to_numpy(float), [place] * 2, color=style.colour, linewidth=1.2)
        axis.plot(factor * row["mean"], place, style.marker, color=style.colour, markersize=5)
    axis.set_xlabel(forest.x_label(metric))
