"""Published supervised ImageNet weights: the ImageNet arm.

They come from a package that is installed with the project, from torch's hub (checked by hash), or from a file that the
user names. `uscl.models.encoders` lists the source of each encoder.
"""

import pickle
import urllib.error
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from uscl.base.errors import UserError
from uscl.models.checkpoint import load_by_name
from uscl.models.encoder import Encoder
from uscl.models.encoders import ENCODERS, PackagedWeights, encoder_spec


def imagenet_encoder(arch: str, path: str | None = None) -> Encoder:
    """The encoder with its published ImageNet weights, strictly loaded by name.

    `path` names a local .pth or .safetensors file to use instead of the published source. Raises UserError if the
    weights can't be obtained or don't fit.
    """
    tensors, spec = imagenet_weights(arch, path), encoder_spec(arch)
    encoder = Encoder(arch, spec.image_statistics)
    source = path or f"the ImageNet weights of {arch}"
    load_by_name(encoder.backbone, tensors, source=source, ignore=[f"{spec.head}."])
    return encoder


def imagenet_weights(arch: str, path: str | None = None) -> Mapping[str, Tensor]:
    """Published weights with the class head, under torchvision's or timm's names."""
    weights = encoder_spec(arch).weights
    if path is not None:
        return read_weights(Path(path))
    return weights.read() if isinstance(weights, PackagedWeights) else weights_from_hub(arch, weights.url)


def read_weights(path: Path) -> Mapping[str, Tensor]:
    """A state dict from a .safetensors or .pth file; nothing in the file is executed."""
    if not path.is_file():
        raise UserError(f"The ImageNet weights file {path} doesn't exist: fix `imagenet_weights` in the config.")
    try:
        return (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
    except pickle.UnpicklingError as error:  # torch's own message advises loading the file anyway
        raise UserError(
            f"{path} can't be read as a weights file: it is damaged or holds more than weights (nothing in it was"
            " executed); save the state dict alone."
        ) from error
    except (OSError, EOFError, RuntimeError, ValueError, SafetensorError) as error:
        raise UserError(f"{path} can't be read as a weights file ({type(error).__name__}: {error}).") from error


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
