"""The scores of all cells of an evaluation, from their stored predictions."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from uscl.base.tables import read_parquet
from uscl.metrics.scores import CELL, best_on_test_epoch, case_scores, score_cell

RUN = [column for column in CELL if column != "fold"]
BEST_ON_TEST = [*RUN, "metric", "value"]


class Scored(NamedTuple):
    """Scored cases, metrics of every fold, and metrics of the best epoch on the test fold, of all cells together.

    All are empty if no cell is done.
    """

    cases: pd.DataFrame
    metrics: pd.DataFrame
    best_on_test: pd.DataFrame


def score_runs(folders: Iterable[Path], kind: str) -> Scored:
    """Score the cells in `folders`; `kind` is the kind of the task."""
    cases, metrics, best = [], [], [pd.DataFrame(columns=BEST_ON_TEST)]
    for folder in folders:
        predictions = read_parquet(folder / "predictions.parquet")
        cases.append(case_scores(predictions, kind))
        metrics.append(score_cell(cases[-1], kind))
        run = predictions.iloc[0][RUN].to_dict()
        best.append(best_on_test_epoch(predictions).assign(**run)[BEST_ON_TEST])
    empty = pd.DataFrame(columns=CELL)
    return Scored(
        pd.concat(cases or [empty], ignore_index=True),
        pd.concat(metrics or [empty.assign(metric=[], value=[])], ignore_index=True),
        pd.concat([part for part in best if len(part)] or best, ignore_index=True),
    )
