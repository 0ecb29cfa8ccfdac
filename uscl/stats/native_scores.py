"""Scores of stored predictions at the size of their source pictures, next to those at the size of the stored frames."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pandas as pd

from uscl.base.errors import UserError
from uscl.data.manifest import MANIFEST_FILE, read_manifest
from uscl.data.native_masks import decoded, read_native_masks
from uscl.data.picture_box import Box, boxes_of
from uscl.metrics.native import Pair
from uscl.metrics.registry import SEGMENTATION, Metric, metrics_of
from uscl.metrics.scores import masks_of, with_means
from uscl.metrics.structure_columns import ends, structures_of

HALF = 0.5


class Native(NamedTuple):
    """What scores at the size of the source pictures take besides predictions.

    `images` has the columns box, height, width, mm_per_pixel and png (of the labels) by case. `structures` has the
    label of each structure; none if every label is of the same one. `tolerance` is that of NSD, as `{"mm": 1.0}` or
    `{"px": 2.0}`; empty without.
    """

    images: pd.DataFrame
    structures: Mapping[str, int]
    tolerance: Mapping[str, float]

    @classmethod
    def of_store(cls, folder: Path, structures: Mapping[str, int], tolerance: Mapping[str, float]) -> "Native":
        """That of the images of a frame store that have a mask."""
        manifest, pngs = read_manifest(folder / MANIFEST_FILE), read_native_masks(folder)
        rows = manifest[manifest["row"].isin(pngs)]
        images = rows.set_index("case")[["height", "width", "mm_per_pixel"]]
        images = images.assign(box=boxes_of(rows), png=[pngs[row] for row in rows["row"]])
        return cls(images, structures, tolerance)


def with_native_scores(cases: pd.DataFrame, predictions: pd.DataFrame, native: Native) -> pd.DataFrame:
    """Scored images with their scores at the size of the source pictures; `predictions` are those of a cell."""
    images, structures = native.images.loc[predictions["case"]], structures_of(predictions)
    tolerances = in_pixels(native.tolerance, images)
    metrics = native_metrics(images, native.tolerance)
    columns: dict[str, list[float]] = {}
    for end in ends(structures):
        predicted = masks_of(predictions, f"predicted_mask{end}")
        label = native.structures.get(end.removeprefix("_"))
        for mask, image, tolerance in zip(predicted, images.itertuples(), tolerances, strict=True):
            true = decoded(image.png)
            found = Pair(
                at_source_size(mask, image.box, *true.shape),
                true > 0 if label is None else true == label,
                float(image.mm_per_pixel),
                float(tolerance),
            )
            for metric in metrics:
                columns.setdefault(f"{metric.name}{end}", []).append(score(metric, found))
    scores = with_means(pd.DataFrame(columns, index=cases.index), structures)
    after = max(cases.columns.get_loc(f"hd95{end}") for end in ends(structures)) + 1
    return pd.concat([cases.iloc[:, :after], scores, cases.iloc[:, after:]], axis=1)


def score(metric: Metric, pair: Pair) -> float:
    """The score of one structure in one image."""
    assert metric.of_native is not None
    return metric.of_native(pair)


def native_metrics(images: pd.DataFrame, tolerance: Mapping[str, float]) -> list[Metric]:
    """The metrics at the size of the source pictures that can be computed of all images."""
    known = {None: True, "spacing": bool(images["mm_per_pixel"].notna().all()), "tolerance": bool(tolerance)}
    return [metric for metric in metrics_of(SEGMENTATION) if metric.of_native and known[metric.needs]]


def at_source_size(mask: np.ndarray, box: Box, height: int, width: int) -> np.ndarray:
    """A mask of a stored frame [size, size] as that of its source picture [height, width], both boolean.

    The black border is removed, and the rest is scaled by linear interpolation.
    """
    picture = mask[box.pixels].astype(np.float32)
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR) > HALF)


def in_pixels(tolerance: Mapping[str, float], images: pd.DataFrame) -> np.ndarray:
    """The tolerance of each image in its pixels, NaN without; `images` has mm_per_pixel by case.

    Raises UserError for a tolerance in mm if the size of a pixel is unknown.
    """
    if "mm" not in tolerance:
        return np.full(len(images), tolerance.get("px", np.nan))
    check_spacing("`surface_tolerance` is in mm", images["mm_per_pixel"])
    return np.asarray(tolerance["mm"] / images["mm_per_pixel"], dtype=float)


def check_spacing(why: str, mm_per_pixel: "pd.Series[Any]") -> None:
    """Raise UserError that begins with `why` if the size of a pixel, by case, is unknown of some image."""
    unknown = mm_per_pixel.index[mm_per_pixel.isna()]
    if len(unknown):
        raise UserError(
            f"{why}, but the size of a pixel is unknown in {len(unknown)} of {len(mm_per_pixel)} images, such as"
            f" {unknown[0]}: give it in the column mm_per_pixel of the set's table, or count in pixels."
        )
