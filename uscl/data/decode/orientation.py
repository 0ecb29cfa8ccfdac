"""Turn video frames upright by their display matrix, as every player does: phones record films on their side."""

from typing import NamedTuple

import av
import numpy as np
from numpy.typing import NDArray

OBLIQUE = 0.02  # about one degree: a matrix that is further from a multiple of 90 degrees is rounded to it


class Turn(NamedTuple):
    """What makes a stored frame upright: swap rows and columns, then flip; `rounded` if that is not exact."""

    swap: bool = False
    flip_rows: bool = False
    flip_columns: bool = False
    rounded: bool = False


def turn_of(frame: av.VideoFrame) -> Turn:
    """The turn that a frame's display matrix asks for; a frame without one is upright.

    The matrix maps column x and row y of the stored frame to column a x + c y and row b x + d y of the upright one.
    """
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return Turn()
    a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5].astype(float)
    straight, across = abs(a) + abs(d), abs(b) + abs(c)
    rounded = min(straight, across) > OBLIQUE * max(straight, across)
    if across > straight:
        return Turn(True, b < 0, c < 0, rounded)
    return Turn(False, d < 0, a < 0, rounded)


def upright_shape(frame: av.VideoFrame, turn: Turn) -> tuple[int, int]:
    """Height and width of the upright picture."""
    return (frame.width, frame.height) if turn.swap else (frame.height, frame.width)


def upright(pixels: NDArray[np.uint8], turn: Turn) -> NDArray[np.uint8]:
    """A stored picture [height, width] as the upright one."""
    turned = pixels.T if turn.swap else pixels
    return turned[:: -1 if turn.flip_rows else 1, :: -1 if turn.flip_columns else 1]
