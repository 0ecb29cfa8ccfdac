"""The image encoder: grey ultrasound frames in, one feature vector per frame out."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from uscl.models.encoders import ULTRASOUND, InputStats, encoder_spec


class Encoder(nn.Module):
    """A backbone of the registry (`uscl.models.encoders`) with its input normalisation.

    `forward` takes grey frames [batch, 1, height, width] in [0, 1] and returns features [batch, `dim`] after global
    average pooling. `backbone` holds all weights, under the published names. Raises UserError for an unknown `arch`.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, arch: str, stats: InputStats = ULTRASOUND) -> None:
        super().__init__()
        spec = encoder_spec(arch)
        self.arch = arch
        self.backbone, self.dim = spec.build(), spec.features
        self.normalise_with(stats)

    def normalise_with(self, stats: InputStats) -> None:
        """Take these input statistics from now on, in place of those that the weights came with."""
        self.stats = stats
        self.register_buffer("mean", channels(stats.mean), persistent=False)
        self.register_buffer("std", channels(stats.std), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        # A grey frame and three channels of statistics: broadcasting makes the three input channels.
        return self.backbone((frames - self.mean) / self.std)


def channels(values: Sequence[float]) -> Tensor:
    """Per-channel figures as a tensor [1, channels, 1, 1]."""
    return torch.tensor(values, dtype=torch.float32).view(1, -1, 1, 1)
