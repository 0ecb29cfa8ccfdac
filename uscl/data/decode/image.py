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

from uscl.data.decode.video import MAX_PIXELS, BadMedia, check_pixels, letterbox

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")  # whatever the file's suffix; every further decoder must be trusted
PHOTOMETRIC = 262  # a TIFF's tag: 0 if its lowest value is white
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


def read_image(path: Path) -> NDArray:
    """An image in one of FORMATS as grey [height, width]; if it holds several pictures, the first.

    Its values have the depth of the file: uscl.data.decode.grey_levels makes them 8 bits. Raises BadMedia: empty, not
    an image, damaged, or too large; OSError if the disk refuses.
    """
    data = np.fromfile(path, np.uint8)  # not cv2.imread, which cannot open every name on every system
    if data.size == 0:
        raise BadMedia("empty file (0 bytes)")
    check_pixels(*declared_size(data))  # before anything is unpacked
    try:
        image = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH)
    except cv2.error:  # its message only quotes OpenCV's source
        image = None
    if image is None:
        raise BadMedia("a damaged image: its pixels cannot be decoded")
    if image.dtype == np.uint8:
        return image
    image = whole_levels(image) if image.dtype.kind == "f" else image
    return np.invert(image) if zero_is_white(data) else image  # which OpenCV sees to for 8 bits only


def whole_levels(image: NDArray) -> NDArray:
    """An image of floating-point numbers as whole ones: 0 to 1 is black to white. Raises BadMedia for other ranges."""
    least, most = float(image.min()), float(image.max())
    if not 0 <= least <= most < 1 << 16:  # NaN is in no range
        raise BadMedia(f"its floating-point values go from {least:g} to {most:g}: write them as 0 to 1, or as 8 bits")
    if most <= 1:
        return np.rint(image * 255).astype(np.uint8)
    return image.astype(np.uint8 if most < 256 else np.uint16)


def zero_is_white(data: NDArray[np.uint8]) -> bool:
    """Whether the lowest value of a TIFF is white."""
    with PIL.Image.open(io.BytesIO(data.tobytes()), formats=FORMATS) as header:
        return getattr(header, "tag_v2", {}).get(PHOTOMETRIC) == 0


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


def read_masks(paths: Sequence[Path], shape: tuple[int, ...], size: int) -> NDArray[np.uint8]:
    """The union of an image's masks as 0 and 1 [size, size]: 1 where more than half of a pixel is covered.

    `shape` is the image's, [height, width]. Raises BadMedia for a mask that is unreadable or has another shape. Without
    paths, all pixels are 0.
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
