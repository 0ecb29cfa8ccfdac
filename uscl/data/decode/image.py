"""Still images and masks, grey, with the same scaling and letterbox as video frames."""

import io
import struct
import warnings
from collections.abc import Sequence
from pathlib import Path

import av
import cv2
import numpy as np
import PIL
import PIL.Image
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from uscl.data.decode.crop import cut
from uscl.data.decode.video import MAX_PIXELS, BadMedia, check_pixels, letterbox
from uscl.data.picture_box import Box

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")  # whatever the file's suffix; every further decoder must be trusted
# What Pillow raises on a damaged header. Its OSErrors don't come from the disk, which isn't read at that point.
HEAD_FAULTS = (
    OSError,
    ArithmeticError,
    EOFError,
    LookupError,
    MemoryError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
)


def read_image(path: Path) -> NDArray[np.uint8]:
    """An image in one of FORMATS as grey [height, width]; if it holds several pictures, the first.

    Raises BadMedia: empty, not an image, damaged, or too large; OSError if the disk refuses.
    """
    data = np.fromfile(path, np.uint8)  # not cv2.imread, which cannot open every name on every system
    if data.size == 0:
        raise BadMedia("empty file (0 bytes)")
    check_pixels(*declared_size(data))  # before anything is unpacked
    try:
        image = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    except cv2.error:  # its message only quotes OpenCV's source
        image = None
    if image is None:
        raise BadMedia("a damaged image: its pixels cannot be decoded")
    return image.astype(np.uint8, copy=False)


def declared_size(data: NDArray[np.uint8]) -> tuple[int, int]:
    """Width and height that an image's header declares. Raises BadMedia."""
    warnings.filterwarnings("ignore", category=PIL.Image.DecompressionBombWarning)  # `check_pixels` is stricter
    try:
        with PIL.Image.open(io.BytesIO(data.tobytes()), formats=FORMATS) as header:
            return header.size
    except PIL.UnidentifiedImageError as error:
        raise BadMedia(f"not an image: none of {', '.join(FORMATS)}, or its head is damaged") from error
    except PIL.Image.DecompressionBombError as error:
        raise BadMedia(f"frame of too many pixels; at most {MAX_PIXELS} pixels are read") from error
    except HEAD_FAULTS as error:
        raise BadMedia("a damaged image: its head cannot be read") from error


def fit_image(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """A grey image [height, width] letterboxed to [size, size]."""
    return letterbox(av.VideoFrame.from_ndarray(image, "gray"), size, VideoReformatter())


def read_masks(paths: Sequence[Path], shape: tuple[int, ...], size: int, box: Box) -> NDArray[np.uint8]:
    """The union of an image's masks as 0 and 1 [size, size]: 1 where more than half of a pixel is covered.

    `shape` is the image's, [height, width], of which `box` is used. Raises BadMedia for a mask that is unreadable or
    has another shape. Without paths, all pixels are 0.
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
    return (fit_image(cut(union, box), size) > 127).astype(np.uint8)
