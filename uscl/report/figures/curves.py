"""Curves that compare arms: training by epoch, and scores by the number of labels."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from uscl.metrics.registry import title
from uscl.report.figures import forest
from uscl.report.figures.arm_legend import arm_legend, legend_height
from uscl.report.figures.intervals import one_interval, words
from uscl.report.figures.style import PAGE, ArmStyle, arm_styles, plt, wrapped
from uscl.stats.level_names import per

CURVES = {"train_loss": "training loss", "validation_loss": "validation loss", "validation_score": "validation score"}
ACROSS = 3
UNITS = {"labels": "% of training groups", "shots": "training groups per class"}


def learning_curves(
    histories: pd.DataFrame, title: str, score_name: str = "score", arms: Sequence[str] | None = None
) -> Figure:
    """Losses and validation score by epoch: the mean of each arm over folds and seeds, with a band of one sd.

    `histories` has arm, seed, fold, epoch, train_loss, validation_loss, validation_score, chosen: the fine-tuning of
    one task and regime. A mark shows each arm's median chosen epoch. `arms` are all arms of the study in its order;
    without them the order is that of `histories`.
    """
    styles = looks(histories, arms)
    figure, axes = plt.subplots(1, len(CURVES), figsize=(PAGE, 3 + legend_height(styles)), layout="constrained")
    for axis, (column, label) in zip(axes, CURVES.items(), strict=True):
        for arm, style in styles.items():
            draw_training(axis, histories[histories["arm"] == arm], column, style)
        axis.set(xlabel="epoch", ylabel=label.replace("score", score_name))
        axis.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    figure.suptitle(f"{wrapped(title, 80)}\nmean ± sd over folds and seeds; marks: median chosen epoch")
    finish(figure, styles)
    return figure


def draw_training(axis: Axes, history: pd.DataFrame, column: str, style: ArmStyle) -> None:
    """Draw one arm's curve; a single training has no band."""
    by_epoch = history.groupby("epoch")[column]
    mean, sd = by_epoch.mean(), by_epoch.std()
    # The lower of two middle epochs, so that the mark is on an epoch.
    chosen = history.loc[history["chosen"], "epoch"].quantile(0.5, interpolation="lower")
    axis.fill_between(mean.index, mean - sd, mean + sd, color=style.colour, alpha=0.12, linewidth=0)
    axis.plot(mean.index, mean, color=style.colour, linestyle=style.linestyle, linewidth=1.3)
    (mark,) = axis.plot(chosen, mean[chosen], style.marker, color=style.colour, zorder=3)
    mark.set(markeredgecolor="white", markeredgewidth=0.5)


def label_fraction_curves(
    scores: pd.DataFrame, metric_name: str | None = None, arms: Sequence[str] | None = None
) -> Figure:
    """Scores with 95 % CI by the part of the training labels, one panel per task, regime and unit of the part.

    `scores` has arm, task, regime, one or both of labels (percent) and shots (groups of each class), mean, both
    intervals, and metric unless `metric_name` names the score; draws_ci_low and draws_ci_high are shown as a band.
    `arms` are all arms of the study in its order; without them the order is that of `scores`. Arms are shifted a little
    from their amount, so that none hides another; a score that is NaN is left out.
    """
    scores, what = one_interval(scores), words(scores)
    styles = looks(scores, arms)
    panels = [
        (task, regime, unit, rows.dropna(subset=unit))
        for (task, regime), rows in scores.groupby(["task", "regime"], sort=False)
        for unit in UNITS
        if unit in rows and rows[unit].notna().any()
    ]
    across = min(ACROSS, len(panels))
    shape = (math.ceil(len(panels) / across), across)
    size = (PAGE, 2.6 * shape[0] + legend_height(styles))
    figure, axes = plt.subplots(*shape, figsize=size, squeeze=False, layout="constrained")
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    for axis, (task, regime, unit, rows) in zip(axes.flat, panels, strict=False):
        draw_fractions(axis, rows, styles, unit)
        name = metric_name or title(rows["metric"].iloc[0]) + per(forest.level_of(rows))
        axis.set(xlabel=f"labels used\n({UNITS[unit]})", ylabel=name)
        axis.set_title(f"{wrapped(task)}\n{regime.replace('_', ' ')}")
    bands = "\nbands: 95 % interval over draws of the labels" if "draws_ci_low" in scores else ""
    figure.suptitle(f"mean over trainings with {what}{bands}")
    finish(figure, styles)
    return figure


def draw_fractions(axis: Axes, rows: pd.DataFrame, styles: dict[str, ArmStyle], unit: str) -> None:
    """Draw the arms of one panel; the amounts of labels in the column `unit` on a log axis, with a tick at each."""
    amounts = np.sort(rows[unit].unique())
    smallest = np.diff(np.log(amounts)).min() if len(amounts) > 1 else np.log(2)
    # All arms together take at most half of the smallest distance between two amounts.
    step = min(smallest / 2 / len(styles), 0.08)
    for place, (arm, style) in enumerate(styles.items()):
        of_arm = rows[rows["arm"] == arm].sort_values(unit)
        aside = np.exp(step * (place - (len(styles) - 1) / 2))
        x, mean = of_arm[unit] * aside, of_arm["mean"]
        if "draws_ci_low" in rows:
            low, high = of_arm["draws_ci_low"], of_arm["draws_ci_high"]
            axis.fill_between(x, low, high, color=style.colour, alpha=0.15, linewidth=0)
        axis.vlines(x, of_arm["ci_low"], of_arm["ci_high"], color=style.colour, linewidth=1)
        axis.plot(
            x, mean, color=style.colour, linestyle=style.linestyle, marker=style.marker, markersize=4, linewidth=1
        )
    axis.set(xscale="log", xlim=(amounts[0] * np.exp(-smallest / 2), amounts[-1] * np.exp(smallest / 2)))
    axis.xaxis.set_major_locator(FixedLocator(amounts.tolist()))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda amount, _: f"{amount:g}"))
    axis.xaxis.set_minor_locator(NullLocator())


def looks(rows: pd.DataFrame, arms: Sequence[str] | None) -> dict[str, ArmStyle]:
    """The style of each arm in `rows`, by its place among `arms`."""
    present = rows["arm"].unique()
    return {arm: style for arm, style in arm_styles(present if arms is None else arms).items() if arm in present}


def finish(figure: Figure, styles: dict[str, ArmStyle]) -> None:
    """Add a legend of the arms below the panels, and space between the panels."""
    arm_legend(figure, styles)
    figure.set_layout_engine("constrained", w_pad=0.08)
