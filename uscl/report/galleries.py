"""Test cases that every arm misses, and cases that one arm alone gets.

A classified case counts as missed by an arm that is wrong in most of its seeds, a segmented one where the mean Dice
over seeds is below 0.5.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from uscl.report.style import PAGE, plt, wrapped

SHOWN, COLUMNS = 12, 6
GOOD_DICE = 0.5


def found(cases: pd.DataFrame, arms: Sequence[str]) -> pd.DataFrame:
    """Which arm gets which case: a row a case (index case, group, label), a column an arm, boolean.

    `cases` are the scored cases of all arms and seeds on one task in one regime.
    """
    scores = cases["dice"] if "dice" in cases else cases["correct"].astype(float)
    mean = cases.assign(score=scores).groupby(["case", "group", "label", "arm"])["score"].mean().unstack("arm")
    return mean[list(arms)] >= GOOD_DICE if "dice" in cases else mean[list(arms)] > 0.5


def missed_by_all(cases: pd.DataFrame, arms: Sequence[str]) -> pd.DataFrame:
    """Cases that no arm gets: case, group, label, remark (what most arms said instead)."""
    got = found(cases, arms)
    table = got[~got.any(axis=1)].index.to_frame(index=False)
    if "predicted" not in cases:
        return table.assign(remark="")
    said = cases.groupby("case")["predicted"].agg(lambda names: names.value_counts().sort_index().idxmax())
    return table.assign(remark="said: " + table["case"].map(said).astype(str))


def found_by_one(cases: pd.DataFrame, arms: Sequence[str]) -> pd.DataFrame:
    """Cases that exactly one arm gets: case, group, label, remark (the arm)."""
    got = found(cases, arms)
    alone = got[got.sum(axis=1) == 1]
    remark = "only: " + alone.idxmax(axis=1).astype(str) if len(alone) else alone.index.map(str)
    return alone.index.to_frame(index=False).assign(remark=np.asarray(remark, dtype=object))


def gallery(chosen: pd.DataFrame, frames: np.ndarray, row_of_case: pd.Series, title: str, count: int) -> Figure:
    """Thumbnails of at most twelve cases, of different groups first, under a sentence on how many there are.

    `chosen` is what the functions above give; `frames` [rows, height, width] are a store's and `row_of_case` its rows
    by case; `count` is the number of cases that there are at all.
    """
    repeated = chosen.groupby("group").cumcount()
    shown = chosen.iloc[np.argsort(repeated, kind="stable")].head(SHOWN)
    rows = max(1, -(-len(shown) // COLUMNS))
    size = (PAGE, 0.4 + 1.6 * rows)
    figure, axes = plt.subplots(rows, COLUMNS, figsize=size, layout="constrained", squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, case in zip(axes.flat, shown.itertuples(), strict=False):
        axis.imshow(frames[row_of_case[case.case]], cmap="gray", vmin=0, vmax=255)
        axis.set_title(
            "\n".join(filter(None, [wrapped(f"is: {case.label}", 18), wrapped(case.remark, 18)])), fontsize=7
        )
    more = f", {len(shown)} of them shown" if len(shown) < len(chosen) else ""
    figure.suptitle(f"{title}: {len(chosen)} of {count} cases{more}")
    return figure
