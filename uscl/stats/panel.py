"""The scored cases of one task, in the same order for all arms and seeds, so that arms can be compared case by case."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from uscl.metrics.groups import Part
from uscl.metrics.registry import SEGMENTATION, case_scores_of
from uscl.metrics.scores import class_names


class Panel(NamedTuple):
    """All arms and seeds of a task; `classes` is empty for segmentation, `folds` are the parts by number."""

    arms: list[str]
    seeds: list[int]
    classes: list[str]
    folds: dict[int, Part]


def to_panel(cases: pd.DataFrame, kind: str) -> Panel:
    """The cases of `cases.parquet`, of all arms and seeds of one task x regime x labels, as arrays.

    Arms keep the order of their first appearance. Raises ValueError if an arm lacks a case or has it twice for a seed,
    if fold, group or label of a case differ between arms or seeds, if a group is in two folds, or if a label or
    prediction is not a class.
    """
    arms, seeds = list(cases["arm"].unique()), sorted(cases["seed"].unique())
    classes = class_names(cases) if kind == "classification" else []
    check(cases, arms, seeds)
    position = pd.Categorical(cases["arm"], arms).codes
    table = cases.assign(position=position).sort_values(["position", "seed", "fold", "group", "case"])
    shape = len(arms), len(seeds), -1
    fold = table["fold"].to_numpy().reshape(shape)[0, 0]
    values = class_values(table, classes, shape) if classes else image_values(table, shape)
    group = table["group"].to_numpy().reshape(shape)[0, 0]
    label = numbers(table["label"], classes).reshape(shape)[0, 0] if classes else np.zeros(len(fold), dtype=int)
    parts = {}
    for number in np.unique(fold):
        here = fold == number
        inside = np.unique(group[here], return_inverse=True)[1]
        parts[int(number)] = Part(inside, label[here], {name: array[..., here] for name, array in values.items()})
    return Panel(arms, seeds, classes, parts)


def class_values(table: pd.DataFrame, classes: list[str], shape: tuple[int, int, int]) -> dict[str, np.ndarray]:
    """Predicted class and probabilities, from rows ordered by arm, seed and case."""
    probabilities = [table[f"p_{name}"].to_numpy(dtype=float).reshape(shape) for name in classes]
    return {
        "predicted": numbers(table["predicted"], classes).reshape(shape),
        "probabilities": np.stack(probabilities),
    }


def image_values(table: pd.DataFrame, shape: tuple[int, int, int]) -> dict[str, np.ndarray]:
    """Scores of the images, from rows ordered by arm, seed and case."""
    return {name: table[name].to_numpy(dtype=float).reshape(shape) for name in case_scores_of(SEGMENTATION)}


def numbers(names: pd.Series, classes: list[str]) -> np.ndarray:
    """The number of each class name. Raises ValueError for a name that is not a class."""
    found = pd.Index(classes).get_indexer(names)
    if (found < 0).any():
        raise ValueError(f"{names[found < 0].iloc[0]!r} is none of the classes {', '.join(classes)}.")
    return found


def check(cases: pd.DataFrame, arms: list[str], seeds: list[int]) -> None:
    """Raise ValueError unless every arm has every case once per seed, in the same fold, group and class."""
    known = pd.Index(cases["case"].unique())
    by_cell = dict(list(cases.groupby(["arm", "seed"], sort=False)["case"]))
    for arm in arms:
        for seed in seeds:
            present = pd.Index(by_cell.get((arm, seed), []))
            if len(missing := known.difference(present)):
                raise ValueError(f"Arm {arm} lacks case {missing[0]} with seed {seed}: paired tests need all cases.")
            if present.has_duplicates:
                raise ValueError(f"Arm {arm} has case {present[present.duplicated()][0]} twice with seed {seed}.")
    described = cases.drop_duplicates(["case", "fold", "group", "label"])
    if (twice := described["case"].duplicated()).any():
        raise ValueError(f"Arms or seeds differ in fold, group or label of case {described['case'][twice].iloc[0]}.")
    placed = cases.drop_duplicates(["fold", "group"])
    if (twice := placed["group"].duplicated()).any():
        raise ValueError(f"Group {placed['group'][twice].iloc[0]} is in two folds.")
