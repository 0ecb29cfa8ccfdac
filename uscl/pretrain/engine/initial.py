"""The encoder that a pretraining starts from."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uscl.base.errors import UserError
from uscl.base.seeds import torch_stream
from uscl.models.encoders import ULTRASOUND, InputStats
from uscl.pretrain.method import Started

if TYPE_CHECKING:
    from uscl.models.encoder import Encoder

log = logging.getLogger(__name__)

INITS = ("random", "imagenet")  # what `init` may name besides a file


def initial_encoder(
    arch: str,
    init: str,
    seed: int,
    file: str | Path | None = None,
    *,
    stats: InputStats | None = None,
    input_size: int | None = None,
) -> Started:
    """An encoder with the weights that `init` names: `random`, `imagenet`, or those of `file` for any other word.

    With `imagenet`, `file` may name local weights to use instead of the published ones. `stats` replaces the input
    statistics that come with the weights; for `input_size` see `Encoder`. Raises UserError if a file can't be read or
    doesn't fit the architecture.
    """
    # Late: the feasibility check reads this module and imports torch only for a file.
    from uscl.models.encoder import Encoder
    from uscl.models.imagenet import imagenet_encoder

    if init == "random":
        with torch_stream(seed, "init"):
            return Started(Encoder(arch, stats or ULTRASOUND, input_size))
    if init == "imagenet":
        return Started(imagenet_encoder(arch, str(file) if file else None, stats, input_size))
    if file is None:
        raise UserError(f"`init: {init}` names no file: give random, imagenet or the path of a file with weights.")
    return encoder_of_file(arch, Path(file), seed, stats, input_size)


def input_of(own: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords of `initial_encoder` for an arm's own `input_size`, `mean` and `std`, as far as it has them."""
    stats = InputStats(tuple(own["mean"]), tuple(own["std"])) if "mean" in own else None
    return {"stats": stats, "input_size": own.get("input_size")}


def encoder_of_file(
    arch: str, file: Path, seed: int, stats: InputStats | None = None, input_size: int | None = None
) -> Started:
    """An encoder with the weights of a file: one of this project, or one of another program (see `file_encoder`).

    Only files of this project hold input statistics and an input size; with other weights, the encoder takes those of
    ultrasound, unless `stats` are given. Raises UserError if the file can't be read or is of another architecture.
    """
    from uscl.models.checkpoint import is_encoder_file
    from uscl.models.file_encoder import Layout, encoder_of_layout

    if is_encoder_file(file):
        return Started(own_encoder(arch, file, stats, input_size))
    encoder, matched = encoder_of_layout(arch, file, Layout(of_init=True), seed, stats or ULTRASOUND, input_size)
    if stats is None:
        mean, std = ULTRASOUND.mean[0], ULTRASOUND.std[0]
        log.info(
            "%s holds no input statistics: the encoder takes those of ultrasound (mean %g, std %g).", file, mean, std
        )
    return Started(encoder, f"starts from {file.name}: {matched}")


def own_encoder(arch: str, file: Path, stats: InputStats | None = None, input_size: int | None = None) -> Encoder:
    """The encoder of a file of this project. Raises UserError if it can't be read or is of another architecture."""
    from uscl.models.checkpoint import load_by_name, read_encoder_file
    from uscl.models.encoder import Encoder
    from uscl.models.published_layout import fitted

    tensors, record = read_encoder_file(file)
    if record["arch"] != arch:
        raise UserError(f"`init: {file}` holds a {record['arch']}, but the arm's `encoder` is {arch}.")
    own = InputStats(tuple(record["mean"]), tuple(record["std"]))
    encoder = Encoder(arch, stats or own, input_size or record.get("input_size"))
    load_by_name(encoder.backbone, fitted(tensors, encoder.backbone, None, str(file)), source=str(file))
    return encoder
