"""A kept model as MLflow loads it: `mlflow.pyfunc.load_model(...).predict(images)`.

`images` is an array of grey pictures, uint8 [n, height, width], of any size. A classifier or a probe returns a table
with the column `p_<class>` for each class, a segmenter the masks, uint8 [n, height, width], 1 where lesion is; with
several structures, the label of each pixel in the study's masks.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from uscl.base.errors import UserError
from uscl.data.decode.image import fit_image
from uscl.evaluate.features import BATCH
from uscl.models.logged_model import file_in
from uscl.models.predictors import Predictor, load_predictor
from uscl.predict.masks import full_labels
from uscl.training.augment import as_float


class ImagePredictor:
    """The model of a fold as a function of images."""

    def __init__(self, predictor: Predictor) -> None:
        self.net, self.record = predictor
        self.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._segments = predictor.segments

    def predict(self, images: np.ndarray, params: dict[str, Any] | None = None) -> pd.DataFrame | np.ndarray:
        """Probabilities or masks of images. Raises UserError unless they are uint8 [n, height, width]."""
        images = np.asarray(images)
        if images.dtype != np.uint8 or images.ndim != 3:
            raise UserError(f"The model takes grey images uint8 [n, height, width], not {images.dtype} {images.shape}.")
        frames = torch.from_numpy(np.stack([fit_image(image, self.record["size"]) for image in images]))
        with torch.inference_mode():
            outputs = torch.cat([self.net(as_float(batch)) for batch in frames.split(BATCH)]).double().numpy()
        if self._segments:
            named, (height, width) = self.record.get("structures", {}), images.shape[1:]
            return np.stack([full_labels(output, height, width, named) for output in outputs])
        return pd.DataFrame(outputs, columns=[f"p_{name}" for name in self.record["classes"]])


def _load_pyfunc(path: str) -> ImagePredictor:
    """What MLflow calls with the folder of the model's data."""
    return ImagePredictor(load_predictor(file_in(Path(path))))
