"""The cost of an arm's score: time and images seen, in pretraining and fine-tuning together."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import ScaledTranslation

from uscl.metrics.registry import title
from uscl.report.figures.arm_legend import arm_legend, legend_height
from uscl.report.figures.intervals import one_interval
from uscl.report.figures.style import PAGE, ArmStyle, arm_styles, plt, wrapped

CELL = ["arm", "task", "regime"]
COSTS = {"s": "pretraining and fine-tuning (s)", "images": "images seen in pretraining and fine-tuning"}
APART = 8.0  # points between arms of equal cost


def cost_against_score(table: pd.DataFrame, costs: pd.DataFrame, arms: Sequence[str]) -> Figure:
    """Score with its 95 % CI against total cost, one row per task: left over seconds, right over images seen.

    `table` has the rows of each task's primary metric: arm, task, regime, metric, mean, both intervals. If a task has
    several regimes, finetune is drawn, else the first. `costs` has arm, task, regime, pretraining_s, finetuning_s,
    pretraining_images, finetuning_images. `arms` are all arms of the study in its order. A legend names the arms;
    those without a score or cost are listed above the panel. Arms of nearly equal cost are drawn side by side.
    """
    rows = with_costs(one_interval(table), costs)
    tasks, styles = rows["task"].unique(), arm_styles(arms)
    size = (PAGE, 2.6 * len(tasks) + legend_height(styles))
    figure, axes = plt.subplots(len(tasks), 2, figsize=size, squeeze=False, sharey="row", layout="constrained")
    for row, task in zip(axes, tasks, strict=True):
        for axis, cost in zip(row, COSTS, strict=True):
            draw_points(axis, rows[rows["task"] == task], cost, styles)
        row[1].set_ylabel("")
    arm_legend(figure, styles, lines=False)
    return figure


def with_costs(table: pd.DataFrame, costs: pd.DataFrame) -> pd.DataFrame:
    """The rows of each task's regime, with the total costs `s` and `images`; NaN if a cost is unknown."""
    regimes = {task: list(rows["regime"].unique()) for task, rows in table.groupby("task", sort=False)}
    drawn = {task: "finetune" if "finetune" in found else found[0] for task, found in regimes.items()}
    rows = table.loc[table["regime"] == table["task"].map(drawn), [*CELL, "metric", "mean", "ci_low", "ci_high"]]
    totals = {cost: costs[f"pretraining_{cost}"] + costs[f"finetuning_{cost}"] for cost in COSTS}
    return rows.merge(costs[CELL].assign(**totals), on=CELL, how="left")


def draw_points(axis: Axes, rows: pd.DataFrame, cost: str, styles: dict[str, ArmStyle]) -> None:
    """Draw the arms of one task over one cost."""
    known = rows.dropna(subset=["mean", cost])
    if len(known):
        cost_scale(axis, cost, known[cost].min(), known[cost].max())
    for row, points in zip(known.to_dict("records"), side_by_side(axis, known[cost]), strict=True):
        style, x = styles[row["arm"]], row[cost]
        shifted = axis.transData + ScaledTranslation(points / 72, 0, axis.figure.dpi_scale_trans)
        axis.plot([x, x], [row["ci_low"], row["ci_high"]], color=style.colour, linewidth=1.2, transform=shifted)
        axis.plot(x, row["mean"], style.marker, color=style.colour, markersize=6, transform=shifted)
    missing = [arm for arm in styles if arm not in set(known["arm"])]
    note = "\n" + wrapped(f"missing: {', '.join(missing)}", 46) if missing else ""
    task, regime, metric = rows[["task", "regime", "metric"]].iloc[0]
    axis.set(xlabel=COSTS[cost], ylabel=title(metric))
    axis.set_title(wrapped(f"{task}, {regime.replace('_', ' ')}", 46) + note)
    # Matplotlib doesn't scale the axis by what is drawn with a shift.
    scores = known[["mean", "ci_low", "ci_high"]].to_numpy(float).ravel()
    axis.update_datalim(np.stack([scores, scores], axis=1)[~np.isnan(scores)], updatex=False)
    axis.margins(y=0.15)


def cost_scale(axis: Axes, cost: str, low: float, high: float) -> None:
    """A log axis over at least a decade, or a linear one if a cost is zero."""
    if low <= 0:
        axis.set_xlim(-0.1 * (high or 1), 1.2 * (high or 1))
        axis.xaxis.set_major_locator(MaxNLocator(nbins=4))
    else:
        middle, half = math.sqrt(low * high), max(math.sqrt(10), 2.5 * math.sqrt(high / low))
        axis.set(xscale="log", xlim=(middle / half, middle * half))
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if half < 15 else LogLocator(numticks=5))
        axis.xaxis.set_minor_locator(NullLocator())
    seconds = FuncFormatter(lambda value, _: f"{value:,.10g}")
    axis.xaxis.set_major_formatter(EngFormatter(sep=" ") if cost == "images" else seconds)


def side_by_side(axis: Axes, costs: pd.Series) -> np.ndarray:
    """How far to the right each arm is drawn, in points, so that arms of nearly equal cost don't hide each other."""
    axis_from_data = axis.transScale + axis.transLimits
    along = axis_from_data.transform(np.stack([costs, np.full(len(costs), 0.5)], axis=1))[:, 0]
    order = np.argsort(along, kind="stable")
    # A new cluster starts where a fortieth of the axis lies between two arms.
    cluster = np.cumsum(np.diff(along[order], prepend=along[order][:1]) > 1 / 40)
    points = np.zeros(len(costs))
    for which in np.unique(cluster):
        members = order[cluster == which]
        points[members] = APART * (np.arange(len(members)) - (len(members) - 1) / 2)
    return points
