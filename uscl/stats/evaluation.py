"""The scores of all cells of an evaluation, from their stored predictions."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from uscl.base.tables import read_parquet
from uscl.jobs.recorded import checked
from uscl.metrics.scores import CELL, case_scores, score_cell


class Scored(NamedTuple):
    """Scored cases and metrics of every fold, of all cells together; both are empty if no cell is done."""

    cases: pd.DataFrame
    metrics: pd.DataFrame


def score_runs(folders: Iterable[Path], kind: str) -> Scored:
    """Score the cells in `folders`; `kind` is the kind of the task."""
    cases, metrics = [], []
    for folder in folders:
        predictions = read_parquet(checked(folder / "predictions.parquet"))
        cases.append(case_scores(predictions, kind))
        metrics.append(score_cell(cases[-1], kind))
    empty = pd.DataFrame(columns=CELL)
    return Scored(
        pd.concat(cases or [empty], ignore_index=True),
        pd.concat(metrics or [empty.assign(metric=[], value=[])], ignore_index=True),
    )
