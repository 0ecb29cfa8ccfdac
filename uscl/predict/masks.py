"""Predicted lesions as pictures: the mask, and its outline on the ultrasound picture, in the size of the source."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from uscl.data.picture_box import Box, picture_box
from uscl.predict.pictures import Picture

OUTLINE = (0, 159, 230)  # blue, green, red
HALF = 0.5


def lesion(probability: NDArray[np.float64], box: Box) -> NDArray[np.bool_]:
    """Where a lesion is predicted in a frame [size, size]: nowhere in its black border."""
    inner = np.zeros(probability.shape, bool)
    inner[within(box)] = True
    return inner & (probability > HALF)


def full_mask(probability: NDArray[np.float64], height: int, width: int) -> NDArray[np.bool_]:
    """The mask of a picture of `height` x `width` pixels, from the probabilities of its frame [size, size].

    Probabilities are scaled to the picture's size, and become a mask there.
    """
    box = picture_box(height, width, probability.shape[0])
    scaled = cv2.resize(probability[within(box)], (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(scaled > HALF)


def within(box: Box) -> tuple[slice, slice]:
    """The rows and columns of a box."""
    return slice(box.top, box.top + box.height), slice(box.left, box.left + box.width)


def write_mask(folder: Path, picture: Picture, probability: NDArray[np.float64]) -> dict[str, str]:
    """Write the mask and the overlay of a picture below `folder`; returns their names."""
    size = (picture.width, picture.height)
    mask = full_mask(probability, picture.height, picture.width).astype(np.uint8)
    grey = cv2.resize(picture.frame[within(picture.box)], size, interpolation=cv2.INTER_LINEAR)
    overlay = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    outlines, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(overlay, outlines, -1, OUTLINE, max(1, min(size) // 200))
    case = picture.case.replace("..", "").strip("/")
    name = case if case.lower().endswith(".png") else f"{case}.png"
    names = {"mask": f"masks/{name}", "overlay": f"overlays/{name}"}
    for place, image in zip(names.values(), (mask * 255, overlay), strict=True):
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
    return names
