"""Still images, grey, with the same scaling and letterbox as video frames."""

import io
import struct
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np
import PIL
import PIL.Image
import PIL.ImageOps
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from uscl.data.decode.video import MAX_PIXELS, BadMedia, check_pixels, letterbox

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")  # whatever the file's suffix; every further decoder must be trusted
GREY = ("1", "L", "LA", "I", "F")  # modes of Pillow
PHOTOMETRIC = 262  # a TIFF's tag: 0 if its lowest value is white
# What Pillow raises on damaged bytes. Its OSErrors don't come from the disk, which isn't read at that point.
DAMAGE = (
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
MANY = ("PNG", "TIFF", "WEBP")  # that hold films or stacks; several pictures in other files are previews


class Picture(NamedTuple):
    """An image that was read: its grey values [height, width], its colours, and a remark or "".

    `colours()` is [height / 2, width / 2, 3] in any order, None if the image is grey; only some callers need them.
    """

    grey: NDArray
    colours: Callable[[], NDArray[np.uint8] | None]
    remark: str


def read_image(path: Path) -> NDArray:
    """The grey values of `read_picture`."""
    return read_picture(path).grey


def read_picture(path: Path) -> Picture:
    """An image in one of FORMATS; if it holds several pictures, the first.

    Transparent surroundings are black. Its values have the depth of the file: uscl.data.decode.grey_levels makes them 8
    bits. Raises BadMedia: empty, not an image, damaged, or too large; OSError if the disk refuses.
    """
    data = path.read_bytes()  # not cv2.imread, which cannot open every name on every system
    header = opened(data)
    remark = several(header)
    colours = decoded(data, cv2.IMREAD_COLOR) if header.format == "PNG" and header.mode == "RGB" else None
    if colours is not None and is_grey(colours):  # like most scans that are stored in colour: they are unpacked once
        image, sample = np.ascontiguousarray(colours[:, :, 0]), partial(halved, data, "L", None)
    else:
        image, sample = decoded(data, cv2.IMREAD_GRAYSCALE), partial(halved, data, header.mode, colours)
    if image.dtype != np.uint8:
        image = whole_levels(image) if image.dtype.kind == "f" else image
        image = np.invert(image) if zero_is_white(header) else image  # which OpenCV sees to for 8 bits only
    image = on_black(image, opacity(header)) if header.has_transparency_data else image
    return Picture(image, sample, remark)


def decoded(data: bytes, kind: int) -> NDArray:
    """The pixels of a file at the depth that they have, grey or in colour. Raises BadMedia."""
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), kind | cv2.IMREAD_ANYDEPTH)
    except cv2.error:  # its message only quotes OpenCV's source
        image = None
    if image is None:
        raise BadMedia("a damaged image: its pixels cannot be decoded")
    return image


def is_grey(colours: NDArray) -> bool:
    """Whether the three channels of 8 bits are equal."""
    first, second, third = np.moveaxis(colours, 2, 0)
    return bool(colours.dtype == np.uint8 and (first == second).all() and (first == third).all())


def halved(data: bytes, mode: str, colours: NDArray | None) -> NDArray[np.uint8] | None:
    """The colours of a file at half its size, which `colours` are at full size if known; None for a grey mode."""
    if mode in GREY or mode.startswith("I;"):
        return None
    if colours is None or colours.dtype != np.uint8:
        half = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_REDUCED_COLOR_2)
        return None if half is None else half.astype(np.uint8, copy=False)
    height, width = colours.shape[:2]
    half = cv2.resize(colours, (max(1, width // 2), max(1, height // 2)), interpolation=cv2.INTER_LINEAR_EXACT)
    return half.astype(np.uint8, copy=False)


def several(header: PIL.Image.Image) -> str:
    """A remark on a file with more pictures than the one that is read, or ""."""
    count = pictures_in(header) if header.format in MANY else 1
    return f"holds {count} pictures, of which only the first is read" if count > 1 else ""


def pictures_in(header: PIL.Image.Image) -> int:
    """The number of pictures in an opened image."""
    try:
        return int(getattr(header, "n_frames", 1))
    except DAMAGE:  # of a later picture
        return 1


def whole_levels(image: NDArray) -> NDArray:
    """An image of floating-point numbers as whole ones: 0 to 1 is black to white. Raises BadMedia for other ranges."""
    least, most = float(image.min()), float(image.max())
    if not 0 <= least <= most < 1 << 16:  # NaN is in no range
        raise BadMedia(f"its floating-point values go from {least:g} to {most:g}: write them as 0 to 1, or as 8 bits")
    if most <= 1:
        return np.rint(image * 255).astype(np.uint8)
    return image.astype(np.uint8 if most < 256 else np.uint16)


def zero_is_white(picture: PIL.Image.Image) -> bool:
    """Whether the lowest value of a TIFF is white."""
    return getattr(picture, "tag_v2", {}).get(PHOTOMETRIC) == 0


def opened(data: bytes, formats: tuple[str, ...] = FORMATS) -> PIL.Image.Image:
    """An image with its header read, and its pixels not yet unpacked. Raises BadMedia."""
    if not data:
        raise BadMedia("empty file (0 bytes)")
    warnings.filterwarnings("ignore", category=PIL.Image.DecompressionBombWarning)  # `check_pixels` is stricter
    try:
        image = PIL.Image.open(io.BytesIO(data), formats=formats)
    except PIL.UnidentifiedImageError as error:
        raise BadMedia(f"not an image: none of {', '.join(formats)}, or its head is damaged") from error
    except PIL.Image.DecompressionBombError as error:
        raise BadMedia(f"frame of too many pixels; at most {MAX_PIXELS} pixels are read") from error
    except DAMAGE as error:
        raise BadMedia("a damaged image: its head cannot be read") from error
    check_pixels(*image.size)
    return image


def unpacked(image: PIL.Image.Image) -> PIL.Image.Image:
    """An opened image with its pixels, upright. Raises BadMedia."""
    try:
        image.load()
        return PIL.ImageOps.exif_transpose(image)
    except DAMAGE as error:
        raise BadMedia("a damaged image: its pixels cannot be decoded") from error


def opacity(image: PIL.Image.Image) -> NDArray[np.uint8]:
    """The alpha channel [height, width] of an opened image that has one: 0 is transparent. Raises BadMedia."""
    upright = unpacked(image)
    try:
        return np.asarray(upright.convert("RGBA").getchannel("A"))
    except ValueError:  # Pillow can't convert 16-bit grey with a transparent value
        return np.full((upright.height, upright.width), 255, np.uint8)


def on_black(image: NDArray, alpha: NDArray[np.uint8]) -> NDArray:
    """A picture in front of black. An alpha channel of one value says nothing about the picture and is ignored."""
    if alpha.shape != image.shape or alpha.min() == alpha.max():
        return image
    return np.rint(image * (alpha / 255)).astype(image.dtype)


def fit_image(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """A grey image [height, width] letterboxed to [size, size]."""
    return letterbox(av.VideoFrame.from_ndarray(image, "gray"), size, VideoReformatter())
