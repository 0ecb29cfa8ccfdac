"""Model files: safetensors with everything that one fold's model needs to predict, and a record of where it comes from.

Imports no torch: probes are fitted without it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors
from safetensors.numpy import save

from uscl.base.errors import UserError
from uscl.base.files import written
from uscl.models.model_folder import FOLDER

# One metadata entry only: safetensors writes several in random order, and equal models must be equal bytes.
METADATA_KEY = "uscl_model"
ENCODER_KEY = "uscl"  # of an encoder file (`uscl.models.checkpoint`)
CLASSIFIER, LINEAR, KNN, SEGMENTER = "classifier", "linear", "knn", "segmenter"
PROBES = (LINEAR, KNN)  # their files refer to the file of their encoder


class FittedModel(NamedTuple):
    """A model as a fold's training leaves it.

    `form` is one of those above, `classes` are in the order of the outputs (none for a segmenter), `tensors` are its
    weights by name, and `facts` is what else building it takes: of a trained encoder its description, of a segmenter
    also the decoder and, if there are several, the structures with their labels.
    """

    form: str
    classes: list[str]
    tensors: Mapping[str, np.ndarray]
    facts: Mapping[str, Any]


def save_model(path: Path, tensors: Mapping[str, np.ndarray], record: Mapping[str, Any]) -> None:
    """Write a model file, whole or not at all."""
    contiguous = {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}
    with written(path) as temporary:
        temporary.write_bytes(save(contiguous, {METADATA_KEY: json.dumps(record, sort_keys=True)}))


def metadata_of(path: Path) -> dict[str, str]:
    """The metadata of a safetensors file. Raises UserError if the file is missing or isn't one."""
    try:
        with safetensors.safe_open(path, framework="np") as file:
            return dict(file.metadata() or {})
    except (OSError, safetensors.SafetensorError) as error:
        raise UserError(f"{path} can't be read as a model file ({error}).") from error


def read_record(path: Path) -> dict[str, Any]:
    """The record of a model file. Raises UserError if the file is missing, or isn't a model that predicts."""
    metadata = metadata_of(path)
    if METADATA_KEY not in metadata:
        what = "an encoder, which predicts nothing" if ENCODER_KEY in metadata else "not a model of this project"
        raise UserError(f"{path} is {what}: name a file in the folder `{FOLDER}` of a cell, or the cell's folder.")
    return dict(json.loads(metadata[METADATA_KEY]))


def read_encoder_record(path: Path) -> dict[str, Any]:
    """The metadata of an encoder file. Raises UserError if the file is missing, or isn't an encoder."""
    metadata = metadata_of(path)
    if ENCODER_KEY not in metadata:
        raise UserError(f"{path} has no '{ENCODER_KEY}' metadata: it isn't an encoder written by this project.")
    return dict(json.loads(metadata[ENCODER_KEY]))
