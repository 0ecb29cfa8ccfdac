"""A U-Net decoder on any backbone of timm, which gives its feature maps itself.

Each map is a level of the decoder: 1 for half the size of the frame, 2 for a quarter, and so on; levels that a backbone
has no map for are empty. A transformer has one map, its patch tokens, at the fourth level: the decoder then has no skip
connections, as in SETR (Zheng et al., CVPR 2021, arXiv 2012.15840).
"""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

import uscl.models.torchvision_cpu  # noqa: F401  (before segmentation-models-pytorch)
from uscl.models.encoder import Encoder
from uscl.models.encoders import MapSegmentation

from segmentation_models_pytorch.base import SegmentationHead  # isort: skip
from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoder  # isort: skip

WIDTHS = (256, 128, 64, 32, 16)  # of the decoder, from the deepest level to the frame
TOKEN_LEVEL = 4


class MapUnet(nn.Module):
    """Normalised frames [batch, channels, height, width] to logits [batch, outputs, height, width]."""

    def __init__(self, encoder: Encoder, kind: MapSegmentation, outputs: int = 1) -> None:
        super().__init__()
        self.encoder = FeatureMaps(encoder.backbone, tokens=kind.tokens)
        channels, depth = self.encoder.channels, len(self.encoder.channels)
        self.decoder = UnetDecoder((len(encoder.stats.mean), *channels), WIDTHS[-depth:], n_blocks=depth)
        self.segmentation_head = SegmentationHead(WIDTHS[-1], outputs)

    def forward(self, frames: Tensor) -> Tensor:
        return self.segmentation_head(self.decoder(self.encoder(frames)))


class FeatureMaps(nn.Module):
    """The frames and a map per level, from a copy of the backbone.

    `channels` are those of the levels, 0 for empty ones.
    """

    def __init__(self, backbone: Any, *, tokens: bool) -> None:
        super().__init__()
        self.backbone = copy.deepcopy(backbone)
        self.tokens = tokens
        if tokens:
            self.channels = [*(0,) * (TOKEN_LEVEL - 1), int(backbone.num_features)]
        else:
            found = {level(info["reduction"]): int(info["num_chs"]) for info in backbone.feature_info}
            self.channels = [found.get(number, 0) for number in range(1, max(found) + 1)]

    def forward(self, frames: Tensor) -> list[Tensor]:
        backbone: Any = self.backbone
        last = {"indices": 1, "norm": True} if self.tokens else {}
        maps = iter(backbone.forward_intermediates(frames, intermediates_only=True, **last))
        return [frames, *(next(maps) if width else empty(frames, place) for place, width in self._levels())]

    def _levels(self) -> Sequence[tuple[int, int]]:
        return list(enumerate(self.channels, start=1))


def level(reduction: int) -> int:
    """The level of a map that is so many times smaller than the frame.

    >>> level(2), level(32)
    (1, 5)
    """
    return reduction.bit_length() - 1


def empty(frames: Tensor, number: int) -> Tensor:
    """A map without channels at a level."""
    height, width = (max(1, side >> number) for side in frames.shape[-2:])
    return torch.empty(len(frames), 0, height, width, device=frames.device, dtype=frames.dtype)
