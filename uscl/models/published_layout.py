"""Weights in the layout that was published, for a backbone of another input size or number of channels.

Position embeddings and tables of relative positions are resampled to the backbone's grid, as timm does it when it loads
its own; the weights of the first convolution are summed over its channels if the backbone has one.
"""

import logging
import math
from collections.abc import Mapping

from torch import Tensor, nn

import uscl.models.torchvision_cpu  # noqa: F401  (before timm)

import timm  # isort: skip

log = logging.getLogger(__name__)

POSITIONS = ("pos_embed", "encoder.pos_embedding")  # timm's and torchvision's name
BIASES = "relative_position_bias_table"


def fitted(tensors: Mapping[str, Tensor], backbone: nn.Module, stem: str | None, source: str) -> dict[str, Tensor]:
    """The tensors, those of another grid resampled and a stem of three channels summed; each is logged."""
    own, found = backbone.state_dict(), dict(tensors)
    for name in own.keys() & tensors.keys():
        offered, shape = tensors[name], own[name].shape
        if offered.shape == shape:
            continue
        if name in POSITIONS and offered.ndim == 3 and offered.shape[2] == shape[2]:
            found[name] = positions(offered, shape[1], prefix_tokens(backbone))
        elif name.endswith(BIASES) and offered.ndim == 2 and offered.shape[1] == shape[1]:
            found[name] = timm.layers.resize_rel_pos_bias_table(offered, window_of(shape[0]), tuple(shape))
        elif name == f"{stem}.weight" and offered.ndim == 4 and shape[1] == 1:
            found[name] = timm.models.adapt_input_conv(1, offered)
        else:
            continue
        log.info("%s in %s: %s becomes %s.", name, source, list(offered.shape), list(found[name].shape))
    return found


def positions(offered: Tensor, length: int, prefix: int) -> Tensor:
    """Embeddings [1, prefix + grid * grid, dim] on another square grid; the first `prefix` stay as they are."""
    side = math.isqrt(length - prefix)
    return timm.layers.resample_abs_pos_embed(offered, [side, side], num_prefix_tokens=prefix)


def prefix_tokens(backbone: nn.Module) -> int:
    """How many of a transformer's position embeddings belong to no patch."""
    if getattr(backbone, "no_embed_class", False):
        return 0
    return int(getattr(backbone, "num_prefix_tokens", 1))


def window_of(entries: int) -> tuple[int, int]:
    """The window whose table of relative positions has so many entries: (2 side - 1) squared.

    >>> window_of(169)
    (7, 7)
    """
    side = (math.isqrt(entries) + 1) // 2
    return side, side
