"""What figures with one line per arm share: panels side by side, arms in order, limits of a scale."""

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from uscl.metrics.registry import metric_named, title
from uscl.report.figures.style import GREY, PAGE, ArmStyle, plt, wrapped
from uscl.stats.level_names import per

ACROSS = 2
# Width and shift of the intervals over trainings, and of these models.
INTERVALS = {"": (2.0, 0.0), "models_": (0.8, 0.28)}
ENDS = [f"{prefix}ci_{end}" for prefix in INTERVALS for end in ("low", "high")]


def pitch(labels: Sequence[str]) -> float:
    """The height of a line in inches, so that labels of several lines don't touch."""
    return max(0.19, 0.14 * max((label.count("\n") + 1 for label in labels), default=1))


def panels(count: int, lines: int, height: float, below: float, across: int = ACROSS) -> tuple[Figure, list[Axes]]:
    """A figure of so many panels with so many lines of `height` inches each, and `below` inches for a legend."""
    across = min(across, count)
    rows = math.ceil(count / across)
    size = (PAGE, rows * (0.95 + height * lines) + below)
    figure, axes = plt.subplots(rows, across, figsize=size, squeeze=False, layout="constrained")
    for axis in axes.flat[count:]:
        axis.set_axis_off()
    return figure, list(axes.flat[:count])


def scale(metric: str) -> tuple[float, str]:
    """The factor of a metric's values, and its unit for readers.

    >>> scale("macro_f1"), scale("hd95")
    ((100.0, '%'), (1.0, 'pixels'))
    """
    unit = metric_named(metric).unit
    return (1.0, unit) if unit else (100.0, "%")


def limits_of(values: pd.DataFrame, factor: float) -> tuple[float, float]:
    """Limits that hold all values, with a little room on either side."""
    found = values.to_numpy(float)
    low, high = factor * np.nanmin(found), factor * np.nanmax(found)
    room = max(0.04 * (high - low), 0.5)
    return low - room, high + room


def one_scale(axis: Axes, table: pd.DataFrame, metric: str, columns: Sequence[str]) -> None:
    """Give a panel the scale of all rows of a metric in a table, so that the panels of a metric can be compared."""
    values = table.loc[table["metric"] == metric, list(columns)]
    if values.notna().any(axis=None):
        axis.set_xlim(limits_of(values, scale(metric)[0]))


def draw_intervals(axis: Axes, row: pd.Series, place: int, factor: float, colour: str) -> None:
    """Draw the interval over trainings, thick, and below it the one of these models, thin."""
    for prefix, (width, below) in INTERVALS.items():
        ends = row[[f"{prefix}ci_low", f"{prefix}ci_high"]].to_numpy(float)
        axis.plot(factor * ends, [place + below] * 2, color=colour, linewidth=width)


def draw_arms(
    axis: Axes,
    rows: pd.DataFrame,
    value: str,
    metric: str,
    styles: Mapping[str, ArmStyle],
    hollow: Collection[str] = (),
) -> None:
    """Draw a column of `rows` with both intervals, one line per arm (the index), the first on top.

    A value that is NaN is called missing. The markers of the arms in `hollow` are not filled.
    """
    factor, _ = scale(metric)
    for place, (arm, row) in enumerate(rows.iterrows()):
        if pd.isna(row[value]):
            missing(axis, place)
            continue
        style = styles[str(arm)]
        draw_intervals(axis, row, place, factor, style.colour)
        face = "white" if arm in hollow else style.colour
        axis.plot(factor * row[value], place, style.marker, color=style.colour, markerfacecolor=face, markersize=6)


def finish(axis: Axes, task: str, regime: str, labels: Sequence[str], level: object = None) -> None:
    """Title, names of the lines with the first on top, and a faint grid."""
    axis.set_title(f"{wrapped(task)}, {regime.replace('_', ' ')}{per(level)}")
    axis.set_yticks(range(len(labels)), labels)
    axis.set_ylim(len(labels) - 0.5, -0.6)
    axis.xaxis.set_major_locator(MaxNLocator(nbins=4))
    axis.grid(axis="x", linewidth=0.4, color="0.85")
    axis.set_axisbelow(True)


def level_of(rows: pd.DataFrame) -> object:
    """The level of a panel's rows; None for a table without levels."""
    return rows["level"].dropna().iloc[0] if "level" in rows and rows["level"].notna().any() else None


def missing(axis: Axes, place: int, word: str = "missing") -> None:
    """Say in a line that there is nothing to draw."""
    axis.text(0.5, place, word, transform=axis.get_yaxis_transform(), ha="center", va="center", color=GREY)


def x_label(metric: str) -> str:
    """The name of a metric with its unit.

    >>> x_label("macro_f1"), x_label("hd95")
    ('macro-F1 (%)', 'frame-size HD95 (pixels)')
    """
    name, (_, unit) = title(metric), scale(metric)
    return name if unit in name else f"{name} ({unit})"


def words_alone(words: str) -> Figure:
    """A figure that only says why there is nothing to draw."""
    figure = plt.figure(figsize=(PAGE, 0.6))
    figure.text(0.5, 0.5, words, ha="center", va="center")
    return figure
