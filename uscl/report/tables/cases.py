"""Scored cases of all arms side by side, one row per case, for readers who want to check a claim."""

import pandas as pd

from uscl.metrics.registry import image_scores

KEY = ["case", "video", "patient", "group", "unit", "fold", "seed", "label"]


def one_row_per_case(cases: pd.DataFrame) -> pd.DataFrame:
    """One row per test case and seed: the columns `KEY`, then each arm's figures as `<figure>:<arm>`.

    `cases` are those of all arms and seeds of one task in one regime (`uscl.metrics.scores.case_scores`). The figures
    are predicted and correct for a classification, and the scores of single images (dice, iou, hd95, ...) for a
    segmentation. Rows are ordered by seed, fold and case.
    """
    if cases.empty:
        return pd.DataFrame(columns=KEY)
    figures = image_scores(list(cases)) or ["predicted", "correct"]
    wide = cases.pivot(index=KEY, columns="arm", values=figures)
    arms = cases["arm"].unique()
    wide = wide[[(figure, arm) for figure in figures for arm in arms]]
    wide.columns = [f"{figure}:{arm}" for figure, arm in wide.columns]
    wide = wide.reset_index()
    for name in wide.columns[wide.columns.str.startswith("correct:")]:
        wide[name] = wide[name].astype(int)
    return wide.sort_values(["seed", "fold", "case"], ignore_index=True)
