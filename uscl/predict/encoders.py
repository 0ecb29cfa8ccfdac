"""The encoders that a user names, and the size of the frames that they were trained on."""

import json
from collections.abc import Sequence
from pathlib import Path

from uscl.base.errors import UserError
from uscl.models.model_file import read_encoder_record
from uscl.predict.pictures import Listed

ENCODER_FILE = "encoder.safetensors"


def encoder_at(path: Path) -> Path:
    """The encoder file that a path means: itself, or the one in the folder. Raises UserError if it is none."""
    file = path / ENCODER_FILE if path.is_dir() else path
    if not file.is_file():
        raise UserError(f"There is no {file}: name an encoder, such as results/encoders/ARM/seed0/{ENCODER_FILE}.")
    read_encoder_record(file)
    return file


def size_of(encoder: Path, found: Sequence[Listed] = ()) -> int:
    """The size of the frames for an encoder: that of a frame store among the pictures, else the one it was trained on.

    Raises UserError if nothing tells.
    """
    for one in found:
        if one.store is not None:
            return int(one.store.frames.shape[1])
    try:
        record = json.loads(encoder.with_name("run.json").read_text(encoding="utf-8"))
        return int(record["config"]["frame_size"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UserError(
            f"Nothing next to {encoder} says which size of frames it was trained on: give --size, in pixels."
        ) from error
