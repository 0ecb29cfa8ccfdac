"""Test cases that every arm misses, and cases that only one arm gets right.

An arm gets a classified case right if it is right in most seeds, and misses it if it is wrong in most; with as many
right as wrong seeds it does neither. It gets a segmented case right if the mean Dice over seeds is 0.5 or more, and
misses it otherwise.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from uscl.report.figures.style import PAGE, plt, wrapped

SHOWN, COLUMNS = 12, 6
HALF = 0.5  # of the seeds, or of the Dice


def mean_scores(cases: pd.DataFrame, arms: Sequence[str]) -> pd.DataFrame:
    """Mean Dice or share of right answers over seeds: one row per case (index case, group, label), one column per arm.

    `cases` are the scored cases of all arms and seeds on one task in one regime.
    """
    scores = cases["dice"] if "dice" in cases else cases["correct"].astype(float)
    by_case = cases.assign(score=scores).groupby(["case", "group", "label", "arm"])["score"]
    return by_case.mean().unstack("arm")[list(arms)]


def missed_by_all(cases: pd.DataFrame, arms: Sequence[str]) -> pd.DataFrame:
    """Cases that all arms miss: case, group, label, remark (their most frequent wrong answer, or their Dice)."""
    scores = mean_scores(cases, arms)
    missed = scores[(scores < HALF).all(axis=1)]
    if "dice" in cases:
        remark = [
            f"Dice {low:.2f} to {high:.2f}" for low, high in zip(missed.min(axis=1), missed.max(axis=1), strict=True)
        ]
    else:
        wrong = cases[~cases["correct"].astype(bool) & cases["arm"].isin(arms)]
        # Of equally frequent answers, take the first in alphabetical order.
        answers = wrong.groupby("case")["predicted"].agg(lambda names: names.mode().iloc[0])
        remark = [f"predicted: {answers[case]}" for case in missed.index.get_level_values("case")]
    return missed.index.to_frame(index=False).assign(remark=np.array(remark, dtype=object))


def found_by_one(cases: pd.DataFrame, arms: Sequence[str]) -> pd.DataFrame:
    """Cases that one arm gets right and all others miss: case, group, label, remark (the arm)."""
    scores = mean_scores(cases, arms)
    got = scores >= HALF if "dice" in cases else scores > HALF
    alone = got[(got.sum(axis=1) == 1) & ((scores < HALF).sum(axis=1) == len(arms) - 1)]
    remark = [f"only: {arms[place]}" for place in alone.to_numpy().argmax(axis=1)] if len(alone) else []
    return alone.index.to_frame(index=False).assign(remark=np.array(remark, dtype=object))


def gallery(chosen: pd.DataFrame, frames: np.ndarray, row_of_case: pd.Series, title: str, count: int) -> Figure:
    """Thumbnails of at most twelve cases, from different groups first, with a title that gives their number.

    `chosen` is the result of one of the functions above; `frames` [rows, height, width] are a store's and `row_of_case`
    its rows by case; `count` is the number of all cases.
    """
    repeated = chosen.groupby("group").cumcount()
    shown = chosen.iloc[np.argsort(repeated, kind="stable")].head(SHOWN)
    rows = max(1, -(-len(shown) // COLUMNS))
    size = (PAGE, 0.4 + 1.8 * rows)
    figure, axes = plt.subplots(rows, COLUMNS, figsize=size, layout="constrained", squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, case in zip(axes.flat, shown.itertuples(), strict=False):
        axis.imshow(frames[row_of_case[case.case]], cmap="gray", vmin=0, vmax=255)
        lines = filter(None, (str(case.case), f"is: {case.label}" if case.label else "", case.remark))
        axis.set_title("\n".join(wrapped(line, 18) for line in lines), fontsize=7)
    more = f", {len(shown)} of them shown" if len(shown) < len(chosen) else ""
    figure.suptitle(f"{title}: {len(chosen)} of {count} cases{more}")
    return figure
