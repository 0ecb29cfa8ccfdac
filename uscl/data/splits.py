"""Grouped, stratified folds with an inner validation part, drawn once per task and the same for every arm."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from uscl.base.errors import UserError
from uscl.base.seeds import derive, generator
from uscl.data.few_labels import ALL_LABELS, Labels, few_labels
from uscl.data.store import FrameStore

log = logging.getLogger(__name__)

ROLES = ("train", "validation", "test")
IDENTITY = ["case", "video", "patient", "group", "unit", "label"]  # of a case, from the manifest to the predictions
UNUSED = "unused"  # the part of a frame that neither trains nor is tested in a fold (`uscl.data.frame_sampling`)
SHARED = "shared"  # the column of a given split that marks groups in several of the provider's parts


class Fold(NamedTuple):
    """Store rows [n] of the three parts of one fold."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def task_cases(store: FrameStore, kind: str, classes: Mapping[str, str] = MappingProxyType({})) -> pd.DataFrame:
    """The manifest rows that a task scores, with its own names of `classes`, to join classes or name them otherwise.

    `kind` classification: frames with a label. Segmentation: images with a lesion, since the Dice of an image
    without a lesion says nothing about finding an outline. Raises UserError.
    """
    if kind == "classification":
        cases = with_classes(store.manifest[store.manifest["label"] != ""], classes, "`classes` of the task")
    elif store.masks is not None:
        cases = store.manifest[store.masks.any(axis=(1, 2))]
    else:
        raise UserError("The task's data set has no masks: segmentation needs a set with masks, such as BUSI.")
    if kind == "classification" and cases["label"].nunique() == 1:
        raise UserError(
            f"The task's data set has one class only, {cases['label'].iloc[0]}: use a set with two or more classes."
        )
    log.info("%d of %d frames are cases of a %s task", len(cases), len(store.manifest), kind)
    return cases


def with_classes(cases: pd.DataFrame, classes: Mapping[str, str], setting: str) -> pd.DataFrame:
    """Cases with the task's names of classes, which a `setting` gives. Raises UserError for one that the set lacks."""
    own = sorted(cases["label"].unique())
    if unknown := sorted(set(classes) - set(own)):
        from uscl.data.readers.shared.cells import examples  # late: it comes with all readers

        raise UserError(f"{setting} names {examples(unknown)}, but the set has only {examples(own)}.")
    return cases.assign(label=cases["label"].map(lambda name: classes.get(name, name))) if classes else cases


def make_splits(cases: pd.DataFrame, *, folds: int, inner: int, seed: int) -> pd.DataFrame:
    """The role of every case in every fold.

    `cases` has the columns row and IDENTITY. Returns them with one column per fold, `fold0` ..., that says train,
    validation or test. Every case is tested once; the validation part is one of `inner` parts of the remaining
    cases. No group is ever in two parts of a fold. Raises UserError unless every class is in every part of every fold.
    """
    if cases.empty:
        raise UserError(
            "The task has no case: none of the frames of its data set has a label (classification) or a lesion in its"
            " mask (segmentation); see the set's manifest_head.csv and problems.csv."
        )
    splits = cases[["row", *IDENTITY]].reset_index(drop=True)
    for fold, (rest, _) in enumerate(divide(splits, folds, derive(seed, "folds"), "`splits: folds`")):
        roles = np.full(len(splits), "test", dtype=object)
        train, validation = next(divide(splits.iloc[rest], inner, derive(seed, "inner", fold), "`splits: inner`"))
        roles[rest[train]], roles[rest[validation]] = "train", "validation"
        splits[f"fold{fold}"] = roles
        check_fold(splits, f"fold{fold}")
    return splits


