"""Published supervised ImageNet weights, no ultrasound."""

from uscl.models.encoder import Encoder
from uscl.models.imagenet import imagenet_encoder


def untrained_encoder(arch: str, seed: int, weights: str | None = None) -> Encoder:
    """The encoder with its ImageNet weights, from the local file `weights` if it is named; the same for every seed."""
    return imagenet_encoder(arch, weights)
