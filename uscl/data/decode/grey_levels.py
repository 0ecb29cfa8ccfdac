"""Grey levels of more than 8 bits as 8 bits, and remarks on levels that are probably wrong.

A file of 16 bits often holds 12 or 8: a scanner's values in a wider container. The least usual depth that holds all
values of the file is taken as its depth, so that white stays white.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from uscl.data.picture_box import picture_box

if TYPE_CHECKING:
    from uscl.data.decode.video import Clip

DEPTHS = (8, 10, 12, 14, 16, 24, 32)  # bits per value that devices and programs use
BLACK_BITS = 4  # with so many bits unused, the brightest pixel is below 16 of 255
DARK = 32  # a frame whose brightest pixel is below this shows nothing


class Depth(NamedTuple):
    """The bits that the values of a file use, whether one of them is negative, and the bits that the file declares."""

    bits: int
    signed: bool
    declared: int

    @property
    def remark(self) -> str:
        """A remark on a file that uses fewer bits than it declares, or ""."""
        return f"uses {self.bits} of {self.declared} bits" if self.bits < self.declared else ""


def depth_of(images: Iterable[NDArray]) -> Depth:
    """The depth of all images of a file together, of any whole type; images of 8 bits don't count.

    >>> depth_of([np.array([0, 300], np.uint16), np.array([4000], np.uint16)])
    Depth(bits=12, signed=False, declared=16)
    """
    least, most, widest, signed = 0, 0, 8, False
    for image in images:
        if image.dtype != np.uint8 and image.size:
            least, most = min(least, int(image.min())), max(most, int(image.max()))
            widest, signed = max(widest, 8 * image.dtype.itemsize), signed or image.dtype.kind == "i"
    return depth_between(least, most, widest, signed)


def depth_between(least: int, most: int, declared: int, signed: bool, deliberate: bool = False) -> Depth:
    """The depth of values from `least` to `most` in a file of `declared` bits, `signed` or not.

    A `deliberate` declaration, of fewer bits than fit, counts unless the picture would be black.

    >>> depth_between(-2000, 2000, 16, True), depth_between(0, 32000, 16, True)
    (Depth(bits=12, signed=True, declared=16), Depth(bits=15, signed=False, declared=15))
    """
    negative = least < 0
    declared -= signed and not negative  # of a sign that no value has
    used = next(bits for bits in DEPTHS if max(most, -1 - least) < 1 << (bits - negative))
    return Depth(declared if deliberate and used > declared - BLACK_BITS else min(used, declared), negative, declared)


def eight_bits(image: NDArray, depth: Depth | None) -> NDArray[np.uint8]:
    """An image of any depth with 8 bits: the lowest bits are dropped. Images of 8 bits stay as they are."""
    if image.dtype == np.uint8:
        return image
    if depth is None:
        raise ValueError(f"an image of {image.dtype} without its depth")
    values = image.astype(np.int64) + ((1 << (depth.bits - 1)) if depth.signed else 0)
    values = values >> (depth.bits - 8) if depth.bits > 8 else values << (8 - depth.bits)
    return values.clip(0, 255).astype(np.uint8)


def level_remark(clip: Clip) -> str:
    """A remark on the frames of a clip that show nothing, or ""."""
    size, count = clip.frames.shape[-1], len(clip.frames)
    empty = 0
    for frame, (height, width) in zip(clip.frames, clip.picture[:, -2:].tolist(), strict=True):
        box = picture_box(height, width, size)
        picture = frame[box.pixels]
        most = picture.max()
        empty += bool(most < DARK or most == picture.min())
    if not empty:
        return ""
    subject = "the picture has" if count == 1 else f"{empty} of {count} frames have"
    return f"{subject} only one grey level, or no pixel brighter than {DARK - 1}"
