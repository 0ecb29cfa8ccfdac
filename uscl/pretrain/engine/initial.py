"""The encoder that a pretraining starts from."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from uscl.base.errors import UserError
from uscl.base.seeds import torch_stream

if TYPE_CHECKING:
    from uscl.models.encoder import Encoder

log = logging.getLogger(__name__)

INITS = ("random", "imagenet")  # what `init` may name besides a file


def initial_encoder(arch: str, init: str, seed: int, file: str | Path | None = None) -> Encoder:
    """An encoder with the weights that `init` names: `random`, `imagenet`, or those of `file` for any other word.

    With `imagenet`, `file` may name local weights to use instead of the published ones. Raises UserError if a file
    can't be read or doesn't fit the architecture.
    """
    # Late: the feasibility check reads this module and imports torch only for a file.
    from uscl.models.encoder import Encoder
    from uscl.models.imagenet import imagenet_encoder

    if init == "random":
        with torch_stream(seed, "init"):
            return Encoder(arch)
    if init == "imagenet":
        return imagenet_encoder(arch, str(file) if file else None)
    if file is None:
        raise UserError(f"`init: {init}` names no file: give random, imagenet or the path of a file with weights.")
    return encoder_of_file(arch, Path(file))


def encoder_of_file(arch: str, file: Path) -> Encoder:
    """The encoder of a file of this project, or one with the weights of another file under published names.

    Only files of this project hold input statistics; with other weights, the encoder takes those of ultrasound. Raises
    UserError if the file can't be read or is of another architecture.
    """
    from uscl.models.checkpoint import is_encoder_file, load_encoder
    from uscl.models.encoder import Encoder
    from uscl.models.foreign_weights import load_published, read_weights

    if is_encoder_file(file):
        encoder = load_encoder(file)
        if encoder.arch != arch:
            raise UserError(f"`init: {file}` holds a {encoder.arch}, but the study's `encoder` is {arch}.")
        return encoder
    encoder = Encoder(arch)
    load_published(encoder, read_weights(file), source=str(file))
    mean, std = encoder.stats.mean[0], encoder.stats.std[0]
    log.info("%s holds no input statistics: the encoder takes those of ultrasound (mean %g, std %g).", file, mean, std)
    return encoder
