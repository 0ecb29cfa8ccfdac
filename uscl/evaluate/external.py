"""External tests: the models of a cell, as its training left them, on the cases of another data set."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from lightning_fabric import Fabric

from uscl.data.picture_box import inside
from uscl.data.splits import IDENTITY
from uscl.data.store import FrameStore
from uscl.evaluate.features import BATCH
from uscl.evaluate.predictions import packed
from uscl.jobs.recorded import checked
from uscl.models.predictors import load_predictor
from uscl.predict.models import Ensemble
from uscl.training.augment import as_float

HALF = 0.5  # a pixel is lesion above it


def predict_external(files: Sequence[Path], store: FrameStore, cases: pd.DataFrame, fabric: Fabric) -> pd.DataFrame:
    """The predictions of each fold's model (`files`, by fold) for all cases, in the form of a cell's own.

    One row per fold and case, with the column fold; nothing of the models changes.
    """
    models = Ensemble([load_predictor(checked(file)) for file in files])
    for net, _ in models.predictors:
        # The layout in which the study predicted its test parts, so that the sums are the same.
        fabric.to_device(net).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    rows = cases["row"].to_numpy()
    by_fold: list[list[np.ndarray]] = [[] for _ in files]
    with torch.inference_mode(), fabric.autocast():
        for first in range(0, len(rows), BATCH):
            frames = as_float(fabric.to_device(torch.from_numpy(store.frames[rows[first : first + BATCH]])))
            for outputs, output in zip(by_fold, models.each(frames), strict=True):
                outputs.append(output.double().cpu().numpy())
    known = cases[IDENTITY].reset_index(drop=True)
    tables = [
        known.assign(**columns_of(models, np.concatenate(outputs), store, rows), fold=fold)
        for fold, outputs in enumerate(by_fold)
    ]
    return pd.concat(tables, ignore_index=True)


def columns_of(models: Ensemble, outputs: np.ndarray, store: FrameStore, rows: np.ndarray) -> dict[str, Any]:
    """What a model predicts for all cases: a probability per class, or masks next to the true ones."""
    if not models.segments:
        return {f"p_{name}": outputs[:, place] for place, name in enumerate(models.record["classes"])}
    assert store.masks is not None, "a segmentation task is tested on a store with masks"
    height, width = store.frames.shape[1:]
    picture = inside(store.manifest.iloc[rows], height)
    return {
        "height": height,
        "width": width,
        "true_mask": packed(store.masks[rows] > 0),
        "predicted_mask": packed((outputs[:, 0] > HALF) & picture),
    }
