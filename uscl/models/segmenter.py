"""Decoders of segmentation-models-pytorch on a pretrained encoder: U-Net and DeepLabV3+."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from uscl.base.errors import UserError
from uscl.models import freezing
from uscl.models.checkpoint import load_by_name
from uscl.models.encoders import Encoder

import segmentation_models_pytorch as smp  # isort: skip  (after uscl.models.encoders)


class SmpEncoder(NamedTuple):
    """How segmentation-models-pytorch names an encoder, and what of ours a decoder has no place for.

    `strided` is the convolution that it dilates by mistake, if there is one.
    """

    name: str
    prefix: str
    unused: tuple[str, ...]
    strided: str | None


# The last 1x1 convolution of EfficientNet serves classification alone; decoders start before it.
SMP_ENCODERS = {
    "resnet18": SmpEncoder("resnet18", "", (), "layer4.0.conv1"),
    "tf_efficientnet_lite0": SmpEncoder("tu-tf_efficientnet_lite0", "model.", ("conv_head.", "bn2."), None),
}

DECODERS = ("unet", "deeplabv3plus")


class Segmenter(nn.Module):
    """A decoder from scratch on an encoder with the weights and the input normalisation of `encoder`.

    `forward` takes grey frames [batch, 1, height, width] in [0, 1] (sides divisible by 32) and gives logits of the same
    shape. `matched` is the number of encoder tensors that were copied, by name: all that the decoder's encoder has.
    Raises UserError for a decoder that is not in `DECODERS`.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, encoder: Encoder, decoder: str = "unet") -> None:
        super().__init__()
        self.arch = encoder.arch
        kind = SMP_ENCODERS[encoder.arch]
        self.net = build_net(kind, decoder)
        self.matched = load_by_name(
            self.net.get_submodule("encoder"),
            {kind.prefix + name: tensor for name, tensor in encoder.backbone.state_dict().items()},
            source=f"the {encoder.arch} encoder",
            ignore=[kind.prefix + name for name in kind.unused],
        )
        self.register_buffer("mean", torch.clone(encoder.mean), persistent=False)
        self.register_buffer("std", torch.clone(encoder.std), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        return self.net((frames - self.mean) / self.std)

    def freeze_below_last_block(self) -> None:
        """Let only the encoder's last block and the decoder train."""
        freezing.freeze_below_last_block(self.net.get_submodule("encoder"), self.arch, SMP_ENCODERS[self.arch].prefix)


def build_net(kind: SmpEncoder, decoder: str) -> nn.Module:
    """A randomly initialised network for grey frames in three channels and one class.

    DeepLabV3+ (Chen et al., ECCV 2018, arXiv 1802.02611) has the published output stride 16 with atrous rates 6, 12 and
    18. In small frames most of these reach beyond the feature map (4 pixels wide at 64) and see their centre alone.
    """
    # encoder_weights="imagenet" would ask a hub for weights, whatever the arm.
    if decoder == "unet":
        return smp.Unet(kind.name, encoder_weights=None, in_channels=3, classes=1)
    if decoder == "deeplabv3plus":
        net = smp.DeepLabV3Plus(
            kind.name,
            encoder_weights=None,
            encoder_output_stride=16,
            decoder_atrous_rates=(6, 12, 18),
            in_channels=3,
            classes=1,
        )
        if kind.strided is not None:
            undilate(net.encoder.get_submodule(kind.strided))
        return net
    raise UserError(f"Unknown decoder '{decoder}': choose one of {', '.join(DECODERS)}.")


def undilate(convolution: nn.Module) -> None:
    """Give a 3x3 convolution that lost its stride its own spacing back.

    Only what follows a removed stride must be dilated to compute what its pretrained weights computed before.
    segmentation-models-pytorch dilates the whole stage (its issue 183).
    """
    convolution.dilation = convolution.padding = (1, 1)  # type: ignore[assignment]
