"""Splits that the provider of a data set gives: train, validation and test once, or numbered folds."""

import logging
import re

import numpy as np
import pandas as pd

from uscl.base.errors import UserError
from uscl.base.seeds import derive
from uscl.data.readers.shared.cells import examples, whole
from uscl.data.readers.shared.part_names import COMPANIONS, NUMBERED
from uscl.data.splits import IDENTITY, ROLES, SHARED, divide

WORDS = {
    "train": {"train", "training", "trainset", "tr", "learn", "development"},
    "validation": {"val", "valid", "validation", "dev", "tune", "tuning"},
    "test": {"test", "testing", "ts", "holdout", "heldout"},
}

log = logging.getLogger(__name__)


def role_of(part: str) -> str | int | None:
    """What a provider's name of a part means: one of `ROLES`, the number of a fold, or None if it is neither.

    >>> [role_of(name) for name in ("Train", "val_set", "imagesTs", "test images", "fold 3", "4.0", "eval", "fold")]
    ['train', 'validation', 'test', 'test', 3, 4, None, None]
    """
    found = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", whole(part.strip()))]
    numbers = [int(word) for word in found if word.isdigit()]
    words = {word.removesuffix("set") for word in found if not word.isdigit()} - COMPANIONS - {""}
    if len(numbers) == 1 and words <= NUMBERED:
        return numbers[0]
    roles = {role for role, known in WORDS.items() if words & known}
    plain = not numbers and all(words & known == words for role, known in WORDS.items() if role in roles)
    return roles.pop() if len(roles) == 1 and plain else None


def given_splits(cases: pd.DataFrame, *, inner: int, seed: int, task: str) -> pd.DataFrame:
    """The role of every case in the provider's split, with one column `fold0`, or in each of its numbered folds.

    `cases` has row, IDENTITY and the provider's `part`. Numbered folds are tested in turn. If the provider gives no
    validation part, it is one of `inner` parts of the rest, drawn by group. SHARED marks the cases of groups that are
    in several of the provider's parts: the audit reports these, and decides whether the study goes on. Raises UserError
    for cases without a part, for parts that are no split, and for a training part that lacks a class.
    """
    roles = roles_of(cases.set_index("case")["part"], task)
    own = cases["part"].map(roles)
    splits = cases[["row", *IDENTITY]].reset_index(drop=True)
    own = own.set_axis(splits.index)
    splits[SHARED] = own.groupby(splits["group"]).transform("nunique") > 1
    once = "test" in set(roles.values())
    for number, fold in enumerate([None] if once else sorted(set(roles.values()))):
        found = own.to_numpy(dtype=object) if once else np.where(own == fold, "test", "train").astype(object)
        if "validation" not in found:
            rest = np.flatnonzero(found == "train")
            _, chosen = next(divide(splits.iloc[rest], inner, derive(seed, "inner", number), "`splits: inner`"))
            found[rest[chosen]] = "validation"
        splits[f"fold{number}"] = found
        check_part(splits, f"fold{number}", task)
    return splits


def roles_of(parts: pd.Series, task: str) -> dict[str, str | int]:
    """The role, or the number of the fold, of each part. Raises UserError if they are no whole split."""
    where = f"tasks.{task}.splits"
    if len(without := parts.index[parts == ""]):
        raise UserError(
            f"{where}: {len(without)} of {len(parts)} cases have no part, such as {without[0]}: give each file a part,"
            " or leave it out with `exclude`."
        )
    roles = {part: role_of(part) for part in sorted(set(parts))}
    if unknown := [part for part, role in roles.items() if role is None]:
        raise UserError(
            f"{where}: {examples(unknown)} is neither train, val or test nor a numbered fold: rename it, or name"
            " another column in `given`."
        )
    known = {part: role for part, role in roles.items() if role is not None}
    found = set(known.values())
    folds = {role for role in found if isinstance(role, int)}
    if folds and (folds != found or len(folds) < 2):
        raise UserError(f"{where}: the parts are {examples(roles)}: name either train and test, or two or more folds.")
    if not folds and not {"train", "test"} <= found:
        raise UserError(f"{where}: the parts are {examples(roles)}, but a split needs a train and a test part.")
    return known


def check_part(splits: pd.DataFrame, fold: str, task: str) -> None:
    """Raise UserError if the training part lacks a class; warn if another part does."""
    classes = set(splits["label"])
    for role in ROLES:
        part = splits.loc[splits[fold] == role, "label"]
        absent = ", ".join(sorted(classes - set(part)))
        if role == "train" and (absent or len(part) < 2):
            what = f"no case of {absent}" if absent else "a single case"
            raise UserError(f"tasks.{task}.splits: the train part of {fold} has {what}: such a split can't be learnt.")
        if absent:
            log.warning("tasks.%s: the %s part of %s has no case of %s.", task, role, fold, absent)
