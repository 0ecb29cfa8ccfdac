"""Published supervised ImageNet weights: the ImageNet arm.

They come from a package that is installed with the project, from torch's hub (checked by hash), from Hugging Face's hub
(timm's), or from a file that the user names. `uscl.models.encoders` lists the source of each encoder.
"""

import urllib.error
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import HfHubHTTPError
from safetensors.torch import load_file
from torch import Tensor

from uscl.base.errors import UserError
from uscl.models.encoder import Encoder
from uscl.models.encoders import ENCODERS, HuggingFaceWeights, InputStats, PackagedWeights, encoder_spec
from uscl.models.foreign_weights import file_content, load_published

TIMM_FILE = "model.safetensors"


def imagenet_encoder(
    arch: str, path: str | None = None, stats: InputStats | None = None, input_size: int | None = None
) -> Encoder:
    """The encoder with its published ImageNet weights, strictly loaded by name.

    `path` names a local .pth, .pt or .safetensors file to use instead of the published source. The input statistics are
    those of the weights' training, unless `stats` replaces them; for `input_size` see `Encoder`. Raises UserError if
    the weights can't be obtained or don't fit.
    """
    encoder = Encoder(arch, stats or encoder_spec(arch).image_statistics, input_size)
    load_published(encoder, imagenet_weights(arch, path), source=path or f"the ImageNet weights of {arch}")
    return encoder


def imagenet_weights(arch: str, path: str | None = None) -> Any:
    """Published weights with the class head, under torchvision's or timm's names; of a file, all that it holds."""
    weights = encoder_spec(arch).weights
    if path is not None:
        return file_content(Path(path))
    if isinstance(weights, HuggingFaceWeights):
        return weights_from_hugging_face(arch, weights)
    return weights.read() if isinstance(weights, PackagedWeights) else weights_from_hub(arch, weights.url)


def weights_from_hugging_face(arch: str, weights: HuggingFaceWeights) -> Mapping[str, Tensor]:
    """timm's weights from the local cache of Hugging Face's hub, or downloaded."""
    if not weights.classes:
        raise UserError(
            f"The published weights of {arch} ('{weights.tag}') come from training without labels, not from supervised"
            " training on ImageNet: take them as a file (`init: PATH`), or another encoder."
        )
    try:
        return load_file(hf_hub_download(weights.repository, TIMM_FILE))
    except (OSError, ValueError, HfHubHTTPError) as error:
        raise UserError(
            f"The ImageNet weights of {arch} can't be downloaded from https://huggingface.co/{weights.repository}"
            f" ({type(error).__name__}): get its {TIMM_FILE} by hand and name it in the config as `imagenet_weights:"
            f" {{{arch}: PATH}}`."
        ) from error


def weights_from_hub(arch: str, url: str) -> Mapping[str, Tensor]:
    """Weights from torch's cache, or downloaded and checked by the hash in their name."""
    try:
        return torch.hub.load_state_dict_from_url(
            url, map_location="cpu", check_hash=True, progress=False, weights_only=True
        )
    except (urllib.error.URLError, OSError, RuntimeError) as error:
        installed = [name for name, spec in ENCODERS.items() if isinstance(spec.weights, PackagedWeights)]
        raise UserError(
            f"The ImageNet weights of {arch} can't be downloaded from {url} ({error}): get that file by hand and name"
            f" it in the config as `imagenet_weights: {{{arch}: PATH}}`, or take encoder {' or '.join(installed)},"
            " whose weights are installed with the project."
        ) from error
