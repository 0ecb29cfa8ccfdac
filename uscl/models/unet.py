"""U-Net of segmentation-models-pytorch on a pretrained encoder."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from uscl.models.checkpoint import load_by_name
from uscl.models.encoders import Encoder

import segmentation_models_pytorch as smp  # isort: skip  (after uscl.models.encoders)


class SmpEncoder(NamedTuple):
    """How segmentation-models-pytorch names an encoder, and what of ours a U-Net has no place for."""

    name: str
    prefix: str
    unused: tuple[str, ...]


# The last 1x1 convolution of EfficientNet serves classification alone; decoders start before it.
SMP_ENCODERS = {
    "resnet18": SmpEncoder("resnet18", "", ()),
    "tf_efficientnet_lite0": SmpEncoder("tu-tf_efficientnet_lite0", "model.", ("conv_head.", "bn2.")),
}


class UNet(nn.Module):
    """U-Net with the weights and the input normalisation of `encoder`, and a decoder from scratch.

    `forward` takes grey frames [batch, 1, height, width] in [0, 1] (sides divisible by 32) and gives logits of the same
    shape. `matched` is the number of encoder tensors that were copied, by name: all that the U-Net's encoder has.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        kind = SMP_ENCODERS[encoder.arch]
        # encoder_weights="imagenet" would ask a hub for weights, whatever the arm.
        self.net = smp.Unet(kind.name, encoder_weights=None, in_channels=3, classes=1)
        self.matched = load_by_name(
            self.net.encoder,
            {kind.prefix + name: tensor for name, tensor in encoder.backbone.state_dict().items()},
            source=f"the {encoder.arch} encoder",
            ignore=[kind.prefix + name for name in kind.unused],
        )
        self.register_buffer("mean", torch.clone(encoder.mean), persistent=False)
        self.register_buffer("std", torch.clone(encoder.std), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        return self.net((frames - self.mean) / self.std)
