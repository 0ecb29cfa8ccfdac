"""Colour in pictures, which the store turns grey: colour Doppler shows flow as red and blue over the tissue.

A grey level then no longer means how bright an echo was, so a frame with colour Doppler is counted and can be left out.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from uscl.data.decode.orientation import Turn, upright, upright_shape
from uscl.data.picture_box import Box

if TYPE_CHECKING:
    from uscl.data.decode.image import Picture  # which imports the reader of videos, which imports this module

SIDE = 96  # pixels of the sample of a frame in which colour is looked for
STRONG = 60  # levels between a pixel's brightest and darkest channel, at least
PURE = 0.4  # of the brightest channel that the darkest one lacks, at least
GREEN = 0.85  # of the brighter one of red and blue; with more green, a colour is yellow, green or cyan
FAINT = 20  # levels of chroma around its middle, 128, within which nothing has a strong colour
TINTED = 0.6  # share of the bright pixels: so much colour is the colour map of a grey picture
PLANAR = [f"yuv{jpeg}4{kind}p" for jpeg in ("", "j") for kind in ("20", "22", "44")]
PACKED = {"bgra": slice(0, 3), "rgba": slice(0, 3), "bgr0": slice(0, 3), "rgb0": slice(0, 3), "argb": slice(1, 4)}
EVERY = 5  # of so many frames of a clip, one is looked at as long as there is no colour Doppler
DOPPLER = 0.002  # share of the picture, at least; in BUSI five images have more, and one has a single vessel with less

Frame = TypeVar("Frame")


class FilmFrame(NamedTuple):
    """A frame of a video, what makes it upright, and the part of the upright frame that is used."""

    frame: av.VideoFrame
    turn: Turn
    box: Box


class ClipColour(Generic[Frame]):
    """The coloured share of each frame of a clip, given in order, of which only some are looked at.

    `measure` gives the share of a frame. A frame that nobody looked at counts as grey: it has fewer than EVERY
    neighbours like it, and the frames around them are grey.
    """

    def __init__(self, measure: Callable[[Frame], float]) -> None:
        self._measure = measure
        self._shares: list[float] = []
        self._waiting: list[Frame] = []

    def add(self, frame: Frame) -> None:
        """Look at a frame, or let it wait."""
        self._waiting.append(frame)
        if not self._shares or self._shares[-1] >= DOPPLER or len(self._waiting) == EVERY:
            self._look()

    def shares(self) -> list[float]:
        """The share of each frame."""
        if self._waiting:
            self._look()
        return self._shares

    def _look(self) -> None:
        *before, last = self._waiting
        share = self._measure(last)
        self._shares += [self._measure(frame) if share >= DOPPLER else 0.0 for frame in before] + [share]
        self._waiting = []


def film_colour() -> ClipColour[FilmFrame]:
    """The coloured shares of a video."""
    sampler = VideoReformatter()  # keeps what it has prepared for one size
    return ClipColour(lambda seen: video_colour(*seen, sampler))


def coloured_share(rgb: NDArray[np.uint8]) -> float:
    """The share of a picture [height, width, 3] in strong red, orange or blue; 0 if it is tinted all over.

    Green and yellow don't count: machines write and measure in them. Red and blue may be swapped.
    """
    sample = rgb[:: step(rgb.shape[0]), :: step(rgb.shape[1])]
    first, green, last = sample[:, :, 0], sample[:, :, 1], sample[:, :, 2]
    brightest = np.maximum(first, last)
    difference = np.maximum(brightest, green) - np.minimum(np.minimum(first, last), green)
    strong = difference >= STRONG
    if not strong.any():
        return 0.0
    strong &= (green < GREEN * brightest) & (difference >= PURE * brightest)
    return 0.0 if strong.sum() >= TINTED * (brightest >= STRONG).sum() else float(strong.mean())


def video_colour(frame: av.VideoFrame, turn: Turn, box: Box, sampler: VideoReformatter) -> float:
    """The coloured share of the part of a video frame that `box` cuts out of the upright frame."""
    if frame.format.name.startswith(("gray", "mono")) or faint(frame):
        return 0.0
    sample = packed_colours(frame)
    if sample is None:
        small = sampler.reformat(frame, SIDE, SIDE, "rgb24", interpolation=Interpolation.POINT, threads=1)
        sample = small.to_ndarray().astype(np.uint8, copy=False)
    if turn != Turn():
        sample = np.dstack([upright(channel, turn) for channel in np.moveaxis(sample, 2, 0)])
    return coloured_share(part_of(sample, box, *upright_shape(frame, turn)))


def faint(frame: av.VideoFrame) -> bool:
    """Whether the chroma of a planar 8-bit frame is so near to grey that no pixel has a strong colour."""
    if frame.format.name not in PLANAR:
        return False
    return all(chroma_range(plane) <= FAINT for plane in frame.planes[1:3])


def chroma_range(plane: av.video.plane.VideoPlane) -> int:
    """The largest distance of a chroma plane's values from its middle, in a sample of its rows and columns."""
    values = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
    sample = values[:: step(plane.height), :: step(plane.width)]
    return max(int(sample.max()) - 128, 128 - int(sample.min()))


def packed_colours(frame: av.VideoFrame) -> NDArray[np.uint8] | None:
    """The colours of a frame that stores red, green, blue and alpha together, in any order; None for other formats."""
    if frame.format.name not in PACKED:
        return None
    rows = np.frombuffer(memoryview(frame.planes[0]), np.uint8).reshape(frame.height, frame.planes[0].line_size)
    pixels = rows[:, : 4 * frame.width].reshape(-1, frame.width, 4)
    return pixels[:, :, PACKED[frame.format.name]]


def step(side: int) -> int:
    """The distance of sampled pixels along a side."""
    return max(1, side // SIDE)


def image_colour(picture: "Picture", box: Box) -> float:
    """The coloured share of the part that `box` cuts out of an image."""
    colours = picture.colours()
    return 0.0 if colours is None else coloured_share(part_of(colours, box, *picture.grey.shape))


def part_of(sample: NDArray[np.uint8], box: Box, height: int, width: int) -> NDArray[np.uint8]:
    """The part of a sample of a picture of `height` x `width` pixels that shows what is in the box; never empty."""
    top, bottom = box.top * len(sample) // height, -(-(box.top + box.height) * len(sample) // height)
    left, right = box.left * sample.shape[1] // width, -(-(box.left + box.width) * sample.shape[1] // width)
    return sample[top:bottom, left:right]
