"""One cell of the study: an encoder fine-tuned on a task, all folds with one seed."""

import logging
import time
from collections.abc import Callable
from typing import Any

import pandas as pd
from lightning_fabric import Fabric

from uscl.data.splits import Fold
from uscl.data.store import FrameStore
from uscl.models.encoders import Encoder

log = logging.getLogger(__name__)


def run_cell(
    finetune_fold: Callable[..., tuple[pd.DataFrame, pd.DataFrame]],
    encoder: Encoder,
    store: FrameStore,
    cases: pd.DataFrame,
    folds: list[Fold],
    fabric: Fabric,
    *,
    arm: str,
    task: str,
    seed: int,
    **settings: Any,
) -> tuple[pd.DataFrame, pd.DataFrame, list[dict[str, float]]]:
    """Fine-tune and predict fold by fold.

    Returns the predictions of all test parts, one row a case, with arm, task, seed and fold; the history by fold and
    epoch; and the start and end of each fold in seconds since 1970. The random streams depend on task, seed and fold,
    not on the arm: every arm meets the same batches and starts from the same head.
    """
    predictions, histories, times = [], [], []
    for number, fold in enumerate(folds):
        started = time.time()
        predicted, history = finetune_fold(
            encoder, store, cases, fold, fabric, stream=(seed, f"{task}/fold{number}"), **settings
        )
        predictions.append(predicted.assign(arm=arm, task=task, seed=seed, fold=number))
        histories.append(history.assign(fold=number))
        times.append({"started": started, "ended": time.time()})
        chosen = history.loc[history["chosen"]].iloc[0]
        log.info("fold %d: epoch %d chosen, validation %.3f", number, chosen["epoch"] + 1, chosen["validation_score"])
    return pd.concat(predictions, ignore_index=True), pd.concat(histories, ignore_index=True), times
