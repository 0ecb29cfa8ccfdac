"""The encoder that a pretraining starts from."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from uscl.base.errors import UserError

if TYPE_CHECKING:
    from uscl.models.encoder import Encoder


def initial_encoder(arch: str, init: str, seed: int, file: str | Path | None = None) -> Encoder:
    """An encoder with the weights that `init` names: `random`, `imagenet`, or those of `file` for any other word.

    With `imagenet`, `file` may name local weights to use instead of the published ones. Raises UserError if an encoder
    file can't be read or is of another architecture.
    """
    if init in ("random", "imagenet"):
        # By name, and not from the registry: only this module is part of the code that the training rests on.
        encoder: Encoder = import_module(f"uscl.pretrain.methods.{init}").untrained_encoder(arch, seed, file)
        return encoder
    if file is None:
        raise UserError(f"`init: {init}` names no file: give random, imagenet or the path of an encoder.safetensors.")
    from uscl.models.checkpoint import load_encoder  # late: the feasibility check imports torch for such a file alone

    encoder = load_encoder(file)
    if encoder.arch != arch:
        raise UserError(f"`init: {file}` holds a {encoder.arch}, but the study's `encoder` is {arch}.")
    return encoder
