"""Can every task be trained and scored on its folds? Checked before anything is pretrained."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from uscl.base.errors import UserError
from uscl.base.text import counted
from uscl.checks.feasible.blank import check_blank, warn_of
from uscl.data.picture_box import picture_box
from uscl.data.splits import ALL, Fold, labelled_folds
from uscl.data.units import counted_units, listed
from uscl.metrics.registry import CLASSIFICATION, SEGMENTATION
from uscl.stats.level_names import FRAME
from uscl.stats.levels import Asked, chosen_levels

INVERTED = 0.85  # share of the edge; a lesion that touches the edge is cut out of it

log = logging.getLogger(__name__)


def check_task(
    task: str,
    splits: Mapping[int, Path],
    blank: np.ndarray,
    masks: np.ndarray | None,
    *,
    pictures: np.ndarray | None = None,
    percents: Sequence[int] = (),
    batch_size: int,
    levels: Mapping[str, Any] = MappingProxyType({}),
) -> str:
    """The cases that a task is trained and scored on, in one line for readers.

    `splits` are the files of the folds by seed.
    `blank` [frames] marks the frames of the task's store that show nothing; `masks` [frames, size, size] are those of a
    segmentation, None for classification; `pictures`
    [frames, 2] are the source pictures' heights and widths; `percents` are the label fractions of the study,
    `batch_size` is that of fine-tuning, 0 without; `levels` are the arguments of `uscl.stats.levels.Asked`. Raises
    UserError if the task can't be trained or scored; warns about settings that run but are probably unintended.
    """
    cases = labelled_folds(next(iter(splits.values())), ALL, 0, task)[0]
    folds = []
    check_blank(f"tasks.{task}", cases, blank[cases["row"]])
    if masks is not None:
        check_masks(f"tasks.{task}", cases, masks, pictures)
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
    kind = CLASSIFICATION if masks is None else SEGMENTATION
    scored = chosen_levels(cases, kind, Asked(**levels), task)
    return line(task, cases, folds, len(folds) // len(splits)) + of_levels(scored)


def check_masks(where: str, cases: pd.DataFrame, masks: np.ndarray, pictures: np.ndarray | None = None) -> None:
    """Raise UserError if most masks are lesion all over or inverted, and warn if some are, or if images are left out.

    `pictures` [frames, 2] are the source pictures' heights and widths; without them, pictures are square.
    """
    size = masks.shape[1]
    shapes = [pictures[row] if pictures is not None else (1, 1) for row in cases["row"]]
    inner = [picture_box(height, width, size) for height, width in shapes]
    within = [masks[row][box.pixels] > 0 for row, box in zip(cases["row"], inner, strict=True)]
    full = np.array([bool(mask.all()) for mask in within])
    inverted = ~full & np.array([edge_share(mask) > INVERTED for mask in within])
    if full.all():
        raise UserError(
            f"{where}: every pixel of every mask is lesion, so there is no outline to find: masks must be 0 (black)"
            " outside the lesion."
        )
    if 2 * (full | inverted).sum() > len(cases):
        raise UserError(
            f"{where}: {(full | inverted).sum()} of {len(cases)} masks are lesion along the picture's whole edge, so"
            " they seem to be inverted: masks must be 0 (black) outside the lesion."
        )
    if full.any():
        warn_of(where, "masks are all lesion", cases, full)
    if inverted.any():
        warn_of(where, "masks are lesion along the picture's whole edge, perhaps inverted", cases, inverted)
    if empty := int((~masks.any(axis=(1, 2))).sum()):
        log.warning("%s: %d of %d images have no lesion in their mask and are left out.", where, empty, len(masks))


def edge_share(mask: np.ndarray) -> float:
    """The lesion's share of the pixels along the edge of a mask [height, width]."""
    return float(np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]]).mean())


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
        f"tasks.{task}: {len(cases)} cases of {counted_units(cases)}{counts}; {counted(number, 'fold')}:"
        f" {train} cases to train on, {validation} to choose the epoch, {test} to test"
    )


def of_levels(levels: Sequence[str]) -> str:
    """The levels at which a task is scored; nothing is said of frames alone.

    >>> of_levels(["frame", "video"]), of_levels(["frame"])
    ('; scored by frame and video', '')
    """
    return "" if list(levels) == [FRAME] else f"; scored by {listed(list(levels))}"


def span(numbers: Sequence[int]) -> str:
    """The smallest and the largest of some numbers, or one number if they are equal."""
    low, high = min(numbers), max(numbers)
    return f"{low}" if low == high else f"{low}-{high}"