def divide(cases: pd.DataFrame, parts: int, seed: int, key: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Positions (outside, inside) of each part of a grouped, stratified division.

    Raises UserError that names the config's `key` if a class has fewer groups than there are parts.
    """
    groups = cases.groupby("label")["group"].nunique()
    short = groups[groups < parts]
    if parts < 2:
        raise UserError(f"{key} is {parts}, but must be 2 or more: change it in the config.")
    if len(short):
        counts = ", ".join(f"{label}: {count}" for label, count in short.items())
        raise UserError(
            f"{key} is {parts}, but these classes have too few groups (patients or videos): {counts}. Lower it in the"
            " config, or add data."
        )
    from sklearn.model_selection import StratifiedGroupKFold  # late: training jobs only read the folds

    splitter = StratifiedGroupKFold(parts, shuffle=True, random_state=seed % 2**32)
    yield from splitter.split(cases, cases["label"], cases["group"])


def check_fold(splits: pd.DataFrame, fold: str) -> None:
    """Raise UserError if a class is absent from a part of `fold`."""
    seen = splits.groupby(fold)["label"].unique()
    if (splits[fold] == "train").sum() < 2:
        raise UserError(f"The train part of {fold} has a single case: add data, or lower `splits: inner`.")
    for role in ROLES:
        absent = set(splits["label"]) - set(seen.get(role, []))
        if absent:
            raise UserError(
                f"Class {', '.join(sorted(absent))} has no case in the {role} part of {fold}: its groups differ too"
                " much in size. Lower `splits: folds`, change the seed, or add groups."
            )


def read_folds(path: Path) -> tuple[pd.DataFrame, list[Fold]]:
    """The split file's cases (row and IDENTITY) and its folds.

    A single fold is a provider's split, in which not every case is tested. Raises UserError if a group is in two parts
    of a fold, unless a provider's split has it so (SHARED), or if a case of several folds isn't tested once.
    """
    try:
        splits = pd.read_csv(path, dtype=dict.fromkeys(IDENTITY, "str") | {"row": "int64"}, keep_default_na=False)
        names = [column for column in splits if column.startswith("fold")]
        fault = fault_of(splits, names)
    except (OSError, ValueError, KeyError) as error:
        fault = f"it can't be read ({error})"
    if fault:
        raise UserError(f"The folds in {path} can't be used: {fault}. Remove the file and run again to divide again.")
    rows = splits["row"].to_numpy()
    folds = [Fold(*(rows[(splits[name] == role).to_numpy()] for role in ROLES)) for name in names]
    return splits.drop(columns=[*names, SHARED], errors="ignore"), folds


def fault_of(splits: pd.DataFrame, folds: list[str]) -> str | None:
    """What is wrong with a table of folds, as a part of a sentence; None if nothing is."""
    if not folds or not splits["row"].is_unique:
        return "it has no fold, or a case twice"
    parts = splits[folds]
    if not parts.isin([*ROLES, UNUSED]).all(axis=None):
        return f"a case has another part than {', '.join(ROLES)}"
    tests = (parts == "test").sum(axis=1)
    if len(folds) == 1 and not tests.any():
        return "no case is tested"
    wrong = (tests > 1) | ((tests == 0) & ~(parts == UNUSED).any(axis=1))
    if len(folds) > 1 and wrong.any():
        case, count = splits.loc[wrong, "case"].iloc[0], tests[wrong].iloc[0]
        return f"{case} is tested {count} times, not once"
    apart = splits[~splits[SHARED]] if SHARED in splits else splits
    for fold in folds:
        divided = apart[apart[fold] != UNUSED].groupby("group")[fold].nunique()
        if (divided > 1).any():
            return f"group {divided.index[divided > 1][0]} is in several parts of {fold}"
    return None


def with_fewer_labels(cases: pd.DataFrame, fold: Fold, labels: Labels, seed: int, *purpose: str | int) -> Fold:
    """The fold with a part of the groups of each class in its training part (`uscl.data.few_labels`).

    A percentage is rounded up: at least one group per class. A smaller part is a subset of a larger one of the same
    draw (one seed, purpose and draw give one order of the groups). A group of several classes counts for its most
    frequent one. Validation and test stay complete.
    """
    few = few_labels(labels)
    train = cases[cases["row"].isin(fold.train)]
    label = class_of_groups(train)
    stream = (*purpose, "draw", few.draw) if few.draw else purpose
    shuffled = label.iloc[generator(seed, "label fraction", *stream).permutation(len(label))]
    place = shuffled.groupby(shuffled).cumcount()
    count = shuffled.groupby(shuffled).transform("size")
    within = place < few.shots if few.shots else place * 100 < few.percent * count
    rows = train.loc[train["group"].isin(shuffled.index[within]), "row"]
    return fold._replace(train=fold.train[np.isin(fold.train, rows)])


def class_of_groups(cases: pd.DataFrame) -> "pd.Series[str]":
    """The most frequent class of each group, by group in alphabetical order."""
    return cases.groupby("group")["label"].agg(lambda labels: labels.value_counts().sort_index().idxmax())


def labelled_folds(path: Path, labels: Labels, seed: int, *purpose: str | int) -> tuple[pd.DataFrame, list[Fold]]:
    """The split file's cases and folds, with a part of the training labels (see `with_fewer_labels`)."""
    cases, folds = read_folds(path)
    if labels != ALL_LABELS:
        folds = [with_fewer_labels(cases, fold, labels, seed, *purpose, k) for k, fold in enumerate(folds)]
    return cases, folds
