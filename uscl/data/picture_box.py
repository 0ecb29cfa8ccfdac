"""Where the picture lies in a stored frame, which keeps the picture's aspect ratio and has black borders."""

from typing import NamedTuple


class Box(NamedTuple):
    """A rectangle of pixels."""

    top: int
    left: int
    height: int
    width: int


def picture_box(height: int, width: int, size: int) -> Box:
    """Where a picture of `height` x `width` pixels lies in a frame of `size` x `size`: scaled to fit, centred.

    >>> picture_box(480, 640, 64)
    Box(top=8, left=0, height=48, width=64)
    """
    shrink = size / max(height, width)
    inner_height, inner_width = max(1, round(height * shrink)), max(1, round(width * shrink))
    return Box((size - inner_height) // 2, (size - inner_width) // 2, inner_height, inner_width)
