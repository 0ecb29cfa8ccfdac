"""The scored cases of one task, in the same order for all arms and trainings, so that they can be compared by case."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from uscl.metrics.groups import Part
from uscl.metrics.registry import CLASSIFICATION, SEGMENTATION, image_scores, names
from uscl.metrics.scores import class_names


class Panel(NamedTuple):
    """All arms and trainings of a task; a seed names a training.

    `cases` are all test cases, each tested once per training; `folds` [trainings, n] are the numbers of their folds.
    `groups` names the groups in the order of their numbers; `classes` is empty for segmentation.
    """

    arms: list[str]
    seeds: list[int]
    classes: list[str]
    groups: list[str]
    cases: Part
    folds: np.ndarray

    @property
    def kind(self) -> str:
        """The kind of the task."""
        return CLASSIFICATION if self.classes else SEGMENTATION

    @property
    def metrics(self) -> list[str]:
        """The names of all metrics that the cases have, in the order of the tables."""
        return names(self.kind, self.classes, None if self.classes else list(self.cases.values))

    @property
    def strata(self) -> np.ndarray:
        """The class of each group [groups]: the most frequent one of its cases; 0 for all without classes."""
        counts = np.zeros((self.cases.groups, max(len(self.classes), 1)), dtype=int)
        np.add.at(counts, (self.cases.group, self.cases.label), 1)
        return counts.argmax(axis=1)

    def deterministic(self, arm: int) -> bool:
        """Whether all of two or more trainings of an arm gave the same predictions, so that no luck is in them."""
        values = (array[..., arm, :, :] for array in self.cases.values.values())
        return len(self.seeds) > 1 and all((array == array[..., :1, :]).all() for array in values)


def to_panel(cases: pd.DataFrame, kind: str) -> Panel:
    """The cases of `cases.parquet`, of all arms and seeds of one task x regime x labels, as arrays.

    Arms keep the order of their first appearance. Raises ValueError if an arm lacks a case or has it twice for a seed,
    if group or label of a case differ between arms or seeds, or its fold between arms, or if a label or prediction is
    not a class. A group is in two folds only if a provider's split has it so (`uscl.data.given_splits`).
    """
    arms, seeds = list(cases["arm"].unique()), sorted(cases["seed"].unique())
    classes = class_names(cases) if kind == CLASSIFICATION else []
    check(cases, arms, seeds)
    position = pd.Categorical(cases["arm"], arms).codes
    table = cases.assign(position=position).sort_values(["position", "seed", "group", "case"])
    shape = len(arms), len(seeds), -1
    first = table.head(len(table) // (len(arms) * len(seeds)))
    groups, group = np.unique(first["group"].to_numpy(dtype=str), return_inverse=True)
    label = numbers(first["label"], classes) if classes else np.zeros(len(first), dtype=int)
    values = class_values(table, classes, shape) if classes else image_values(table, shape)
    folds = table["fold"].to_numpy().reshape(shape)[0]
    return Panel(arms, seeds, classes, groups.tolist(), Part(group, label, values), folds)


def class_values(table: pd.DataFrame, classes: list[str], shape: tuple[int, int, int]) -> dict[str, np.ndarray]:
    """Predicted class and probabilities, from rows ordered by arm, seed and case."""
    probabilities = [table[f"p_{name}"].to_numpy(dtype=float).reshape(shape) for name in classes]
    return {
        "predicted": numbers(table["predicted"], classes).reshape(shape),
        "probabilities": np.stack(probabilities),
    }


def image_values(table: pd.DataFrame, shape: tuple[int, int, int]) -> dict[str, np.ndarray]:
    """Scores of the images, from rows ordered by arm, seed and case."""
    return {name: table[name].to_numpy(dtype=float).reshape(shape) for name in image_scores(list(table))}


def numbers(names: pd.Series, classes: list[str]) -> np.ndarray:
    """The number of each class name. Raises ValueError for a name that is not a class."""
    found = pd.Index(classes).get_indexer(names)
    if (found < 0).any():
        raise ValueError(f"{names[found < 0].iloc[0]!r} is none of the classes {', '.join(classes)}.")
    return found


def check(cases: pd.DataFrame, arms: list[str], seeds: list[int]) -> None:
    """Raise ValueError unless every arm has every case once per seed, with its group, class and fold."""
    known = pd.Index(cases["case"].unique())
    by_cell = dict(list(cases.groupby(["arm", "seed"], sort=False)["case"]))
    for arm in arms:
        for seed in seeds:
            present = pd.Index(by_cell.get((arm, seed), []))
            if len(missing := known.difference(present)):
                raise ValueError(f"Arm {arm} lacks case {missing[0]} with seed {seed}: paired tests need all cases.")
            if present.has_duplicates:
                raise ValueError(f"Arm {arm} has case {present[present.duplicated()][0]} twice with seed {seed}.")
    described = cases.drop_duplicates(["case", "group", "label"])
    if (twice := described["case"].duplicated()).any():
        raise ValueError(f"Arms or seeds differ in group or label of case {described['case'][twice].iloc[0]}.")
    placed = cases.drop_duplicates(["seed", "case", "fold"])
    if (twice := placed.duplicated(["seed", "case"])).any():
        raise ValueError(f"Arms differ in the fold of case {placed['case'][twice].iloc[0]}.")
