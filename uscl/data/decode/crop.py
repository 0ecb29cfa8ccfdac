"""The part of a picture that is used, if not all of it."""

import numpy as np
from numpy.typing import NDArray

from uscl.data.decode.bad_media import BadMedia
from uscl.data.picture_box import Box

Crop = tuple[float, ...]  # left, top, width, height in pixels, or all four as shares of the picture; () for all of it


def crop_box(crop: Crop, height: int, width: int) -> Box:
    """The part of a picture of `height` x `width` pixels that a crop keeps. Raises BadMedia if the picture is smaller.

    Four numbers of at most 1 are shares.

    >>> crop_box((0.1, 0, 0.8, 1), 480, 640), crop_box((64, 0, 512, 480), 480, 640)
    (Box(top=0, left=64, height=480, width=512), Box(top=0, left=64, height=480, width=512))
    """
    if not crop:
        return Box(0, 0, height, width)
    scale = (width, height, width, height) if max(crop) <= 1 else (1, 1, 1, 1)
    x, y, wide, high = crop
    ends = (x, y, x + wide, y + high)
    left, top, right, bottom = (round(end * side) for end, side in zip(ends, scale, strict=True))
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        raise BadMedia(f"`crop` {list(crop)} is not inside its picture of {width} x {height} pixels")
    return Box(top, left, bottom - top, right - left)


def cut(image: NDArray, box: Box) -> NDArray:
    """The part of an image [height, width] or [height, width, 3] in a box."""
    return np.ascontiguousarray(image[box.pixels])
