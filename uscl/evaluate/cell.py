"""One cell of the study: an encoder evaluated on a task in one regime, all folds with one seed."""

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from uscl.base.errors import UserError
from uscl.base.files import written
from uscl.base.seeds import of_stream
from uscl.data.few_labels import ALL_LABELS, Labels
from uscl.data.splits import Fold
from uscl.evaluate.finished_folds import FinishedFold, FinishedFolds
from uscl.evaluate.kept_models import KeptModels
from uscl.jobs.live_history import LiveHistory
from uscl.jobs.run_record import RunRecord

log = logging.getLogger(__name__)

Stream = tuple[int, str]  # names a random stream: seed, purpose
RunFold = Callable[[Fold, Stream], tuple[pd.DataFrame, pd.DataFrame]]


class Cell(NamedTuple):
    """What identifies a cell; `labels` names the part of the training labels that is used."""

    arm: str
    task: str
    regime: str
    labels: Labels
    seed: int

    @property
    def name(self) -> str:
        """What the cell is called in records and in MLflow."""
        share = "" if self.labels == ALL_LABELS else f"/labels{self.labels}"
        return f"{self.task}/{self.regime}{share}/{self.arm}/seed{self.seed}"


class Evaluated(NamedTuple):
    """The results of a cell.

    The predictions of all test parts, one row per case; the history of every fold; start and end of each fold in
    seconds since 1970, and its seconds of CPU time; and the total number of training images seen.
    """

    predictions: pd.DataFrame
    history: pd.DataFrame
    times: list[dict[str, float]]
    images: int


def run_cell(
    cell: Cell,
    run_fold: RunFold,
    folds: Sequence[Fold],
    finished: FinishedFolds | None = None,
    live: LiveHistory | None = None,
    stream: int = 0,
    models: KeptModels | None = None,
) -> Evaluated:
    """Evaluate fold by fold; `run_fold` returns a fold's predictions and history. Folds that are `finished` aren't run.

    If `models` are kept, `run_fold` must have given them the fold's model.

    `run_fold` may add its epochs to `live`, which also has those of finished folds, with each row's fold and its start.

    The random streams depend on task, seed and fold, not on the arm: every arm gets the same batches and starts from
    the same head, unless its settings name another `stream`.
    """
    predictions, histories, times, images = [], [], [], 0
    live = live or LiveHistory(None)
    for number, fold in enumerate(folds):
        done = finished.find(number) if finished and (models is None or models.complete(number)) else None
        if done is None:
            started = time.time()
            live.begin(fold=number, started=started)
            purpose = of_stream(cell.seed, stream), f"{cell.task}/fold{number}"
            done = timed(cell, run_fold, fold, purpose, started)
            if models:
                models.keep(number, fold, done.predictions, done.history)
            if finished:
                finished.keep(number, done)
        else:
            live.begin(fold=number, started=done.times["started"])
            live.add(*done.history.drop(columns="chosen").to_dict("records"))
        predictions.append(done.predictions.assign(**cell._asdict(), fold=number))
        histories.append(done.history.assign(fold=number))
        times.append(done.times)
        images += len(fold.train) * (len(done.history) if "epoch" in done.history else 1)
        log.info("fold %d: chosen is %s", number, done.history.loc[done.history["chosen"]].iloc[0].to_dict())
    return Evaluated(pd.concat(predictions, ignore_index=True), pd.concat(histories, ignore_index=True), times, images)


def timed(cell: Cell, run_fold: RunFold, fold: Fold, stream: Stream, started: float) -> FinishedFold:
    """Run a fold and note when it started and ended, and its CPU time; a UserError gets the cell's name."""
    clock = time.process_time()
    try:
        predictions, history = run_fold(fold, stream)
    except UserError as error:
        raise UserError(f"{cell.name}: {error}") from error
    times = {"started": started, "ended": time.time(), "cpu_s": time.process_time() - clock}
    return FinishedFold(predictions, history, times)


def write_cell(evaluated: Evaluated, folder: Path, record: RunRecord) -> list[str]:
    """Write the files of a cell into its folder, each whole or not at all; return their names."""
    with written(folder / "predictions.parquet") as path:
        evaluated.predictions.to_parquet(path, index=False)
    with written(folder / "history.csv") as path:
        evaluated.history.to_csv(path, index=False)
    record.write(folder / "run.json", folds=evaluated.times, images=evaluated.images)
    return ["predictions.parquet", "history.csv", "run.json"]
