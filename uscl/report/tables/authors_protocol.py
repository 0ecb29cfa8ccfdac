"""What the authors' script would report for the arms of this study (`uscl.evaluate.authors_protocol`).

Like the script, it adds the confusion matrices of all folds, so the cases of all folds count as one set.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from uscl.base.tables import read_parquet
from uscl.jobs.outcome import runs_of
from uscl.jobs.recorded import checked
from uscl.metrics.registry import CLASSIFICATION
from uscl.metrics.scores import case_scores, class_names

COLUMNS = ["task", "arm", "metric", "value", "lowest", "highest", "n_seeds", "reason"]


def by_authors_protocol(
    outcomes: Sequence[str | Path], tasks: Sequence[str], arms: Sequence[str], seeds: Sequence[int]
) -> pd.DataFrame:
    """One row per task x arm x metric: mean, lowest and highest over seeds; for an incomplete arm one row, the reason.

    `outcomes` are the paths by task, arm and seed, in this order. No rows without tasks.
    """
    rows, count = [], len(arms) * len(seeds)
    for number, task in enumerate(tasks):
        runs = runs_of(outcomes[number * count : (number + 1) * count], arms, seeds)
        for arm in arms:
            folders = [folder for (name, _), folder in runs.done.items() if name == arm]
            of_arm = scored(folders) if folders else [{"metric": "accuracy", "reason": runs.missing[arm]}]
            rows += [{"task": task, "arm": arm, **row} for row in of_arm]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"n_seeds": "Int64"})


def scored(folders: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """The metrics of one arm's runs, one per seed."""
    by_seed = pd.DataFrame([pooled(read_parquet(checked(folder / "predictions.parquet"))) for folder in folders])
    for metric in by_seed:
        values = by_seed[metric]
        yield {
            "metric": metric,
            "value": values.mean(),
            "lowest": values.min(),
            "highest": values.max(),
            "n_seeds": len(values),
        }


def pooled(predictions: pd.DataFrame) -> dict[str, float]:
    """What the script prints of a run: the accuracy over all folds, and each class's precision and sensitivity."""
    cases = case_scores(predictions, CLASSIFICATION)
    classes = class_names(cases)
    matrix = pd.crosstab(cases["label"], cases["predicted"]).reindex(index=classes, columns=classes, fill_value=0)
    hits, true, decided = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    found = {"accuracy": hits.sum() / len(cases)}
    found |= {f"precision_{name}": share for name, share in (hits / decided).items()}
    return found | {f"sensitivity_{name}": share for name, share in (hits / true).items()}
