"""The two arms that see no ultrasound before fine-tuning."""

from uscl.errors import UserError
from uscl.models.encoders import Encoder
from uscl.models.imagenet import imagenet_encoder
from uscl.seeds import torch_stream


def untrained_encoder(method: str, arch: str, seed: int, weights: str | None = None) -> Encoder:
    """The encoder of method `random` (the initialisation that the contrastive methods start from) or `imagenet`.

    `weights` names a local file of ImageNet weights. Raises UserError for any other method.
    """
    if method == "random":
        with torch_stream(seed, "init"):
            return Encoder(arch)
    if method == "imagenet":
        return imagenet_encoder(arch, weights)
    raise UserError(f"Method '{method}' doesn't name an encoder without pretraining: choose random or imagenet.")
