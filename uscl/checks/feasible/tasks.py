"""Can every task be trained and scored on its folds? Checked before anything is pretrained."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from uscl.base.errors import UserError
from uscl.checks.feasible.blank import check_blank, warn_of
from uscl.data.splits import ALL, Fold, labelled_folds

log = logging.getLogger(__name__)


def check_task(
    task: str,
    splits: Mapping[int, Path],
    blank: np.ndarray,
    masks: np.ndarray | None,
    *,
    percents: Sequence[int] = (),
    batch_size: int,
) -> str:
    """The cases that a task is trained and scored on, in one line for readers.

    `splits` are the files of the folds by seed.
    `blank` [frames] marks the frames of the task's store that show nothing; `masks` [frames, size, size] are those of a
    segmentation, None for classification; `percents` are the label fractions of the study, `batch_size` is that of
    fine-tuning, 0 without. Raises UserError if the task can't be trained or scored; warns about settings that run but
    are probably unintended.
    """
    cases = labelled_folds(next(iter(splits.values())), ALL, 0, task)[0]
    folds = []
    check_blank(f"tasks.{task}", cases, blank[cases["row"]])
    if masks is not None:
        check_masks(f"tasks.{task}", cases, masks)
    for percent in sorted({ALL, *percents}):
        for seed, path in splits.items():
            for number, fold in enumerate(labelled_folds(path, percent, seed, task)[1]):
                where = f"tasks.{task}, seed {seed}, fold {number}, {percent} % of the labels"
                check_training_part(where, cases, fold, classes=masks is None)
                folds += [fold] if percent == ALL else []
    smallest = min(len(fold.train) for fold in folds)
    if smallest < batch_size:
        log.warning(
            "tasks.%s: a training part has %d cases, fewer than `finetune.batch_size: %d`: a step takes them all.",
            task,
            smallest,
            batch_size,
        )
    return line(task, cases, folds, len(folds) // len(splits))


def check_masks(where: str, cases: pd.DataFrame, masks: np.ndarray) -> None:
    """Raise UserError if every mask is all lesion, and warn if some are."""
    full = np.array([bool(masks[row].all()) for row in cases["row"]])
    if full.all():
        raise UserError(
            f"{where}: every pixel of every mask is lesion, so there is no outline to find: masks must be 0 (black)"
            " outside the lesion."
        )
    if full.any():
        warn_of(where, "masks are all lesion", cases, full)


def check_training_part(where: str, cases: pd.DataFrame, fold: Fold, *, classes: bool) -> None:
    """Raise UserError if a fold's training part is too small, and warn if it lacks a class (if `classes` count)."""
    train = cases[cases["row"].isin(fold.train)]
    if len(train) < 2:
        raise UserError(
            f"{where}: the training part has a single case, and training needs two: raise `label_fractions.percent`"
            " or add data."
        )
    absent = sorted(set(cases["label"]) - set(train["label"])) if classes else []
    if absent and train["label"].nunique() < 2:
        raise UserError(
            f"{where}: the training part has one class only, {train['label'].iloc[0]}, because a group (patient) of"
            " several classes counts for its most frequent one: raise `label_fractions.percent` or add data."
        )
    if absent:
        log.warning("%s: the training part has no case of %s.", where, ", ".join(absent))


def line(task: str, cases: pd.DataFrame, folds: Sequence[Fold], number: int) -> str:
    """A task's cases and the sizes of its parts; `number` is that of the folds of a training."""
    labels = cases.loc[cases["label"] != "", "label"].value_counts().sort_index()
    counts = f" ({', '.join(f'{name} {count}' for name, count in labels.items())})" if len(labels) else ""
    train, validation, test = (span(sizes) for sizes in zip(*(map(len, fold) for fold in folds), strict=True))
    return (
        f"tasks.{task}: {len(cases)} cases of {cases['group'].nunique()} groups (patients){counts}; {number} folds:"
        f" {train} cases to train on, {validation} to choose the epoch, {test} to test"
    )


def span(numbers: Sequence[int]) -> str:
    """The smallest and the largest of some numbers, or one number if they are equal."""
    low, high = min(numbers), max(numbers)
    return f"{low}" if low == high else f"{low}-{high}"
