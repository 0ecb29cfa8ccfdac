"""Average ranks of the arms over tasks, with intervals that overlap unless the Nemenyi test separates two arms.

As Demsar's critical-difference diagram (JMLR 7, 2006), with one line per arm: it can be read with any number of arms.
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from uscl.report.figures import forest
from uscl.report.figures.style import PAGE, ArmStyle, arm_styles, plt, wrapped
from uscl.stats.ranks import average_ranks, critical_difference, friedman
from uscl.study.figures import RANKINGS

TOO_FEW = f"no average ranks: fewer than {RANKINGS} tasks on which two or more arms have a score"


def rank_figure(scores: pd.DataFrame) -> Figure:
    """The arms by average rank, the best on top; scores have one row per task and one column per arm.

    Arms without any score and tasks that lack a score are left out. Two arms whose intervals don't overlap differ.
    """
    known = scores.dropna(axis=1, how="all").dropna()
    if len(known) < RANKINGS or known.shape[1] < 2:
        return forest.words_alone(TOO_FEW)
    ranks = pd.Series(average_ranks(known.to_numpy()), known.columns).sort_values(kind="stable")
    critical = critical_difference(known.shape[1], len(known))
    labels = [wrapped(str(arm), 30) for arm in ranks.index]
    height = 1.3 + forest.pitch(labels) * len(labels)
    figure, axis = plt.subplots(figsize=(PAGE, height), layout="constrained")
    draw(axis, ranks, critical, arm_styles(list(scores.columns)))
    axis.set_yticks(range(len(labels)), labels)
    figure.suptitle(statement(ranks, critical, len(known), friedman(known.to_numpy())[1]))
    return figure


def draw(axis: Axes, ranks: pd.Series, critical: float, styles: dict[str, ArmStyle]) -> None:
    """Draw each arm's average rank, with half the critical difference to either side."""
    for place, (arm, rank) in enumerate(ranks.items()):
        style = styles[str(arm)]
        ends = np.clip([rank - critical / 2, rank + critical / 2], 1, len(ranks))
        axis.plot(ends, [place, place], color=style.colour, linewidth=2)
        axis.plot(rank, place, style.marker, color=style.colour, markersize=6)
    axis.axvline(min(ranks.iloc[0] + critical / 2, len(ranks)), color="0.6", linewidth=0.8, linestyle=":")
    axis.set(xlabel="average rank (1 is best)", ylim=(len(ranks) - 0.5, -0.6))
    axis.set_xlim(1 - 0.02 * len(ranks), len(ranks) + 0.02 * len(ranks))
    axis.xaxis.set_major_locator(MaxNLocator(nbins=10, integer=True))
    axis.grid(axis="x", linewidth=0.4, color="0.85")
    axis.set_axisbelow(True)


def statement(ranks: pd.Series, critical: float, rankings: int, friedman_p: float) -> str:
    """The tests in words, and how to read the intervals."""
    p = "undefined" if math.isnan(friedman_p) else f"{friedman_p:.2g}"
    tests = (
        f"{rankings} rankings (one per task); Friedman test p = {p}; critical difference (Nemenyi, 5 %) {critical:.2f}"
    )
    if ranks.max() - ranks.min() < critical:
        return f"{tests}\nall intervals overlap: too few tasks to separate the arms"
    return f"{tests}\narms whose lines don't overlap differ; dotted: the end of the best arm's line"


def score_matrix(table: pd.DataFrame, arms: Sequence[str]) -> pd.DataFrame:
    """Means with one row per task and regime and one column per arm; NaN if a score is missing."""
    means = table.set_index(["task", "regime", "arm"])["mean"].unstack("arm", sort=False)
    return means.reindex(columns=list(arms))
