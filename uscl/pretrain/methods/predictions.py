"""Predictions of another program's models: class probabilities or masks per case, in one file per task."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from uscl.base.settings import Nothing
from uscl.pretrain.method import Given, Method


class Predictions(Given):
    """Settings of an arm of given predictions."""

    method: Literal["predictions"] = "predictions"
    folder: Annotated[
        str,
        Field(
            min_length=1,
            description="A folder with a file TASK.csv or TASK.parquet per task: one row per case and seed, with case,"
            " fold, seed, and the probability p_CLASS of each class, or mask; `uscl template predictions` writes it"
            " without these values.",
        ),
    ]
    regime: Annotated[
        str | None,
        Nothing,
        Field(
            description="The regime in which the predictions are compared with the other arms. Default: the first of"
            " each task."
        ),
    ] = None


METHOD = Method(
    "predictions",
    "predictions of another program's models, from files; they go straight to scores and claims",
    Predictions,
    trains=False,
    remarks=lambda settings: ("predictions from files: how their models were trained, and their cost, are not known",),
    gives="predictions",
)
