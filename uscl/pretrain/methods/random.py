"""No pretraining: the random initialisation that the contrastive methods start from."""

from uscl.base.seeds import torch_stream
from uscl.models.encoder import Encoder


def untrained_encoder(arch: str, seed: int, weights: str | None = None) -> Encoder:
    """The encoder as its library initialises it, from the seed's stream; it has no use for `weights`."""
    with torch_stream(seed, "init"):
        return Encoder(arch)
