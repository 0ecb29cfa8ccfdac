"""Published supervised ImageNet weights, no ultrasound."""

from __future__ import annotations

from typing import Literal

from uscl.pretrain.method import AnyArm, Method, Started


class ImageNet(AnyArm):
    """Settings of the published weights: those that every arm has."""

    method: Literal["imagenet"] = "imagenet"


def published_encoder(arch: str, seed: int, weights: str | None, settings: ImageNet) -> Started:
    """The encoder with its ImageNet weights, from the local file `weights` if given; the same for every seed."""
    from uscl.models.imagenet import imagenet_encoder

    return Started(imagenet_encoder(arch, weights, settings.stats, settings.input_size))


METHOD = Method(
    "imagenet",
    "no ultrasound: published supervised ImageNet weights as they are",
    ImageNet,
    start=published_encoder,
    trains=False,
)
