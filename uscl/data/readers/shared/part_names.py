"""Recognize folders that divide a set into parts, such as train and test, or folds: they are no classes."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from uscl.data.readers.shared.tables import spelling

# Words that name a part by themselves, words that do so with a number or letter, and words that may accompany them.
PARTS = {
    *("dev", "development", "eval", "evaluation", "holdout", "labeled", "labelled", "test", "testing", "train"),
    *("training", "unlabeled", "unlabelled", "val", "valid", "validation"),
}
NUMBERED = {
    *("batch", "chunk", "crossval", "crossvalidation", "cv", "fold", "kfold", "part", "partition", "set", "shard"),
    *("split", "subset"),
}
COMPANIONS = {
    *("cross", "data", "dataset", "external", "final", "image", "images", "img", "imgs", "internal", "set", "the"),
    *("video", "videos"),
}
WHOLE_NAMES = {"heldout", "holdout", "imagests", "imagestr", "imagesval"}


def part_names(folders: Iterable[str]) -> list[str]:
    """The folders whose names are those of parts.

    >>> part_names(["Train Set", "test_images", "fold_1", "split0", "2nd fold", "imagesTr", "trainset", "hold-out"])
    ['Train Set', 'test_images', 'fold_1', 'split0', '2nd fold', 'imagesTr', 'trainset', 'hold-out']
    >>> part_names(["trainA", "KFold1", "TrainingSet", "external_test", "TRAIN"])
    ['trainA', 'KFold1', 'TrainingSet', 'external_test', 'TRAIN']
    >>> part_names(["covid", "grade 1", "benign", "Set of stones", "trained", "contest", "fold", "image 2"])
    []
    """
    return [folder for folder in folders if is_part(folder)]


def is_part(folder: str) -> bool:
    """Whether a folder's name is that of a part."""
    if re.sub(r"[^a-z]", "", spelling(folder)) in WHOLE_NAMES:
        return True
    name = re.sub(r"(\d)(st|nd|rd|th)\b", r"\1", folder, flags=re.IGNORECASE)
    found = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]
    marks = {word for word in found if word.isdigit() or len(word) == 1}
    words = {word if word in NUMBERED | COMPANIONS else word.removesuffix("set") for word in found} - marks
    if words - PARTS - NUMBERED - COMPANIONS:
        return False
    return bool(words & PARTS or (marks and words & NUMBERED))


def part_of(file: str) -> str:
    """The first folder of a file's path that is a part, or "".

    >>> part_of("benign/fold 2/a.png"), part_of("benign/a.png")
    ('fold 2', '')
    """
    return next((folder for folder in PurePosixPath(file).parts[:-1] if is_part(folder)), "")
