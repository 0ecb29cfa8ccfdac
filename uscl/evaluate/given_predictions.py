"""Predictions that a user gives in a file, checked against the folds, in the form of a cell's own predictions."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from uscl.base.errors import UserError
from uscl.data.picture_box import inside
from uscl.data.splits import Fold
from uscl.data.store import FrameStore
from uscl.evaluate.given_tables import check_cases, columns, integers, listed, numbers, read_table
from uscl.evaluate.predictions import ONE, class_numbers, identified, packed_columns, predicted, true_masks
from uscl.evaluate.run_lengths import mask_of
from uscl.metrics.structure_columns import ends

ROUNDED = 0.005  # how far the probabilities of a case, written with three decimals, may add up to more or less than 1


def given_predictions(
    path: Path,
    kind: str,
    cases: pd.DataFrame,
    folds: Sequence[Fold],
    seed: int,
    store: FrameStore,
    structures: Mapping[str, int] = ONE,
) -> pd.DataFrame:
    """The predictions of all test parts of a training, fold by fold: the columns of our own, and fold.

    `cases` has row and IDENTITY (of `uscl.data.splits`), `structures` the label of each of several structures. Raises
    UserError if a tested case is missing, foreign, there twice or of another fold, and for probabilities or masks that
    can't be.
    """
    classes, _ = class_numbers(cases)
    values = [f"p_{name}" for name in classes] if kind == "classification" else mask_names(structures)
    table = read_table(path, ["case", "fold", "seed", *values])
    check_classes(path, table, classes)
    given = rows_of(path, table, cases, folds, seed)
    own = given.set_index("case")
    read: Callable[..., pd.DataFrame] = (
        probabilities if kind == "classification" else partial(masks, structures=structures)
    )
    return pd.concat(
        [
            read(path, own.loc[identified(cases, fold)["case"]], cases, fold, store).assign(fold=number)
            for number, fold in enumerate(folds)
        ],
        ignore_index=True,
    )


def check_seeds(path: Path, seeds: Sequence[int]) -> None:
    """Raise UserError if a file has rows of a seed that the study doesn't have."""
    table = columns(path, read_table(path, ["case", "seed"]), "case", "seed")
    found = integers(path, table, "seed")
    if foreign := sorted(set(found) - set(seeds)):
        raise UserError(
            f"{path} has rows of seed {foreign[0]}, but the study's seeds are {', '.join(map(str, seeds))}: remove"
            " these rows, or add the seed to `seeds`."
        )


def check_classes(path: Path, table: pa.Table, classes: Sequence[str]) -> None:
    """Raise UserError for a column of probabilities that is of no class of the task."""
    named = [name.removeprefix("p_") for name in table.column_names if name.startswith("p_")]
    if foreign := [name for name in named if name not in classes]:
        raise UserError(
            f"{path} has a column p_{foreign[0]}, but the task's classes are {', '.join(classes)}: rename or remove it."
        )


def rows_of(path: Path, table: pa.Table, cases: pd.DataFrame, folds: Sequence[Fold], seed: int) -> pd.DataFrame:
    """The rows of one training, once each case is there and in the fold that tests it."""
    values = [name for name in table.column_names if name == "mask" or name.startswith(("p_", "mask_"))]
    found = columns(path, table, "case", "fold", "seed", *values)
    own = found[integers(path, found, "seed") == seed].reset_index(drop=True)
    of_row = {row: number for number, fold in enumerate(folds) for row in fold.test}
    tested = cases.loc[cases["row"].isin(of_row), "case"]  # not all cases of a given split
    check_cases(path, own["case"], tested, tested, "the task", f" of seed {seed}")
    right = own["case"].map(cases.set_index("case")["row"]).map(of_row)
    given = integers(path, own, "fold")
    if (wrong := given != right).any():
        case, said, is_in = own["case"][wrong].iloc[0], given[wrong].iloc[0], right[wrong].iloc[0]
        raise UserError(
            f"{path} says that case {case} is of fold {said} of seed {seed}, but fold {is_in} tests it ({wrong.sum()}"
            " such rows): give the prediction of the model that was not trained on it."
        )
    return own


def probabilities(path: Path, own: pd.DataFrame, cases: pd.DataFrame, fold: Fold, store: FrameStore) -> pd.DataFrame:
    """The predictions of a fold's test part, from rows in its order (the index is the case)."""
    classes, _ = class_numbers(cases)
    table = own.reset_index()
    found = np.stack([numbers(table, f"p_{name}").to_numpy() for name in classes], axis=1)
    outside = ~((found >= 0) & (found <= 1))  # true for NaN
    if outside.any():
        row, column = np.argwhere(outside)[0]
        given = table[f"p_{classes[column]}"][row]
        raise UserError(
            f"{path}: p_{classes[column]} of case {table['case'][row]} is '{given}': give a probability from 0 to 1."
        )
    total = found.sum(axis=1)
    if (wrong := np.abs(total - 1) > ROUNDED).any():
        raise UserError(
            f"{path}: the probabilities of {listed(table['case'][wrong])} add up to {total[wrong][0]:.4g}, not to 1:"
            " give every case the probabilities of all classes."
        )
    return predicted(cases, fold, classes, found)


def mask_names(structures: Mapping[str, int]) -> list[str]:
    """The columns of a file with masks.

    >>> mask_names({"nerve": 1, "vessel": 2}), mask_names({})
    (['mask_nerve', 'mask_vessel'], ['mask'])
    """
    return [f"mask{end}" for end in ends(list(structures))]


def masks(
    path: Path,
    own: pd.DataFrame,
    cases: pd.DataFrame,
    fold: Fold,
    store: FrameStore,
    structures: Mapping[str, int] = ONE,
) -> pd.DataFrame:
    """The masks of a fold's test part, from rows in its order; pixels outside of the picture are never lesion.

    Raises UserError for a text that is no mask, and for a pixel that is of two structures.
    """
    height, width = store.frames.shape[1:]
    names = mask_names(structures)
    found = np.zeros((len(own), len(names), height, width), bool)
    for place, name in enumerate(names):
        for number, (case, text) in enumerate(own[name].items()):
            found[number, place] = read_mask(path, name, str(case), text, height, width)
    if (twice := (found.sum(axis=1) > 1).any(axis=(1, 2))).any():
        raise UserError(
            f"{path}: a pixel of case {own.index[twice.argmax()]} is in the masks of two structures"
            f" ({', '.join(names)}): give each pixel to one of them."
        )
    picture = inside(store.manifest.iloc[fold.test], width)[:, None]
    true = np.stack(true_masks(store, fold.test, structures), axis=1)
    known = identified(cases, fold).assign(height=height, width=width)
    return known.assign(**packed_columns(found & picture, true, structures))


def read_mask(path: Path, name: str, case: str, text: str, height: int, width: int) -> np.ndarray:
    """The mask that a cell of the file holds. Raises UserError."""
    try:
        return mask_of(text, height, width)
    except ValueError as error:
        words = name.replace("_", " of ", 1)
        raise UserError(
            f"{path}: the {words} of case {case} {error}: give the run lengths of its pixels, row by row, beginning"
            " outside the lesion."
        ) from error
