"""The table of all trainings: what every mean, interval and test of methods rests on."""

import pandas as pd

from uscl.stats.panel import to_panel
from uscl.stats.panel_scores import training_scores


def trainings(cases: pd.DataFrame, kind: str) -> pd.DataFrame:
    """The score of every training: arm, seed, metric, value.

    `cases` are the scored cases of all arms and seeds of an evaluation (`cases.parquet`), `kind` is classification or
    segmentation.
    """
    columns = ["arm", "seed", "metric", "value"]
    if cases.empty:
        return pd.DataFrame(columns=columns)
    panel = to_panel(cases, kind)
    scores, metrics = training_scores(panel), panel.metrics
    rows = [
        (arm, seed, name, scores[m, a, t])
        for a, arm in enumerate(panel.arms)
        for t, seed in enumerate(panel.seeds)
        for m, name in enumerate(metrics)
    ]
    return pd.DataFrame(rows, columns=columns)
