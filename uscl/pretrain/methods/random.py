"""No pretraining: the random initialisation that the contrastive methods start from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from uscl.base.seeds import torch_stream
from uscl.base.settings import Settings
from uscl.pretrain.method import Method

if TYPE_CHECKING:
    from uscl.models.encoder import Encoder


class Random(Settings):
    """The method takes no settings."""

    method: Literal["random"] = "random"


def untrained_encoder(arch: str, seed: int, weights: str | None = None) -> Encoder:
    """The encoder as its library initialises it, from the stream of the seed; `weights` has no meaning here."""
    from uscl.models.encoder import Encoder

    with torch_stream(seed, "init"):
        return Encoder(arch)


METHOD = Method("random", "no pretraining: random weights", Random, start=untrained_encoder)
