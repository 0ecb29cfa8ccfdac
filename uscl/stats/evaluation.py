"""The scores of all cells of an evaluation, from their stored predictions."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from uscl.base.tables import read_parquet
from uscl.jobs.recorded import checked
from uscl.metrics.scores import CELL, case_scores, score_cell
from uscl.stats.native_scores import Native, with_native_scores


def cases_of(folders: Iterable[Path], kind: str, native: Native | None = None) -> pd.DataFrame:
    """The scored frames of the cells in `folders`, of all together; `kind` is the kind of the task.

    With `native`, images are also scored at the size of their source pictures.
    """
    cases = []
    for folder in folders:
        predictions = read_parquet(checked(folder / "predictions.parquet"))
        scored = case_scores(predictions, kind)
        cases.append(scored if native is None else with_native_scores(scored, predictions, native))
    return pd.concat(cases or [pd.DataFrame(columns=CELL)], ignore_index=True)


def fold_metrics(cases: pd.DataFrame, kind: str) -> pd.DataFrame:
    """The metrics of every fold of the cells whose scored cases are given, in their order (`score_cell`)."""
    empty = pd.DataFrame(columns=[*CELL, "metric", "value"])
    cells = [score_cell(cell, kind) for _, cell in cases.groupby(["arm", "seed"], sort=False)]
    return pd.concat(cells or [empty], ignore_index=True)
