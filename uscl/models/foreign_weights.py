"""Weight files that this project did not write: what they hold, and whether it is an encoder's weights.

`uscl.models.layouts` finds the state dict in a checkpoint. Nothing in a file is executed.
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
from uscl.models.layouts import entry_of, without_prefix
from uscl.models.published_layout import fitted

log = logging.getLogger(__name__)

COUNTER = ".num_batches_tracked"  # of BatchNorm; without effect at a fixed momentum
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)

# What the libraries raise for a file that can't be opened or has damaged bytes.
DAMAGED = (
    *(OSError, EOFError, RuntimeError, ValueError, LookupError, TypeError, AttributeError, AssertionError),
    *(OverflowError, struct.error, SafetensorError),
)


def weights_in(
    content: Any, own: Mapping[str, Tensor], source: str, *, key: str | None = None, prefix: str | None = None
) -> Mapping[str, Tensor]:
    """The tensors in a file's content, under the names of an encoder's `own`; for `key`, `prefix` see layouts.

    Raises UserError if there is no state dict or more than one, or if an encoder's weight can't be copied as it is
    (quantized, sparse, integer or complex).
    """
    tensors = without_prefix(entry_of(content, key, source), own, prefix, source)
    there = sorted(own.keys() & tensors.keys())
    if odd := [name for name in there if not is_plain(tensors[name], name.endswith(COUNTER))]:
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


def load_published(encoder: Encoder, content: Any, *, source: str) -> None:
    """Copy published weights into an encoder, all of them, without the class head; `content` is that of their file.

    Weights of another input size or number of channels are fitted (`uscl.models.published_layout`). BatchNorm counters
    may be missing, as in torchvision's published ResNet-18; they keep their values in `encoder`. Raises UserError with
    the names of all other tensors that are missing, left over or of another shape.
    """
    spec, own = encoder_spec(encoder.arch), encoder.backbone.state_dict()
    tensors, head = weights_in(content, own, source), f"{spec.head}."
    if dropped := [name for name in tensors if name.startswith(head)]:
        log.info("The class head in %s is dropped (%s).", source, shortened(dropped))
    counters = {name: own[name] for name in own if name.endswith(COUNTER) and name not in tensors}
    if counters:
        log.info("BatchNorm counters that are missing in %s start at 0 (%s).", source, shortened(counters))
    fitting = fitted(tensors, encoder.backbone, spec.stem, source)
    load_by_name(encoder.backbone, {**fitting, **counters}, source=source, ignore=[head])
