"""Encoder files: safetensors with the backbone under its published names, loaded strictly, by name."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from safetensors.torch import save
from torch import Tensor, nn

from uscl.base.errors import UserError
from uscl.base.files import written
from uscl.models.encoder import Encoder
from uscl.models.encoders import InputStats
from uscl.models.model_file import ENCODER_KEY

# One metadata entry only: safetensors writes several in random order, and equal encoders must be equal bytes.
METADATA_KEY = ENCODER_KEY


def save_encoder(encoder: Encoder, path: Path, **metadata: str) -> None:
    """Write the backbone's weights with architecture, input statistics and `metadata`; whole or not at all."""
    record = {**described(encoder), **metadata}
    tensors = {name: tensor.contiguous() for name, tensor in encoder.backbone.state_dict().items()}
    with written(path) as temporary:
        temporary.write_bytes(save(tensors, {METADATA_KEY: json.dumps(record, sort_keys=True)}))


def described(encoder: Encoder) -> dict[str, Any]:
    """What `built` needs to build an encoder again, for its weights."""
    record = {"arch": encoder.arch, "mean": list(encoder.stats.mean), "std": list(encoder.stats.std)}
    return record if encoder.input_size is None else {**record, "input_size": encoder.input_size}


def built(record: Mapping[str, Any]) -> Encoder:
    """An encoder that was `described` in a record, without its weights."""
    stats = InputStats(tuple(record["mean"]), tuple(record["std"]))
    return Encoder(record["arch"], stats, record.get("input_size"))


def arrays(module: nn.Module) -> dict[str, np.ndarray]:
    """A module's weights by name."""
    return {name: tensor.detach().cpu().numpy() for name, tensor in module.state_dict().items()}


def save_heads(heads: Mapping[str, Tensor], path: Path) -> None:
    """Write the modules that were trained with the encoder; whole or not at all."""
    with written(path) as temporary:
        temporary.write_bytes(save(dict(heads)))


def is_encoder_file(path: Path) -> bool:
    """Whether `save_encoder` wrote a file; False also if it can't be read."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return METADATA_KEY in (file.metadata() or {})
    except (OSError, safetensors.SafetensorError):
        return False


def read_encoder_file(path: Path) -> tuple[dict[str, Tensor], dict]:
    """The tensors by name and the metadata of an encoder file.

    Raises UserError if the file is missing, is not safetensors, or was not written by `save_encoder`.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            record = (file.metadata() or {}).get(METADATA_KEY)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a dict)
    except (OSError, safetensors.SafetensorError) as error:
        raise UserError(f"{path} can't be read as an encoder file ({error}).") from error
    if record is None:
        raise UserError(f"{path} has no '{METADATA_KEY}' metadata: it isn't an encoder written by this project.")
    return tensors, json.loads(record)


def load_encoder(path: str | Path) -> Encoder:
    """The encoder of a file written by `save_encoder`: every key must match, none may be left over."""
    tensors, record = read_encoder_file(Path(path))
    encoder = built(record)
    load_by_name(encoder.backbone, tensors, source=str(path))
    return encoder


def load_by_name(module: nn.Module, tensors: Mapping[str, Tensor], *, source: str, ignore: Iterable[str] = ()) -> int:
    """Copy `tensors` into `module` by name and return how many were copied.

    Every entry of the module must be matched in name and shape, and every tensor must be used, except those whose name
    starts with a prefix in `ignore`; every number must be finite. Otherwise nothing is copied, and a UserError lists
    what did not match or is not finite.
    """
    own = module.state_dict()
    offered = {name: tensor for name, tensor in tensors.items() if not name.startswith(tuple(ignore))}
    faults = {
        "missing": own.keys() - offered.keys(),
        "left over": offered.keys() - own.keys(),
        "of another shape": {n for n in own.keys() & offered.keys() if own[n].shape != offered[n].shape},
    }
    if any(faults.values()):
        listed = "; ".join(f"{len(names)} {what}: {shortened(names)}" for what, names in faults.items() if names)
        raise UserError(f"The weights in {source} don't fit {type(module).__name__} ({listed}).")
    if bad := not_finite(offered):
        raise UserError(
            f"The weights in {source} hold numbers that are NaN or infinite, in {len(bad)} of {len(offered)} tensors"
            f" ({shortened(bad)}): use the file of a training that succeeded."
        )
    module.load_state_dict(offered)
    return len(offered)


def not_finite(tensors: Mapping[str, Tensor]) -> list[str]:
    """The names of the tensors that hold NaN or an infinite number."""
    return [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]


def shortened(names: Iterable[str], limit: int = 6) -> str:
    """The first names in order, and the number of the others."""
    ordered = sorted(names)
    return ", ".join(ordered[:limit]) + (f" and {len(ordered) - limit} more" if len(ordered) > limit else "")
