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
from uscl.data.few_labels import ALL_LABELS, Labels, few_labels
from uscl.data.picture_box import picture_box
from uscl.data.splits import Fold, class_of_groups, read_folds, with_fewer_labels
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
    parts: Sequence[Labels] = (),
    batch_size: int,
    levels: Mapping[str, Any] = MappingProxyType({}),
) -> str:
    """The cases that a task is trained and scored on, in one line for readers.

    `splits` are the files of the folds by seed. `blank` [frames] marks the frames of the task's store that show
    nothing; `masks` [frames, size, size] are those of a segmentation, None for classification; `pictures` [frames, 2]
    are the source pictures' heights and widths; `parts` are those of the labels that the study also trains with;
    `batch_size` is that of fine-tuning, 0 without; `levels` are the arguments of `uscl.stats.levels.Asked`. Raises
    UserError if the task can't be trained or scored; warns about settings that run but are probably unintended.
    """
    divided = {seed: read_folds(path) for seed, path in splits.items()}
    cases = next(iter(divided.values()))[0]
    check_blank(f"tasks.{task}", cases, blank[cases["row"]])
    if masks is not None:
        check_masks(f"tasks.{task}", cases, masks, pictures)
    folds = [fold for _, folds in divided.values() for fold in folds]
    for labels in (ALL_LABELS, *(part for part in parts if part != ALL_LABELS)):
        for seed, (_, of_seed) in divided.items():
            for number, fold in enumerate(of_seed):
                where = f"tasks.{task}, seed {seed}, fold {number}, {few_labels(labels).words}"
                check_shots(where, cases, fold, few_labels(labels).shots)
                fewer = fold if labels == ALL_LABELS else with_fewer_labels(cases, fold, labels, seed, task, number)
                check_training_part(where, cases, fewer, classes=masks is None)
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


def check_shots(where: str, cases: pd.DataFrame, fold: Fold, shots: int | None) -> None:
    """Raise UserError if a class has fewer groups in the training part than `shots`, unless that is None."""
    groups = class_of_groups(cases[cases["row"].isin(fold.train)]).value_counts().sort_index()
    if shots and groups.min() < shots:
        of_class = f" of {groups.idxmin()}" if groups.idxmin() else ""
        raise UserError(
            f"{where}: the training part has only {groups.min()}{of_class}: lower `label_fractions.shots` or add data."
        )


def check_training_part(where: str, cases: pd.DataFrame, fold: Fold, *, classes: bool) -> None:
    """Raise UserError if a fold's training part is too small, and warn if it lacks a class (if `classes` count)."""
    train = cases[cases["row"].isin(fold.train)]
    if len(train) < 2:
        raise UserError(
            f"{where}: the training part has a single case, and training needs two: take more in `label_fractions`"
            " or add data."
        )
    absent = sorted(set(cases["label"]) - set(train["label"])) if classes else []
    if absent and train["label"].nunique() < 2:
        raise UserError(
            f"{where}: the training part has one class only, {train['label'].iloc[0]}, because a group (patient) of"
            " several classes counts for its most frequent one: take more in `label_fractions` or add data."
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
