"""Where the picture lies in a stored frame, which keeps the picture's aspect ratio and has black borders."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class Box(NamedTuple):
    """A rectangle of pixels."""

    top: int
    left: int
    height: int
    width: int

    @property
    def pixels(self) -> tuple[slice, slice]:
        """The rows and columns of an image that lie in the rectangle."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


def picture_box(height: int, width: int, size: int) -> Box:
    """Where a picture of `height` x `width` pixels lies in a frame of `size` x `size`: scaled to fit, centred.

    >>> picture_box(480, 640, 64)
    Box(top=8, left=0, height=48, width=64)
    """
    shrink = size / max(height, width)
    inner_height, inner_width = max(1, round(height * shrink)), max(1, round(width * shrink))
    return Box((size - inner_height) // 2, (size - inner_width) // 2, inner_height, inner_width)


def boxes_of(manifest: pd.DataFrame) -> list[Box]:
    """Where the picture of each row of a manifest lies in its stored frame."""
    return [Box(*map(int, row)) for row in manifest[[f"box_{side}" for side in Box._fields]].to_numpy()]


def inside(manifest: pd.DataFrame, size: int) -> np.ndarray:
    """Which pixels of the stored frames [rows, size, size] are of the picture, and not of its black border."""
    import numpy as np

    top, left, height, width = (manifest[f"box_{side}"].to_numpy()[:, None, None] for side in Box._fields)
    row, column = np.arange(size)[None, :, None], np.arange(size)[None, None, :]
    found = (top <= row) & (row < top + height) & (left <= column) & (column < left + width)
    return np.asarray(found)
