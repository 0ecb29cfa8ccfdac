"""Small video files for tests."""

from fractions import Fraction

import av
import numpy as np


def write_film(path, frames, codec="mpeg4", pix_fmt="yuv420p", rate=25, turn=None, matrix=None):
    """Grey frames [n, height, width] as a video file whose frames a player turns by `turn` or `matrix`."""
    with av.open(str(path), "w") as container:
        stream = add_stream(container, frames, codec, pix_fmt, rate)
        if turn is not None:
            stream.set_display_rotation(**turn)
        if matrix is not None:
            stream.set_display_matrix(matrix)
        put(container, stream, frames)
    return path


def add_stream(container, frames, codec="mpeg4", pix_fmt="yuv420p", rate=25):
    """A new video stream of a container, for frames [n, height, width]."""
    stream = container.add_stream(codec, rate=rate)
    stream.height, stream.width = frames.shape[1:]
    stream.pix_fmt, stream.bit_rate = pix_fmt, 4_000_000
    return stream


def put(container, stream, frames):
    """Encode grey frames into a stream."""
    for grey in frames:
        container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, "gray").reformat(format=stream.pix_fmt)))
    container.mux(stream.encode())


def write_dropped(path, frames, places):
    """A motion JPEG AVI whose frames are at `places` on the time line, with empty chunks between them."""
    with av.open(str(path), "w") as container:
        stream = add_stream(container, frames, "mjpeg", "yuvj420p")
        for grey, place in zip(frames, places, strict=True):
            picture = av.VideoFrame.from_ndarray(grey, "gray").reformat(format="yuvj420p")
            picture.pts, picture.time_base = place, Fraction(1, 25)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def quarters(n=4, height=48, width=64):
    """Frames whose four quarters have grey levels of their own, so that every turn and mirror image differs."""
    frame = np.zeros((height, width), np.uint8)
    frame[: height // 2, : width // 2], frame[: height // 2, width // 2 :] = 240, 160
    frame[height // 2 :, : width // 2], frame[height // 2 :, width // 2 :] = 80, 20
    return np.stack([frame] * n)
