"""Video files to grey frames of one size: decode, scale, letterbox and sample by time.

PyAV (FFmpeg) reads the file; FFmpeg's own scaler turns each frame to full-range grey and shrinks it in one
pass, so that black is 0 and white 255 whatever the codec's colour range. The scaler runs in its bit-exact
mode: the same file gives the same pixels on every processor. Pixels count as square: the pixel aspect ratio
that a few cropped clips still carry describes the film before it was cropped.
"""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

import av
import numpy as np
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter
from numpy.typing import NDArray

MAX_PIXELS = 64_000_000  # of one frame; guards against files that unpack to more memory than there is
MAX_FRAMES = 20_000  # kept of one file where the caller sets no limit (11 minutes at 30 Hz, 1 GB at 224 px)
TIME_TOLERANCE_S = 0.0005  # containers round presentation times to a millisecond
FALLBACK_RATE_HZ = 25.0  # for a stream that declares neither time stamps nor a rate

_EXACT_AREA = Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.BITEXACT


class BadMedia(Exception):  # noqa: N818 - the file is at fault, not the program
    """A file that cannot be used; the message is a short reason without the file's name."""


class Clip(NamedTuple):
    """Frames [n, size, size], number in the file [n], presentation time in s [n], and a remark or ""."""

    frames: NDArray[np.uint8]
    number: NDArray[np.int64]
    time_s: NDArray[np.float64]
    note: str


@dataclass
class _Stream:
    """A video stream that is being read, and what has been seen of it so far."""

    container: av.container.InputContainer
    video: av.VideoStream
    packets: int = 0
    frames: int = 0
    untimed: int = 0
    scaler: VideoReformatter = field(default_factory=VideoReformatter)


def decode(path: Path, size: int, rate_hz: float | None, max_frames: int | None) -> Clip:
    """The first `max_frames` frames of a video at `rate_hz` (None: every frame), letterboxed to size x size.

    Sample k is the first frame at or after k / rate_hz; a video slower than that gives each frame once.
    Raises BadMedia: empty, not a video, cut short (fewer frames than the container declares, or a GIF
    without its end; MPEG program streams cannot be checked), damaged, or beyond MAX_PIXELS or MAX_FRAMES.
    """
    if path.stat().st_size == 0:
        raise BadMedia("empty file (0 bytes)")
    with path.open("rb") as file:  # a file object, because FFmpeg reads names such as "a:b.mp4" as addresses
        try:
            container = av.open(file, "r", metadata_errors="replace")
        except (av.FFmpegError, ValueError) as error:
            raise BadMedia(f"not a video: {_reason(error)}, or cut off before its index") from error
        with container:
            if not container.streams.video:
                raise BadMedia("no video stream")
            clip = _clip(_Stream(container, container.streams.video[0]), size, rate_hz, max_frames)
            if container.format.name == "gif":
                _check_gif_end(file)
    return clip


def letterbox(frame: av.VideoFrame, size: int, scaler: VideoReformatter) -> NDArray[np.uint8]:
    """A frame as grey [size, size], aspect kept, centred on black; area interpolation."""
    shrink = size / max(frame.width, frame.height)
    width, height = max(1, round(frame.width * shrink)), max(1, round(frame.height * shrink))
    grey = scaler.reformat(
        frame, width, height, "gray", interpolation=_EXACT_AREA, dst_color_range=ColorRange.JPEG, threads=1
    )
    plane = grey.planes[0]
    pixels = np.frombuffer(memoryview(plane), np.uint8).reshape(height, plane.line_size)[:, :width]
    top, left = (size - height) // 2, (size - width) // 2
    canvas = np.zeros((size, size), np.uint8)
    canvas[top : top + height, left : left + width] = pixels
    return canvas


def check_pixels(width: int, height: int) -> None:
    """Raises BadMedia for a frame of more than MAX_PIXELS, or of no size (FFmpeg's sign of a mad one)."""
    if width * height == 0:
        raise BadMedia("its frames have no size, or an impossible one")
    if width * height > MAX_PIXELS:
        raise BadMedia(f"frame of {width} x {height} pixels; at most {MAX_PIXELS} pixels are read")


