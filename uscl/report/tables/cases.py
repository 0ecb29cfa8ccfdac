"""Scored cases of all arms side by side: one row a case, as those who check a claim take it."""

import pandas as pd

from uscl.metrics.registry import SEGMENTATION, case_scores_of

KEY = ["case", "group", "fold", "seed", "label"]


def one_row_a_case(cases: pd.DataFrame) -> pd.DataFrame:
    """One row a test case and seed: case, group, fold, seed, label, then each arm's figures as `<figure>:<arm>`.

    `cases` are those of all arms and seeds of one task in one regime (`uscl.metrics.scores.case_scores`). Figures:
    predicted and correct of a classification, the metrics of single images (dice, iou, hd95) of a segmentation. Rows
    are ordered by seed, fold and case.
    """
    if cases.empty:
        return pd.DataFrame(columns=KEY)
    of_images = case_scores_of(SEGMENTATION)
    figures = of_images if set(of_images) <= set(cases) else ["predicted", "correct"]
    wide = cases.pivot(index=KEY, columns="arm", values=figures)
    arms = cases["arm"].unique()
    wide = wide[[(figure, arm) for figure in figures for arm in arms]]
    wide.columns = [f"{figure}:{arm}" for figure, arm in wide.columns]
    wide = wide.reset_index()
    for name in wide.columns[wide.columns.str.startswith("correct:")]:
        wide[name] = wide[name].astype(int)
    return wide.sort_values(["seed", "fold", "case"], ignore_index=True)
