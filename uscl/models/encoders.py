"""Image encoders: grey ultrasound frames in, one feature vector a frame out.

An encoder is a published backbone under its published parameter names (torchvision's `resnet18`, timm's
`tf_efficientnet_lite0`) without the class head, so that its weights load anywhere those names are known.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from uscl.base.errors import UserError
from uscl.models import torchvision_cpu  # noqa: F401  (before timm and torchvision)

import timm  # isort: skip
import torchvision  # isort: skip


class InputStats(NamedTuple):
    """Mean and standard deviation by channel, for grey levels scaled to [0, 1]."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


# The authors' released code normalises every ultrasound frame with these two figures.
ULTRASOUND = InputStats((0.18,) * 3, (0.24,) * 3)

# Name of the class head in each backbone: the only parameters that an encoder leaves out.
HEADS = {"resnet18": "fc", "tf_efficientnet_lite0": "classifier"}


class Encoder(nn.Module):
    """A backbone with its input normalisation.

    `forward` takes grey frames [batch, 1, height, width] in [0, 1] and gives features [batch, `dim`] after global
    average pooling. `backbone` holds all weights, under the published names.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, arch: str, stats: InputStats = ULTRASOUND) -> None:
        super().__init__()
        self.arch = arch
        self.stats = stats
        self.backbone, self.dim = build_backbone(arch)
        self.register_buffer("mean", channels(stats.mean), persistent=False)
        self.register_buffer("std", channels(stats.std), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        # A grey frame meets three channels of statistics here: broadcasting makes the three input channels.
        return self.backbone((frames - self.mean) / self.std)


def channels(values: Sequence[float]) -> Tensor:
    """Per-channel figures as a tensor [1, channels, 1, 1]."""
    return torch.tensor(values, dtype=torch.float32).view(1, -1, 1, 1)


def build_backbone(arch: str) -> tuple[nn.Module, int]:
    """The backbone without its head, randomly initialised as its library does, and its feature dimension.

    Raises UserError for an architecture that this project does not know.
    """
    if arch == "resnet18":
        resnet = torchvision.models.resnet18(weights=None)
        dim = resnet.fc.in_features
        resnet.fc = nn.Identity()
        return resnet, dim
    if arch == "tf_efficientnet_lite0":
        # num_classes=0 keeps the pooling and drops the classifier.
        lite = timm.create_model(arch, pretrained=False, num_classes=0)
        return lite, int(lite.num_features)  # type: ignore[arg-type]
    raise UserError(f"Unknown encoder '{arch}': choose one of {', '.join(sorted(HEADS))}.")
