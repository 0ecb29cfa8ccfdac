"""The table of predictions, whatever made them."""

import numpy as np
import pandas as pd

from uscl.data.splits import IDENTITY, Fold


def class_numbers(cases: pd.DataFrame) -> tuple[list[str], pd.Series]:
    """The classes in alphabetical order, and the class number of each case by its store row."""
    classes = sorted(cases["label"].unique())
    return classes, cases.set_index("row")["label"].map({name: number for number, name in enumerate(classes)})


def identified(cases: pd.DataFrame, fold: Fold) -> pd.DataFrame:
    """The IDENTITY of the cases of the test part, in their order."""
    return cases.set_index("row").loc[fold.test, IDENTITY].reset_index(drop=True)


def predicted(cases: pd.DataFrame, fold: Fold, classes: list[str], probabilities: np.ndarray) -> pd.DataFrame:
    """One row per case of the test part: its IDENTITY and one probability per class, `p_<class>`.

    `cases` has row and IDENTITY; `probabilities` is [test cases, classes].
    """
    return identified(cases, fold).assign(
        **{f"p_{name}": probabilities[:, number] for number, name in enumerate(classes)}
    )


def packed(masks: np.ndarray) -> list[bytes]:
    """Each mask's pixels in reading order, eight per byte."""
    return [np.packbits(mask.astype(bool)).tobytes() for mask in masks]
