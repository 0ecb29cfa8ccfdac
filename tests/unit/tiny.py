"""A small encoder and settings to match, for tests of what does not depend on the network's size."""

from torch import Tensor, nn

from uscl.base.seeds import torch_stream


class TinyEncoder(nn.Module):
    """Two convolutions with BatchNorm: frames [batch, 1, height, width] to features [batch, 8]."""

    dim = 8

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        with torch_stream(seed, "tiny encoder"):
            self.backbone = nn.Sequential(
                nn.Conv2d(1, 4, 3, stride=2, bias=False),
                nn.BatchNorm2d(4),
                nn.ReLU(),
                nn.Conv2d(4, self.dim, 3, stride=2, bias=False),
                nn.BatchNorm2d(self.dim),
                nn.ReLU(),
                nn.AdaptiveAvgPool2d(1),
                nn.Flatten(),
            )

    def normalise_with(self, stats) -> None:
        self.stats = stats

    def forward(self, frames: Tensor) -> Tensor:
        return self.backbone(frames)
