"""Weight files that this project did not write: state dicts under the names of torchvision or timm.

A training checkpoint around the state dict, the prefix of DataParallel, a class head and missing BatchNorm counters are
accepted; each is logged. Every other difference from the encoder is refused. Nothing in a file is executed.
"""

import argparse
import logging
import pickle
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from uscl.base.errors import UserError
from uscl.models.checkpoint import load_by_name, shortened
from uscl.models.encoder import Encoder
from uscl.models.encoders import encoder_spec
from uscl.models.published_layout import fitted

log = logging.getLogger(__name__)

WRAPPERS = ("state_dict", "model")  # under which a training checkpoint holds its state dict
PARALLEL = "module."  # before every name if DataParallel was saved
COUNTER = ".num_batches_tracked"  # of BatchNorm; without effect at a fixed momentum
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)

# What the libraries raise for a file that can't be opened or has damaged bytes.
DAMAGED = (
    *(OSError, EOFError, RuntimeError, ValueError, LookupError, TypeError, AttributeError, AssertionError),
    *(OverflowError, struct.error, SafetensorError),
)


def read_weights(path: Path) -> Mapping[str, Tensor]:
    """The state dict in a .safetensors, .pth or .pt file, without what is around it.

    Raises UserError if the file is missing or damaged, holds other objects than weights, holds no state dict or two, or
    holds weights that can't be copied as they are (quantized, sparse, integer or complex).
    """
    source = str(path)
    tensors = without_prefix(without_wrapper(file_content(path), source), source)
    if others := [str(name) for name, tensor in tensors.items() if not isinstance(tensor, Tensor)]:
        raise UserError(
            f"{source} is no state dict: {len(others)} of its {len(tensors)} entries hold no tensor"
            f" ({shortened(others)}); save the state dict alone."
        )
    if odd := [name for name, tensor in tensors.items() if not is_plain(tensor, name.endswith(COUNTER))]:
        raise UserError(
            f"{source} holds {len(odd)} of its {len(tensors)} tensors in a form other than plain floating-point numbers"
            f" ({shortened(odd)}): save the state dict of the network in float32."
        )
    return tensors


def is_plain(tensor: Tensor, counts: bool) -> bool:
    """Whether a tensor holds every element as a number: a floating-point number, or an integer if it `counts`."""
    stored = tensor.layout is torch.strided and not tensor.is_nested and not tensor.is_meta
    return stored and (tensor.dtype in FLOATS or (counts and tensor.dtype == torch.int64))


def file_content(path: Path) -> Any:
    """What a file holds. Raises UserError if it can't be read."""
    if not path.is_file():
        raise UserError(f"The weights file {path} doesn't exist: correct `imagenet_weights` or `init` in the config.")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        # Many checkpoints hold their program's arguments, which are plain data.
        with torch.serialization.safe_globals([argparse.Namespace]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:  # torch's own message advises loading the file anyway
        raise UserError(
            f"{path} can't be read as a weights file: it is damaged or holds more than weights (nothing in it was"
            " executed); save the state dict alone."
        ) from error
    except DAMAGED as error:
        raise UserError(f"{path} can't be read as a weights file ({type(error).__name__}: {error}).") from error


def without_wrapper(content: Any, source: str) -> Mapping[str, Any]:
    """The state dict in a training checkpoint; other content as it is.

    Raises UserError if there are two, or if what is found has no entries by name.
    """
    found = [name for name in WRAPPERS if isinstance(content, Mapping) and isinstance(content.get(name), Mapping)]
    if len(found) > 1:
        raise UserError(f"{source} holds both `state_dict` and `model`: save the one that is meant, alone.")
    for name in found:
        others = f"; not used: {shortened(map(str, content.keys() - {name}))}" if len(content) > 1 else ""
        log.info("The weights in %s are its entry `%s`%s.", source, name, others)
        content = content[name]
    if not isinstance(content, Mapping) or not all(isinstance(name, str) for name in content):
        raise UserError(f"{source} holds no tensors by name: save the state dict alone.")
    return content


def without_prefix(tensors: Mapping[str, Any], source: str) -> Mapping[str, Any]:
    """The tensors without the prefix of DataParallel, if every name has it."""
    if not tensors or not all(name.startswith(PARALLEL) for name in tensors):
        return tensors
    log.info("Every name in %s starts with `%s` (saved from DataParallel): the prefix is removed.", source, PARALLEL)
    return {name.removeprefix(PARALLEL): tensor for name, tensor in tensors.items()}


def load_published(encoder: Encoder, tensors: Mapping[str, Tensor], *, source: str) -> None:
    """Copy weights under published names into an encoder, without the class head.

    Weights of another input size or number of channels are fitted (`uscl.models.published_layout`). BatchNorm counters
    may be missing, as in torchvision's published ResNet-18; they keep their values in `encoder`. Raises UserError with
    the names of all other tensors that are missing, left over or of another shape.
    """
    spec = encoder_spec(encoder.arch)
    head = f"{spec.head}."
    if dropped := [name for name in tensors if name.startswith(head)]:
        log.info("The class head in %s is dropped (%s).", source, shortened(dropped))
    own = encoder.backbone.state_dict()
    counters = {name: own[name] for name in own if name.endswith(COUNTER) and name not in tensors}
    if counters:
        log.info("BatchNorm counters that are missing in %s start at 0 (%s).", source, shortened(counters))
    fitting = fitted(tensors, encoder.backbone, spec.stem, source)
    load_by_name(encoder.backbone, {**fitting, **counters}, source=source, ignore=[head])
