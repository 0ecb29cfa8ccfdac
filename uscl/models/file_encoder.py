"""An encoder with the weights of a file that another program wrote."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from uscl.base.errors import UserError
from uscl.base.seeds import torch_stream
from uscl.models.checkpoint import not_finite, shortened
from uscl.models.encoder import Encoder
from uscl.models.encoders import InputStats, encoder_spec
from uscl.models.foreign_weights import COUNTER, file_content, weights_in
from uscl.models.layouts import LEAST, Fit, fit
from uscl.models.published_layout import fitted

log = logging.getLogger(__name__)


class Layout(NamedTuple):
    """What a user says about a file: the entry of its weights and the prefix of their names.

    With `partial`, weights that the file lacks stay random. `of_init` marks the file that a pretraining starts from,
    which is all that its settings say.
    """

    key: str | None = None
    prefix: str | None = None
    partial: bool = False
    of_init: bool = False


def encoder_of_layout(
    arch: str, path: Path, layout: Layout, seed: int, stats: InputStats | None, input_size: int | None = None
) -> tuple[Encoder, str]:
    """The encoder, and in words which of its tensors the file has.

    Raises UserError without input statistics, and if the file can't be read or has fewer than 95 % of the encoder's
    tensors. Position embeddings of another size are resampled (`uscl.models.published_layout`).
    """
    if stats is None:
        raise UserError(
            f"{path} holds no input statistics: give `mean` and `std`, as its encoder was trained with (those of"
            " ImageNet are [0.485, 0.456, 0.406] and [0.229, 0.224, 0.225])."
        )
    with torch_stream(seed, "init"):
        encoder = Encoder(arch, stats, input_size)
    own = {name: value for name, value in encoder.backbone.state_dict().items() if not name.endswith(COUNTER)}
    offered = weights_in(file_content(path), own, str(path), key=layout.key, prefix=layout.prefix)
    tensors = fitted(offered, encoder.backbone, encoder_spec(arch).stem, str(path))
    found = fit({name: tensor for name, tensor in tensors.items() if not name.endswith(COUNTER)}, own)
    words = checked(found, arch, path, layout)
    copy(encoder, {name: tensors[name] for name in found.fitting}, path)
    return encoder, words


def checked(found: Fit, arch: str, path: Path, layout: Layout) -> str:
    """In words which tensors the file has. Raises UserError if these are too few."""
    words = found.words(arch)
    head = f"{encoder_spec(arch).head}."
    if besides := [name for name in found.left_over if not name.startswith(head)]:
        log.info("%s has tensors that %s doesn't have: %s.", path, arch, shortened(besides))
    if not found.fitting or (found.share < LEAST and not layout.partial):
        what = f"{words}; it has besides: {shortened(besides)}" if besides else words
        raise UserError(f"{path} doesn't fit: {what}: {hope(found, layout)}.")
    log.info("%s: %s.", path, words)
    return words


def hope(found: Fit, layout: Layout) -> str:
    """What to do about a file that doesn't fit."""
    if layout.of_init:
        return "correct `encoder` or `init`"
    rest = ", or set `partial: true` to leave the others random" if found.fitting else ""
    return f"correct `encoder`, `prefix` or `key`{rest}"


def copy(encoder: Encoder, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Copy the tensors that fit. Raises UserError for numbers that can't be weights."""
    if bad := not_finite(tensors):
        raise UserError(
            f"The weights in {path} hold numbers that are NaN or infinite, in {len(bad)} of {len(tensors)} tensors"
            f" ({shortened(bad)}): use the file of a training that succeeded."
        )
    with torch.no_grad():
        own = encoder.backbone.state_dict()
        for name, tensor in tensors.items():
            own[name].copy_(tensor)
