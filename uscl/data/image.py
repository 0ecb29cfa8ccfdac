"""Still images and masks, grey, with the same scaling and letterbox as video frames."""

from collections.abc import Sequence
from pathlib import Path

import av
import cv2
import numpy as np
import PIL
import PIL.Image
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from uscl.data.video import BadMedia, check_pixels, letterbox


def read_image(path: Path) -> NDArray[np.uint8]:
    """A PNG or JPEG as grey [height, width]. Raises BadMedia: empty, not an image, damaged, or too large."""
    data = np.fromfile(path, np.uint8)  # not cv2.imread, which cannot open every name on every system
    if data.size == 0:
        raise BadMedia("empty file (0 bytes)")
    try:
        with PIL.Image.open(path) as header:  # the size alone, before anything is unpacked
            check_pixels(*header.size)
    except (PIL.UnidentifiedImageError, PIL.Image.DecompressionBombError) as error:
        raise BadMedia(f"not an image: {str(error).split(' file ')[0]}") from error
    image = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise BadMedia("a damaged image: its pixels cannot be decoded")
    return image.astype(np.uint8, copy=False)


def fit_image(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """A grey image [height, width] letterboxed to [size, size]."""
    return letterbox(av.VideoFrame.from_ndarray(image, "gray"), size, VideoReformatter())


def read_masks(paths: Sequence[Path], shape: tuple[int, ...], size: int) -> NDArray[np.uint8]:
    """The union of an image's masks as 0 and 1 [size, size]: 1 where more than half of a pixel is covered.

    `shape` is that of the image, [height, width]. Raises BadMedia for a mask that is unreadable or of another
    shape. No paths: all 0.
    """
    union = np.zeros(shape, np.uint8)
    for path in paths:
        try:
            mask = read_image(path)
        except BadMedia as error:
            raise BadMedia(f"the mask {path.name}: {error}") from error
        if mask.shape != shape:
            sizes = f"{mask.shape[1]} x {mask.shape[0]} pixels, its image {shape[1]} x {shape[0]}"
            raise BadMedia(f"the mask {path.name} has {sizes}")
        np.maximum(union, np.where(mask > 127, np.uint8(255), np.uint8(0)), out=union)
    return (fit_image(union, size) > 127).astype(np.uint8)
