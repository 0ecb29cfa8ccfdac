"""The encoder that a pretraining starts from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from uscl.base.errors import UserError
from uscl.base.seeds import torch_stream

if TYPE_CHECKING:
    from uscl.models.encoder import Encoder

INITS = ("random", "imagenet")  # what `init` may name besides a file


def initial_encoder(arch: str, init: str, seed: int, file: str | Path | None = None) -> Encoder:
    """An encoder with the weights that `init` names: `random`, `imagenet`, or those of `file` for any other word.

    With `imagenet`, `file` may name local weights to use instead of the published ones. Raises UserError if an encoder
    file can't be read or is of another architecture.
    """
    # Late: the feasibility check reads this module and imports torch only for a file.
    from uscl.models.checkpoint import load_encoder
    from uscl.models.encoder import Encoder
    from uscl.models.imagenet import imagenet_encoder

    if init == "random":
        with torch_stream(seed, "init"):
            return Encoder(arch)
    if init == "imagenet":
        return imagenet_encoder(arch, str(file) if file else None)
    if file is None:
        raise UserError(f"`init: {init}` names no file: give random, imagenet or the path of an encoder.safetensors.")
    encoder = load_encoder(file)
    if encoder.arch != arch:
        raise UserError(f"`init: {file}` holds a {encoder.arch}, but the study's `encoder` is {arch}.")
    return encoder
