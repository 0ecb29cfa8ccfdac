"""The models that a user names: a file, the folder of a cell, or a run in MLflow; several folds give their mean."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from uscl.base.errors import UserError
from uscl.jobs.recorded import checked
from uscl.models.model_folder import FOLDER
from uscl.models.predictors import Predictor, load_predictor

SAME = ("form", "classes", "size", "precision")  # what the folds of one cell share
IN_MLFLOW = ("runs:/", "models:/")


class Ensemble:
    """The mean of the outputs of models with the same outputs, such as those of all folds of a cell.

    Takes grey frames [batch, 1, size, size] in [0, 1].
    """

    def __init__(self, predictors: Sequence[Predictor]) -> None:
        self.predictors = predictors
        self.record: Mapping[str, Any] = predictors[0].record
        for one in predictors[1:]:
            if other := [key for key in SAME if one.record[key] != self.record[key]]:
                raise UserError(f"The models differ in {' and '.join(other)}: name the models of one cell.")

    @property
    def segments(self) -> bool:
        """Whether it predicts masks instead of classes."""
        return self.predictors[0].segments

    def __call__(self, frames: Tensor) -> Tensor:
        outputs = self.each(frames)
        return outputs[0] if len(outputs) == 1 else torch.stack(outputs).mean(0)

    def each(self, frames: Tensor) -> list[Tensor]:
        """The output of every model."""
        of_encoder: dict[int, Tensor] = {}  # the folds of a probe share their encoder
        outputs = []
        for net, _ in self.predictors:
            first, *rest = net.children()
            if id(first) not in of_encoder:
                of_encoder[id(first)] = first(frames)
            output = of_encoder[id(first)]
            for layer in rest:
                output = layer(output)
            outputs.append(output)
        return outputs


def model_files(name: str) -> list[Path]:
    """The model files that a name means, by fold. Raises UserError if there is none."""
    if name.startswith(IN_MLFLOW):
        from uscl.tracking.find_models import files_of  # late: MLflow takes seconds to import

        return files_of(name)
    path = Path(name)
    if path.is_file():
        return [path]
    if not path.exists():
        raise UserError(f"There is no {path}: name a cell, such as results/cells/TASK/REGIME/labels100/ARM/seed0.")
    folders = [path] if path.name == FOLDER else sorted(path.rglob(FOLDER))
    found = {folder: sorted(folder.glob("fold*.safetensors"), key=number_of) for folder in folders}
    kept = {folder: files for folder, files in found.items() if files}
    if not kept:
        raise UserError(
            f"{path} holds no model: name a cell whose models are kept (by `keep_models: first`, the default, those of"
            " the first seed; by `all` those of every seed)."
        )
    if len(kept) > 1:
        cells = ", ".join(str(folder.parent) for folder in list(kept)[:3])
        raise UserError(f"{path} holds the models of {len(kept)} cells: name one of them, such as {cells}.")
    return next(iter(kept.values()))


def number_of(path: Path) -> int:
    """The fold of a model file, by its name."""
    digits = path.stem.removeprefix("fold")
    return int(digits) if digits.isdigit() else -1


def load_models(name: str) -> Ensemble:
    """The models that a name means. Raises UserError if they can't be used, or have changed since they were written."""
    return Ensemble([load_predictor(checked(file)) for file in model_files(name)])
