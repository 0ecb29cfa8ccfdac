"""Decoders of segmentation-models-pytorch on a pretrained encoder: U-Net and DeepLabV3+."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import uscl.models.torchvision_cpu  # noqa: F401  (before segmentation-models-pytorch)
from uscl.base.errors import UserError
from uscl.models import freezing
from uscl.models.checkpoint import load_by_name
from uscl.models.encoder import Encoder, resized
from uscl.models.encoders import MapSegmentation, Segmentation, encoder_spec
from uscl.models.library_names import segmentation_fault
from uscl.models.map_segmenter import MapUnet

import segmentation_models_pytorch as smp  # isort: skip


DECODERS = ("unet", "deeplabv3plus")


class Segmenter(nn.Module):
    """A decoder from scratch on an encoder with the weights and the input normalisation of `encoder`.

    `forward` takes grey frames [batch, 1, height, width] in [0, 1] (sides divisible by 32) and returns logits [batch,
    outputs, height, width]: one output for one structure, else one for the background and one per structure. An encoder
    with an input size gets frames of that size, and the logits are resized back. `matched` is the number of encoder
    tensors that were copied by name: all tensors of the decoder's encoder. Raises UserError for a decoder that is not
    in `DECODERS`, and for an encoder that no decoder fits.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, encoder: Encoder, decoder: str = "unet", outputs: int = 1) -> None:
        super().__init__()
        self.arch, self.input_size = encoder.arch, encoder.input_size
        kind = self.kind = segmentation(encoder.arch, decoder)
        if isinstance(kind, Segmentation):
            self.net = build_net(kind, decoder, outputs)
        else:
            self.net = MapUnet(encoder, kind, outputs)
        self.matched = load_by_name(
            self.net.get_submodule("encoder"),
            {kind.prefix + name: tensor for name, tensor in encoder.backbone.state_dict().items()},
            source=f"the {encoder.arch} encoder",
            ignore=[kind.prefix + name for name in kind.unused],
        )
        self.register_buffer("mean", torch.clone(encoder.mean), persistent=False)
        self.register_buffer("std", torch.clone(encoder.std), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        logits = self.net((resized(frames, self.input_size) - self.mean) / self.std)
        if logits.shape[-2:] == frames.shape[-2:]:
            return logits
        return F.interpolate(logits, frames.shape[-2:], mode="bilinear", align_corners=False)

    def freeze_below_last_block(self) -> None:
        """Freeze everything except the encoder's last block and the decoder."""
        freezing.freeze_below_last_block(self.net.get_submodule("encoder"), self.arch, self.kind.prefix)


def segmentation(arch: str, decoder: str) -> Segmentation | MapSegmentation:
    """How a decoder gets an encoder's feature maps. Raises UserError for an encoder that the decoder doesn't fit."""
    known = segmentation_fault(arch, decoder) or encoder_spec(arch).segmentation
    if isinstance(known, str):
        raise UserError(f"Encoder {arch} can't segment: {known}")
    return known


def build_net(kind: Segmentation, decoder: str, outputs: int) -> nn.Module:
    """A randomly initialised network for grey frames in three channels.

    DeepLabV3+ (Chen et al., ECCV 2018, arXiv 1802.02611) has the published output stride 16 with atrous rates 6, 12 and
    18. In small frames most of these reach beyond the feature map (4 pixels wide at 64) and see only their centre.
    """
    # encoder_weights="imagenet" would download weights from a hub, whatever the arm.
    if decoder == "unet":
        return smp.Unet(kind.name, encoder_weights=None, in_channels=3, classes=outputs)
    if decoder == "deeplabv3plus":
        net = smp.DeepLabV3Plus(
            kind.name,
            encoder_weights=None,
            encoder_output_stride=16,
            decoder_atrous_rates=(6, 12, 18),
            in_channels=3,
            classes=outputs,
        )
        if kind.strided is not None:
            undilate(net.encoder.get_submodule(kind.strided))
        return net
    raise UserError(f"Unknown decoder '{decoder}': choose one of {', '.join(DECODERS)}.")


def undilate(convolution: nn.Module) -> None:
    """Restore the spacing of a 3x3 convolution that lost its stride.

    Only the layers after a removed stride must be dilated to compute what their pretrained weights computed before.
    segmentation-models-pytorch dilates the whole stage (its issue 183).
    """
    convolution.dilation = convolution.padding = (1, 1)  # type: ignore[assignment]
