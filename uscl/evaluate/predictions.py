"""The table of predictions, whatever made them."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from uscl.data.splits import IDENTITY, Fold
from uscl.data.store import FrameStore
from uscl.metrics.structure_columns import ends
from uscl.metrics.temperature import scaled

ONE: Mapping[str, int] = MappingProxyType({})  # structure without a name: every label


def class_numbers(cases: pd.DataFrame) -> tuple[list[str], pd.Series]:
    """The classes in alphabetical order, and the class number of each case by its store row."""
    classes = sorted(cases["label"].unique())
    return classes, cases.set_index("row")["label"].map({name: number for number, name in enumerate(classes)})


def identified(cases: pd.DataFrame, fold: Fold) -> pd.DataFrame:
    """The IDENTITY of the cases of the test part, in their order."""
    return cases.set_index("row").loc[fold.test, IDENTITY].reset_index(drop=True)


def predicted(
    cases: pd.DataFrame, fold: Fold, classes: list[str], probabilities: np.ndarray, temperature: float | None = None
) -> pd.DataFrame:
    """One row per case of the test part: its IDENTITY and one probability per class, `p_<class>`.

    `cases` has row and IDENTITY; `probabilities` is [test cases, classes]. With a `temperature` they are scaled by it,
    and it is a column.
    """
    if temperature is not None:
        probabilities = scaled(probabilities, temperature)
    columns = {f"p_{name}": probabilities[:, number] for number, name in enumerate(classes)}
    return identified(cases, fold).assign(**columns, **({} if temperature is None else {"temperature": temperature}))


def packed(masks: np.ndarray) -> list[bytes]:
    """Each mask's pixels in reading order, eight per byte."""
    return [np.packbits(mask.astype(bool)).tobytes() for mask in masks]


def true_masks(store: FrameStore, rows: np.ndarray, structures: Mapping[str, int]) -> list[np.ndarray]:
    """The masks [n, height, width] of each structure, or of all labels if none is named."""
    assert store.masks is not None, "a segmentation task is split from a store with masks"
    labels = store.masks[rows]
    return [labels == label for label in structures.values()] or [labels > 0]


def packed_columns(predicted: np.ndarray, true: np.ndarray, structures: Mapping[str, int]) -> dict[str, list[bytes]]:
    """The columns of a table of predictions from masks [n, structures, height, width]."""
    return {
        f"{name}_mask{end}": packed(masks[:, number])
        for number, end in enumerate(ends(list(structures)))
        for name, masks in (("true", true), ("predicted", predicted))
    }
