"""Features that another program computed with an encoder of its own: one vector per case, in a file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from uscl.pretrain.method import Given, Method


class Features(Given):
    """Settings of an arm of given features."""

    method: Literal["features"] = "features"
    file: Annotated[
        str,
        Field(
            min_length=1,
            description="A Parquet file with the columns case and vector, one row per case of the tasks; `uscl template"
            " features` writes it without the vectors. Regimes that train an encoder leave the arm out.",
        ),
    ]


METHOD = Method(
    "features",
    "features of another program's encoder, from a file; probes evaluate them",
    Features,
    trains=False,
    remarks=lambda settings: ("features from a file: what their encoder was trained on, and its cost, are not known",),
    gives="features",
)
