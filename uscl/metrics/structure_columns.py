"""The names of the columns that hold masks, or scores of masks, of one structure or of several."""

from collections.abc import Sequence

import pandas as pd


def ends(structures: Sequence[str]) -> list[str]:
    """The ends of the names of columns of each structure; "" if there is one only, which has no name.

    >>> ends(["nerve", "vessel"]), ends([])
    (['_nerve', '_vessel'], [''])
    """
    return [f"_{name}" for name in structures] or [""]


def mask_columns(predictions: pd.DataFrame) -> list[str]:
    """The columns that hold masks."""
    return [column for column in predictions if str(column).startswith(("true_mask", "predicted_mask"))]


def structures_of(predictions: pd.DataFrame) -> list[str]:
    """The structures of which a table has masks `true_mask_<structure>`, in its order; none if there is only one."""
    return [name.removeprefix("true_mask_") for name in map(str, predictions) if name.startswith("true_mask_")]
