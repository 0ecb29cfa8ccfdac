"""The image encoder: grey ultrasound frames in, one feature vector per frame out."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from uscl.base.errors import UserError
from uscl.models.encoders import ULTRASOUND, InputStats, encoder_spec


class Encoder(nn.Module):
    """A backbone of the registry (`uscl.models.encoders`) with its input normalisation.

    `forward` takes grey frames [batch, 1, height, width] in [0, 1] and returns features [batch, `dim`], pooled as the
    architecture does it. `backbone` holds all weights, under the published names; it has one input channel or three, as
    `stats` has. Frames of another size than `input_size`, if there is one, are resized first; an architecture that
    takes only frames of one size has the size that its weights were published for. Raises UserError for an unknown
    `arch`, and for a size or a number of channels that it can't have.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, arch: str, stats: InputStats = ULTRASOUND, input_size: int | None = None) -> None:
        super().__init__()
        spec = encoder_spec(arch)
        self.arch, self.input_size = arch, input_size or spec.input_size
        self.backbone, self.dim = spec.build(self.input_size, len(stats.mean)), spec.features
        self.normalise_with(stats)

    def normalise_with(self, stats: InputStats) -> None:
        """Take these input statistics from now on, in place of those that the weights came with."""
        self.stats = stats
        self.register_buffer("mean", channels(stats.mean), persistent=False)
        self.register_buffer("std", channels(stats.std), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        # A grey frame and three channels of statistics: broadcasting makes the three input channels.
        return self.backbone((resized(frames, self.input_size) - self.mean) / self.std)


def resized(frames: Tensor, size: int | None) -> Tensor:
    """Frames [batch, 1, height, width] as squares of `size` pixels (bilinear, smoothed if smaller); None: as given."""
    if size is None or tuple(frames.shape[-2:]) == (size, size):
        return frames
    return F.interpolate(frames, (size, size), mode="bilinear", align_corners=False, antialias=True)


def check_frames(encoder: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    """A forward pre-hook. Raises UserError unless the frames are grey [batch, 1, height, width] floats in [0, 1].

    Three channels, bytes or values up to 255 would otherwise give features that look right and are not.
    """
    frames = inputs[0]
    if frames.ndim != 4 or frames.shape[1] != 1:
        raise UserError(
            f"The encoder takes grey frames [batch, 1, height, width], not {list(frames.shape)}: average the colour"
            " channels into one, or add the axes that are missing."
        )
    if not frames.is_floating_point():
        raise UserError(f"The encoder takes floats in [0, 1], not {frames.dtype}: use frames.float() / 255 for bytes.")
    low, high = (float(end) for end in frames.aminmax()) if frames.numel() else (0.0, 1.0)
    if not (low >= 0.0 and high <= 1.0):
        raise UserError(
            f"The encoder takes values in [0, 1], not {low:g} to {high:g}: divide bytes by 255, and leave the mean and"
            " sd to the encoder, which applies its own."
        )


def channels(values: Sequence[float]) -> Tensor:
    """Per-channel figures as a tensor [1, channels, 1, 1]."""
    return torch.tensor(values, dtype=torch.float32).view(1, -1, 1, 1)
