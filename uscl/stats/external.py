"""Scores of external tests, in which every fold's model of a training predicts the same cases.

The score of a training is that of single models, as on the study's own folds: counts are pooled over the predictions of
all its folds' models, and AUROC is the mean over them. So accuracy, sensitivity, balanced accuracy, AUROC, Dice and the
like are the mean over models of the metric. The metric of the models' mean probabilities is not taken: it is that of an
ensemble of all folds, which is better than its members and has no counterpart among the study's own scores.

A case counts once, however many models predict it: all predictions of a group are drawn, swapped and left out together.
"""

import pandas as pd

from uscl.stats.levels import Asked, at_level, chosen_levels

ROWS = ["n_cases"]
AS_INDEPENDENT = ["p_mcnemar", "p_resampled_t"]  # tests whose formulas need cases that one model predicts


def by_level_and_model(frames: pd.DataFrame, kind: str, asked: Asked, task: str) -> dict[str, pd.DataFrame]:
    """The scored cases of every level of a task, as in `uscl.stats.levels.by_level`, one per model and case.

    `frames` are scored frames, of all folds' models. A video's probabilities are those of one model. The names of cases
    get the number of the fold, since a panel has every case once.
    """
    if frames.empty:
        return {"frame": frames}
    levels = chosen_levels(frames.drop_duplicates("case"), kind, asked, task)
    parts = [part for _, part in frames.groupby("fold", sort=True)]
    found = {level: pd.concat([at_level(part, level, asked.rule) for part in parts]) for level in levels}
    return {level: named_by_model(cases) for level, cases in found.items()}


def named_by_model(cases: pd.DataFrame) -> pd.DataFrame:
    """The cases, each with the fold of its model in its name."""
    names = cases["case"] + " (model of fold " + cases["fold"].astype(str) + ")"
    return cases.assign(case=names).reset_index(drop=True)


def counted_once(table: pd.DataFrame, models: int) -> pd.DataFrame:
    """Intervals or comparisons in which a case counts once, without the tests that take predictions for cases."""
    counts = {column: table[column] // max(models, 1) for column in ROWS if column in table}
    return table.assign(**counts, **{column: float("nan") for column in AS_INDEPENDENT if column in table})
