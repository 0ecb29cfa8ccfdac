"""The models of a cell's folds, kept as files in its folder so that they can predict other pictures."""

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from uscl.data.picture_box import boxes_of
from uscl.data.splits import Fold
from uscl.data.store import FrameStore
from uscl.evaluate.choice import balanced_accuracy
from uscl.metrics.masks import dice
from uscl.metrics.structure_columns import ends, structures_of
from uscl.models.model_file import SEGMENTER, FittedModel, read_encoder_record, save_model
from uscl.models.model_folder import FOLDER, fold_file

Keep = Callable[[FittedModel], None]


class KeptModels:
    """Writes each fold's model into `folder`, with a record; does nothing if `about` is None.

    `about` is the part of the record that all folds share (see `about_cell`); `cases` has row, case and label.
    """

    def __init__(self, folder: Path, about: Mapping[str, Any] | None, store: FrameStore, cases: pd.DataFrame) -> None:
        self._folder, self._about = folder, about
        self._store, self._cases = store, cases
        self._fitted: FittedModel | None = None

    @property
    def add(self) -> Keep | None:
        """What takes the model of the fold that is being evaluated; None if no model is kept."""
        return self._take if self._about is not None else None

    def _take(self, fitted: FittedModel) -> None:
        self._fitted = fitted

    def complete(self, number: int) -> bool:
        """Whether nothing is missing for a finished fold."""
        return self._about is None or (self._folder / fold_file(number)).is_file()

    def keep(self, number: int, fold: Fold, predictions: pd.DataFrame, history: pd.DataFrame) -> None:
        """Write the model of a fold that has been evaluated."""
        if self._about is None:
            return
        assert self._fitted is not None, "the regime's function gives its model to `keep`"
        fitted, self._fitted = self._fitted, None
        record = {
            **self._about,
            **fitted.facts,
            "form": fitted.form,
            "classes": fitted.classes,
            "fold": number,
            "size": int(self._store.frames.shape[1]),
            "metrics": metrics_of(fitted, predictions, history),
            "training_cases": training_cases(self._cases, fold),
            "seen": seen(self._store, fold.train),
        }
        save_model(self._folder / fold_file(number), fitted.tensors, record)

    def finish(self, folds: int) -> list[str]:
        """The names of the files of all folds; removes those of earlier evaluations with other folds."""
        names = [fold_file(number) for number in range(folds)] if self._about is not None else []
        for path in (self._folder / FOLDER).glob("*"):
            if f"{FOLDER}/{path.name}" not in names:
                path.unlink()
        if not names:
            shutil.rmtree(self._folder / FOLDER, ignore_errors=True)
        return names


def about_cell(
    cell: Mapping[str, Any], folder: Path, encoder: Path, encoder_sha256: str, **more: Any
) -> dict[str, Any]:
    """What the records of a cell's models share: the cell, its encoder, and `more`, such as how pictures are read."""
    facts = read_encoder_record(encoder)
    reference: dict[str, Any] = {
        "file": Path(os.path.relpath(encoder, folder / FOLDER)).as_posix(),
        "sha256": encoder_sha256,
        **{key: facts[key] for key in ("method", "name") if key in facts},
    }
    return {**cell, "encoder": reference, **more}


def metrics_of(fitted: FittedModel, predictions: pd.DataFrame, history: pd.DataFrame) -> dict[str, float | str]:
    """The scores of the validation and the test part: balanced accuracy, or mean Dice over images."""
    chosen = history.loc[history["chosen"]].iloc[0]
    validation = {name: float(chosen[name]) for name in ("validation_score", "validation_loss")}
    if fitted.form == SEGMENTER:
        found = [
            dice(*(unpacked(predictions[f"{name}_mask{end}"]) for name in ("predicted", "true")))
            for end in ends(structures_of(predictions))
        ]
        return {"score": "dice", **validation, "test_score": float(np.concatenate(found).mean())}
    decided = predictions[[f"p_{name}" for name in fitted.classes]].to_numpy().argmax(axis=1)
    labels = np.array([fitted.classes.index(label) for label in predictions["label"]])
    return {"score": "balanced_accuracy", **validation, "test_score": balanced_accuracy(labels, decided)}


def unpacked(masks: pd.Series) -> np.ndarray:
    """Packed masks as [n, 1, pixels]; bits that fill the last byte are 0."""
    return np.unpackbits(np.stack([np.frombuffer(mask, np.uint8) for mask in masks]), axis=1)[:, None].astype(bool)


def training_cases(cases: pd.DataFrame, fold: Fold) -> dict[str, Any]:
    """The number of the training cases, and a hash of their names and labels, in any order."""
    train = cases[cases["row"].isin(fold.train)]
    lines = sorted(f"{case}\t{label}" for case, label in zip(train["case"], train["label"], strict=True))
    return {"count": len(lines), "sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest()}


def seen(store: FrameStore, rows: np.ndarray) -> dict[str, list[float]]:
    """The least and the most of what the training pictures are: mean and sd of their grey levels, height and width.

    Heights and widths are those of the source pictures, before scaling.
    """
    manifest = store.manifest.iloc[rows]
    pictures = [store.frames[row][box.pixels] for row, box in zip(rows, boxes_of(manifest), strict=True)]
    found = {
        "grey": [picture.mean() for picture in pictures],
        "contrast": [picture.std() for picture in pictures],
        "height": manifest["height"],
        "width": manifest["width"],
    }
    return {name: [round(float(min(values)), 3), round(float(max(values)), 3)] for name, values in found.items()}