def _clip(stream: _Stream, size: int, rate_hz: float | None, max_frames: int | None) -> Clip:
    if stream.video.codec_context is None:
        raise BadMedia("no decoder for its video stream")
    check_pixels(stream.video.width, stream.video.height)
    stream.video.codec_context.thread_count = 1  # files are decoded side by side instead
    packets = _packets(stream)
    frames: list[NDArray[np.uint8]] = []
    numbers: list[int] = []
    times: list[float] = []
    try:
        for number, time_s, frame in _sampled(_timed(packets, stream), rate_hz):
            if max_frames is None and len(frames) == MAX_FRAMES:
                raise BadMedia(f"more than {MAX_FRAMES} frames: lower the rate or limit the frames of a video")
            frames.append(letterbox(frame, size, stream.scaler))
            numbers.append(number)
            times.append(time_s)
            if len(frames) == max_frames:
                break
    except av.FFmpegError as error:
        _check_complete(packets, stream)
        raise BadMedia(f"decoding failed at frame {stream.frames}: {_reason(error)}") from error
    _check_complete(packets, stream)
    if not frames:
        raise BadMedia("no frame could be decoded")
    return Clip(np.stack(frames), np.array(numbers, np.int64), np.array(times), _note(stream))


def _packets(stream: _Stream) -> Iterator[av.Packet]:
    """The stream's packets; counts the whole ones."""
    for packet in stream.container.demux(stream.video):
        stream.packets += bool(packet.size) and not packet.is_corrupt
        yield packet


def _timed(packets: Iterator[av.Packet], stream: _Stream) -> Iterator[tuple[int, float, av.VideoFrame]]:
    """Decoded frames, their number and time in s since the first; bad time stamps are replaced."""
    period = 1.0 / float(stream.video.average_rate or FALLBACK_RATE_HZ)
    start, last = None, -period
    for packet in packets:
        for frame in packet.decode():
            time_s = -math.inf
            if frame.pts is not None and frame.time_base is not None:
                stamp = float(frame.pts * frame.time_base)
                start = stamp - stream.frames * period if start is None else start
                time_s = stamp - start
            if time_s <= last:
                time_s = last + period
                stream.untimed += 1
            last = time_s
            stream.frames += 1
            yield stream.frames - 1, time_s, frame


def _sampled(
    timed: Iterator[tuple[int, float, av.VideoFrame]], rate_hz: float | None
) -> Iterator[tuple[int, float, av.VideoFrame]]:
    """The first frame at or after each multiple of 1 / rate_hz."""
    due = 0
    for number, time_s, frame in timed:
        if rate_hz is None:
            yield number, time_s, frame
        elif (reached := math.floor((time_s + TIME_TOLERANCE_S) * rate_hz)) >= due:
            due = reached + 1
            yield number, time_s, frame


def _check_complete(packets: Iterator[av.Packet], stream: _Stream) -> None:
    """Reads on without decoding: a file that is cut behind the last frame wanted is still a cut file.

    No tolerance: in all 493 clips of COVID-BLUES and covid19_ultrasound the two counts agree. Packets are
    compared, not frames, because the edit list of a .mov hides some frames on purpose.
    """
    try:
        for _ in packets:
            pass
    except av.FFmpegError:
        pass  # the count says what is missing
    declared = stream.video.frames
    if stream.packets < declared:
        raise BadMedia(f"truncated: {stream.packets} of {declared} frames could be read")


def _check_gif_end(file: BinaryIO) -> None:
    """A GIF declares no number of frames; it ends in an empty block and a semicolon instead."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - 64))  # some programs write a few bytes behind the end
    if b"\0;" not in file.read():
        raise BadMedia("truncated: the end mark of the GIF is missing")


def _note(stream: _Stream) -> str:
    notes = ["only one frame"] if stream.frames == 1 and stream.packets == 1 else []
    if stream.untimed:
        notes.append(f"{stream.untimed} frames without a usable time stamp: timed by the frame rate")
    return "; ".join(notes)


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", "") or error)
