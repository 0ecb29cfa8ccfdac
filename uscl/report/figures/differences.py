"""How far every arm is from the reference: the difference with the interval of the methods and that of these models."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from uscl.metrics.registry import PRIMARY, lower_is_better, title, unit_of_difference
from uscl.report.figures import forest
from uscl.report.figures.style import GREY, ArmStyle, arm_styles, wrapped
from uscl.stats.level_names import FRAME

DIFFERENCE = "difference of the means over trainings"
OF_METHODS = "its 95 % CI: other trainings and other patients"
OF_MODELS = "its 95 % CI: these models on other patients"
MARGIN = "within the task's margin"


def differences(
    claims: pd.DataFrame, reference: str, arms: Sequence[str], levels: Mapping[str, str] | None = None
) -> Figure:
    """One panel per task and regime, one line per arm, the best on top; zero is the reference.

    `claims` are the study's (`uscl.report.tables.claims`), `levels` the main levels of the tasks: frames, unless they
    are named. All panels of a metric have one scale, and a task's margin,
    if it has one, is a grey band. An arm that was not compared is called missing, at the bottom.
    """
    rows = claims[(claims["reference"] == reference) & claims["metric"].isin(PRIMARY) & claims["difference"].notna()]
    rows = rows[rows["level"] == rows["task"].map(lambda task: (levels or {}).get(task, FRAME))]
    if rows.empty:
        return forest.words_alone(f"no arm could be compared with {reference}")
    others = [arm for arm in arms if arm != reference]
    labels = [wrapped(arm) for arm in others]
    cells = list(rows.groupby(["task", "regime"], sort=False))
    figure, axes = forest.panels(len(cells), len(others), forest.pitch(labels), 0.9)
    for axis, ((task, regime), of_cell) in zip(axes, cells, strict=True):
        metric = of_cell["metric"].iloc[0]
        in_order = of_cell.set_index("arm").reindex(others)
        in_order = in_order.sort_values("difference", ascending=lower_is_better(metric), kind="stable")
        draw(axis, in_order, metric, arm_styles(arms))
        forest.one_scale(axis, rows.assign(zero=0.0), metric, ["zero", "difference", *forest.ENDS])
        axis.set_xlabel(wrapped(f"{title(metric)} minus that of {reference} ({unit_of_difference(metric)})", 28))
        forest.finish(axis, task, regime, [wrapped(arm) for arm in in_order.index], forest.level_of(of_cell))
    explain(figure, margins=bool(rows["margin"].notna().any()))
    return figure


def draw(axis: Axes, rows: pd.DataFrame, metric: str, styles: dict[str, ArmStyle]) -> None:
    """Draw the arms of one task and regime, the first on top."""
    factor, _ = forest.scale(metric)
    if len(known := rows["margin"].dropna()):
        axis.axvspan(-factor * known.iloc[0], factor * known.iloc[0], color="0.93", zorder=0)
    axis.axvline(0, color=GREY, linewidth=0.8)
    forest.draw_arms(axis, rows, "difference", metric, styles)


def explain(figure: Figure, *, margins: bool) -> None:
    """Explain below the panels what the lines are."""
    handles: list[Line2D | Patch] = [Line2D([], [], color="black", linestyle="none", marker="o", label=DIFFERENCE)]
    for (width, _), words in zip(forest.INTERVALS.values(), (OF_METHODS, OF_MODELS), strict=True):
        handles.append(Line2D([], [], color="black", linewidth=width, label=words))
    if margins:
        handles.append(Patch(color="0.93", label=MARGIN))
    figure.legend(handles=handles, loc="outside lower center", frameon=False)
