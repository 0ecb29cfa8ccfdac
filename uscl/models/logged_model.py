"""The data of a model logged to MLflow: the model file, or a reference to it. Imports neither torch nor MLflow."""

import json
from pathlib import Path

from uscl.base.errors import UserError
from uscl.base.files import file_sha256

LOADER = "uscl.predict.pyfunc"  # the module by which MLflow loads it
DATA = "data/model"  # the folder of the data in the logged model, as MLflow lays it out
MODEL_FILE, REFERENCE = "model.safetensors", "model.json"  # in this folder: one of the two
ENCODER_FILE = "encoder.safetensors"  # next to a probe's file that was copied


def file_in(data: Path) -> Path:
    """The model file in the data of a logged model, or the one they refer to. Raises UserError if that has changed."""
    if (data / MODEL_FILE).is_file():
        return data / MODEL_FILE
    given = json.loads((data / REFERENCE).read_text(encoding="utf-8"))
    file = Path(given["file"])
    if not file.is_file():
        raise UserError(f"The model {file} is missing: the results folder was moved or removed; sync the store again.")
    if file_sha256(file) != given["sha256"]:
        raise UserError(f"The model {file} is not the one that was logged: use the run that replaced it.")
    return file
