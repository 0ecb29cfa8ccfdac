"""The pickled folds of the POCUS set: the test part of one fold, one class, as frames.

A file holds (X_train, y_train, X_test, y_test): X are images [n, 3, height, width] of 0 to 255, y their classes [n].
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from uscl.data.decode.colour import coloured_share
from uscl.data.decode.crop import Crop, crop_box, cut
from uscl.data.decode.image import fit_image
from uscl.data.decode.pickles import load_arrays
from uscl.data.decode.video import BadMedia, Clip, check_pixels

CLASSES = ("covid", "pneumonia", "regular")  # by their number in y
PARTS = 4


def decode_fold(path: Path, label: str, size: int, crop: Crop = ()) -> Clip:
    """The images of one class among a fold's test images, cropped, letterboxed to size x size.

    A frame's number is its place among the test images; the images are stills, so their time is 0. Raises BadMedia.
    """
    arrays = load_arrays(path)
    if len(arrays) != PARTS:
        raise BadMedia(f"holds {len(arrays)} arrays instead of X_train, y_train, X_test and y_test")
    images, classes = arrays[2], arrays[3]
    check_fold(images, classes)
    numbers = np.flatnonzero(classes == CLASSES.index(label))
    if not len(numbers):
        raise BadMedia(f"no {label} among its test images")
    box = crop_box(crop, *images.shape[2:])
    frames = np.stack([fit_image(cut(grey_image(images[number]), box), size) for number in numbers])
    picture = np.tile(np.array(box, np.int64), (len(numbers), 1))
    colour = [coloured_share(cut(np.moveaxis(images[number], 0, 2).astype(np.uint8), box)) for number in numbers]
    return Clip(frames, numbers.astype(np.int64), np.zeros(len(numbers)), picture, "", colour=colour)


def check_fold(images: NDArray, classes: NDArray) -> None:
    """Raise BadMedia for test arrays that don't have the format of the folds."""
    if images.ndim != 4 or images.shape[1] != 3:
        raise BadMedia(f"X_test has the shape {images.shape} instead of [n, 3, height, width]")
    check_pixels(images.shape[3], images.shape[2])
    if classes.shape != images.shape[:1]:
        raise BadMedia(f"y_test has the shape {classes.shape} for {len(images)} images")
    if not np.isin(classes, range(len(CLASSES))).all():
        raise BadMedia("y_test has classes other than 0 (covid), 1 (pneumonia) and 2 (regular)")
    least, most = (images.min(), images.max()) if images.size else (0, 255)
    if not 0 <= least <= most <= 255:  # NaN is in no range
        raise BadMedia("X_test has values outside of 0 to 255")
    if images.dtype.kind == "f" and most <= 1:
        raise BadMedia("X_test has values of 0 to 1 instead of 0 to 255")


def grey_image(image: NDArray) -> NDArray[np.uint8]:
    """RGB [3, height, width] as grey [height, width]."""
    colour = np.ascontiguousarray(image.transpose(1, 2, 0).astype(np.uint8))  # truncated, as in the authors' code
    return cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
