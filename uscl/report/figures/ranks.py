"""Average ranks of the arms in Demsar's critical-difference diagram (JMLR 7, 2006)."""

import math
from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uscl.report.figures.style import PAGE, ArmStyle, arm_styles, plt, wrapped
from uscl.stats.ranks import average_ranks, critical_difference, friedman

TOO_FEW = "too few tasks to separate the arms"
# Depths below the top of the figure, and the distance from one bar to the next, in inches.
RULER, NAME, AXIS, FIRST_BAR, BAR = 0.15, 0.45, 0.8, 0.95, 0.1


def rank_figure(scores: pd.DataFrame) -> Figure:
    """The diagram of scores: one row per task, one column per arm; tasks that lack a score are left out."""
    known = scores.dropna(axis=1, how="all").dropna()
    values = known.to_numpy()
    if not values.size:
        return critical_difference_diagram(pd.Series(math.nan, scores.columns), math.nan, 0, math.nan)
    ranks = pd.Series(average_ranks(values), known.columns).reindex(scores.columns)  # the style depends on the place
    critical = critical_difference(values.shape[1], len(values)) if values.shape[1] > 1 else math.nan
    return critical_difference_diagram(ranks, critical, len(values), friedman(values)[1])


def critical_difference_diagram(ranks: pd.Series, critical: float, blocks: int, friedman_p: float) -> Figure:
    """The arms on an axis of average ranks; a bar joins those that the Nemenyi test at 5 % doesn't separate.

    `ranks` is by arm, in the study's order, 1 the best; arms without a rank are left out. `critical` is the Nemenyi
    test's critical difference of average ranks, `blocks` the number of rankings (one per task and regime), `friedman_p`
    the Friedman test's p, NaN if it is undefined.
    """
    styles, ranks = arm_styles(list(ranks.index)), ranks.dropna().sort_values(kind="stable")
    bars, count = joined(ranks.tolist(), critical), len(ranks)
    labels = [f"{wrapped(str(arm))} ({rank:.2f})" for arm, rank in ranks.items()]
    lines = max((label.count("\n") + 1 for label in labels), default=1)
    first_arm, pitch = FIRST_BAR + BAR * len(bars) + 0.06 + 0.07 * lines, 0.13 + 0.13 * lines
    height = first_arm + pitch * math.ceil(count / 2) + 0.5
    figure = plt.figure(figsize=(PAGE, height))
    figure.text(0.5, 0.25 / height, statement(ranks, critical, blocks, friedman_p), ha="center", va="center")
    if count < 2:
        return figure
    # The axis leaves as much space on either side as the longest name needs.
    margin = (0.35 + 0.07 * max(len(line) for label in labels for line in label.split("\n"))) / PAGE
    axis = figure.add_axes((margin, 0, 1 - 2 * margin, 1), xlim=(1, count), ylim=(height, 0))
    draw_scale(axis, count, critical)
    for place, (best, worst) in enumerate(bars):
        draw_bar(axis, ranks.iloc[best], ranks.iloc[worst], FIRST_BAR + BAR * place)
    for place, (arm, rank) in enumerate(ranks.items()):
        depth = first_arm + pitch * min(place, count - 1 - place)
        draw_arm(axis, labels[place], rank, depth, styles[str(arm)], place < count / 2)
    return figure


def joined(ranks: Sequence[float], critical: float) -> list[tuple[int, int]]:
    """First and last place of each longest run of ascending ranks that differ by less than the critical difference.

    >>> joined([1.0, 1.5, 2.5, 4.0], 1.6)
    [(0, 2), (2, 3)]
    """
    runs: list[tuple[int, int]] = []
    for first, rank in enumerate(ranks):
        last = max(place for place, other in enumerate(ranks) if other - rank < critical or place == first)
        if last > first and (not runs or last > runs[-1][1]):
            runs.append((first, last))
    return runs


def statement(ranks: pd.Series, critical: float, blocks: int, friedman_p: float) -> str:
    """The tests in words: how many rankings there are, and whether they are enough."""
    if len(ranks) < 2:
        return "no average ranks: fewer than two arms have a score on the same task"
    p = "undefined" if math.isnan(friedman_p) else f"{friedman_p:.2g}"
    tests = f"Friedman test p = {p}; Nemenyi test at 5 %: critical difference {critical:.2f}"
    number = f"number of rankings (one per task and regime): {blocks}"
    if ranks.max() - ranks.min() < critical:
        return f"{tests}\n{number}; {TOO_FEW}"
    return f"{tests}\n{number}; a bar joins arms whose average ranks differ by less"


def draw_scale(axis: Axes, count: int, critical: float) -> None:
    """Draw the axis of ranks, and the critical difference as a ruler above it unless it is longer than the axis."""
    axis.set_axis_off()
    axis.plot([1, count], [AXIS, AXIS], color="black", linewidth=1, clip_on=False)
    for rank in range(1, count + 1):
        axis.plot([rank, rank], [AXIS, AXIS - 0.05], color="black", linewidth=1, clip_on=False)
        axis.text(rank, AXIS - 0.08, str(rank), ha="center", va="bottom", fontsize=8)
    axis.text((1 + count) / 2, NAME, "average rank (1 is best)", ha="center", va="center")
    if critical <= count - 1:
        axis.plot([1, 1 + critical], [RULER, RULER], "|-", color="black", linewidth=1, clip_on=False)
        label_point(axis, "critical difference", 1, RULER, left=True)


def draw_bar(axis: Axes, best: float, worst: float, depth: float) -> None:
    """Draw a bar across the lines of the arms from `best` to `worst` rank, a little longer so that it joins them."""
    beyond = 0.01 * (axis.get_xlim()[1] - 1)
    axis.plot([best - beyond, worst + beyond], [depth, depth], color="black", linewidth=3, clip_on=False)


def draw_arm(axis: Axes, label: str, rank: float, depth: float, style: ArmStyle, left: bool) -> None:
    """Draw a line from the arm's rank down and out to its name."""
    beyond = 0.03 * (axis.get_xlim()[1] - 1)
    edge = 1 - beyond if left else axis.get_xlim()[1] + beyond
    axis.plot([rank, rank, edge], [AXIS, depth, depth], color="0.4", linewidth=0.8, clip_on=False)
    axis.plot(edge, depth, style.marker, color=style.colour, clip_on=False)
    label_point(axis, label, edge, depth, left)


def label_point(axis: Axes, words: str, x: float, y: float, left: bool) -> None:
    """Write words to the left or the right of a point, which may lie outside the axis."""
    side, gap = ("right", -7) if left else ("left", 7)
    axis.annotate(
        words, (x, y), (gap, 0), textcoords="offset points", ha=side, va="center", fontsize=8, annotation_clip=False
    )


def score_matrix(table: pd.DataFrame, arms: Sequence[str]) -> pd.DataFrame:
    """Means with one row per task and regime and one column per arm; NaN if a score is missing."""
    means = table.set_index(["task", "regime", "arm"])["mean"].unstack("arm", sort=False)
    return means.reindex(columns=list(arms))
