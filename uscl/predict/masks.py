"""Predicted structures as pictures: the mask, and outlines on the ultrasound picture, in the size of the source.

The mask of one structure is white; of several, each pixel is the label that the structure has in the study's masks.
"""

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from uscl.data.picture_box import Box, picture_box
from uscl.predict.pictures import Picture

# Of outlines, structure by structure and then anew; blue, green, red.
OUTLINES = ((0, 159, 230), (178, 114, 0), (115, 158, 0), (167, 121, 204), (233, 180, 86), (66, 228, 240))
HALF = 0.5
ONE_LABEL = {"lesion": 1}


def labels_of(probabilities: NDArray[np.float64], structures: Mapping[str, int]) -> NDArray[np.uint8]:
    """The label of each pixel, 0 for background, from probabilities [1 or 1 + structures, height, width]."""
    if len(probabilities) == 1:
        return (probabilities[0] > HALF).astype(np.uint8)
    return np.array([0, *structures.values()], np.uint8)[probabilities.argmax(axis=0)]


def shares(probabilities: NDArray[np.float64], box: Box, structures: Mapping[str, int]) -> dict[str, float]:
    """The share of a picture that each structure covers, from the probabilities of its frame."""
    labels = labels_of(probabilities, structures)[box.pixels]
    return {
        f"{name}_share": float((labels == label).sum() / labels.size)
        for name, label in (structures or ONE_LABEL).items()
    }


def full_labels(
    probabilities: NDArray[np.float64], height: int, width: int, structures: Mapping[str, int]
) -> NDArray[np.uint8]:
    """The labels of a picture of `height` x `width` pixels, from the probabilities of its frame.

    Probabilities are scaled to the picture's size, and become labels there.
    """
    box = picture_box(height, width, probabilities.shape[1])
    scaled = [
        cv2.resize(np.ascontiguousarray(one[box.pixels]), (width, height), interpolation=cv2.INTER_LINEAR)
        for one in probabilities
    ]
    return labels_of(np.stack(scaled), structures)


def write_mask(
    folder: Path, picture: Picture, probabilities: NDArray[np.float64], structures: Mapping[str, int]
) -> dict[str, str]:
    """Write the mask and the overlay of a picture below `folder`; returns their names."""
    size = (picture.width, picture.height)
    mask = full_labels(probabilities, picture.height, picture.width, structures)
    grey = cv2.resize(picture.frame[picture.box.pixels], size, interpolation=cv2.INTER_LINEAR)
    overlay = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    for number, label in enumerate((structures or ONE_LABEL).values()):
        area = (mask == label).astype(np.uint8)
        outlines, _ = cv2.findContours(area, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(overlay, outlines, -1, OUTLINES[number % len(OUTLINES)], max(1, min(size) // 200))
    case = picture.case.replace("..", "").strip("/")
    name = case if case.lower().endswith(".png") else f"{case}.png"
    names = {"mask": f"masks/{name}", "overlay": f"overlays/{name}"}
    for place, image in zip(names.values(), (mask if structures else mask * 255, overlay), strict=True):
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
    return names
