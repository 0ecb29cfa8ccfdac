"""Video files in the containers and codecs of public sets; the same frames give the same bytes."""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from uscl.base.errors import UserError


@dataclass(frozen=True)
class Format:
    """A container with its codec, and the frame rates that both can express exactly."""

    suffix: str
    codec: str
    pixels: str
    rates: tuple[int, ...] = (10, 12, 15, 20, 25, 30)
    options: dict[str, str] = field(default_factory=dict)


# Without look-ahead and B-frames: with them x264 writes different bytes for the same frames from run to run.
X264 = {"crf": "20", "preset": "veryfast", "tune": "zerolatency", "threads": "1"}
FORMATS = (
    Format(".mp4", "libx264", "yuv420p", options=X264),
    Format(".avi", "mjpeg", "yuvj420p", options={"flags": "+qscale", "global_quality": "354"}),
    Format(".mp4", "mpeg4", "yuv420p", options={"flags": "+qscale", "global_quality": "354"}),
    Format(".gif", "gif", "gray", rates=(10, 20, 25)),
    Format(".mov", "libx264", "yuv420p", options=X264),
    Format(".mpeg", "mpeg2video", "yuv420p", (24, 25, 30), {"flags": "+qscale", "global_quality": "354"}),
)


def rotate(patient: int, view: int, videos: int, groups: int) -> Format:
    """The format of a video; formats alternate within each of the `groups` classes, so that none reveals a class."""
    return FORMATS[(patient // groups * videos + view) % len(FORMATS)]


def write_video(path: Path, frames: list[NDArray[np.uint8]], form: Format, rate: int) -> None:
    """Encode gray frames (height, width), both even, at `rate` frames per second."""
    height, width = frames[0].shape
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream(form.codec, rate=rate, options=form.options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, form.pixels
        stream.codec_context.thread_count = 1  # more threads may slice the picture differently
        stream.codec_context.time_base = Fraction(1, rate)
        for k, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(pixel_planes(frame, form.pixels), format=form.pixels)
            picture.pts = k
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def pixel_planes(frame: NDArray[np.uint8], pixels: str) -> NDArray[np.uint8]:
    """The frame in the codec's pixel format; neutral chroma below the luma."""
    if pixels == "gray":
        return np.ascontiguousarray(frame)
    luma = frame if pixels == "yuvj420p" else np.round(16 + frame * np.float32(219 / 255)).astype(np.uint8)
    return np.concatenate([luma, np.full((frame.shape[0] // 2, frame.shape[1]), 128, np.uint8)])


def write_png(path: Path, image: NDArray[np.uint8]) -> None:
    """Write an 8-bit gray PNG. Raises UserError if the disk refuses."""
    if not cv2.imwrite(str(path), image):
        raise UserError(f"{path} could not be written: check that the disk is not full and the folder is writable.")
