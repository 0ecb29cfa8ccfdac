"""Read video files as grey frames of one size: decode, scale, letterbox and sample by time.

PyAV (FFmpeg) reads the file; FFmpeg's own scaler converts each frame to full-range grey and shrinks it in one pass, so
that black is 0 and white 255 whatever the codec's colour range. The scaler runs in its bit-exact mode: the same file
gives the same pixels on every processor. A display matrix turns the frames upright. Pixels count as square: the pixel
aspect ratio that a few cropped clips still carry describes the video before it was cropped.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar

import av
import numpy as np
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter
from numpy.typing import NDArray

from uscl.data.decode.bad_media import BadMedia
from uscl.data.decode.colour import ClipColour, FilmFrame, film_colour
from uscl.data.decode.crop import Crop, crop_box, cut
from uscl.data.decode.film import film_of, films_in
from uscl.data.decode.grey_levels import depth_of, eight_bits
from uscl.data.decode.orientation import Turn, turn_of, upright, upright_shape
from uscl.data.decode.whole_file import avi_frames, is_cut
from uscl.data.picture_box import Box, picture_box

MAX_PIXELS = 64_000_000  # per frame; guards against files that unpack to more memory than is available
MAX_FRAMES = 20_000  # kept per file if the caller sets no limit (11 minutes at 30 Hz, 1 GB at 224 px)
MAX_SECONDS = 3600.0  # from the first frame to the last that is decoded; files of a few kilobytes can claim days
MAX_DECODED_FRAMES = 250_000  # an hour at 60 Hz and more, kept or not
MAX_DECODED_PIXELS = 500_000_000_000  # of all its frames together: an hour of 1920 x 1080 at 60 Hz
TIME_TOLERANCE_S = 0.0005  # containers round presentation times to a millisecond
FALLBACK_RATE_HZ = 25.0  # for a stream that declares neither time stamps nor a rate
# The formats that FFmpeg may detect, whatever the file's name; no playlists or scripts, which name files or addresses.
CONTAINERS = "mov,avi,mpeg,mpegvideo,mpegts,gif,matroska,asf,flv,ogg,h264,hevc,m4v,mjpeg,apng"
OPEN_OPTIONS = {"format_whitelist": CONTAINERS, "protocol_whitelist": "", "enable_drefs": "0"}
EXACT_AREA = Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.BITEXACT

Frame = TypeVar("Frame")  # a frame, decoded or not
Timed = tuple[int, float, Frame]  # number in the file, seconds since the first frame, frame


class Clip(NamedTuple):
    """Frames [n, size, size], number in the file [n], presentation time in s [n], and a remark or "".

    `picture` [n, 4] is where each picture lies in its source frame (top, left, height, width in pixels, before it was
    scaled and letterboxed), `mm_per_pixel` the size of a pixel there, NaN if unknown. `colour` [n] is the share of each
    picture that has a strong colour (uscl.data.decode.colour); () if none has. `source_mask` is the mask of an image at
    the size of its picture there, as a PNG of labels; empty if it has none.
    """

    frames: NDArray[np.uint8]
    number: NDArray[np.int64]
    time_s: NDArray[np.float64]
    picture: NDArray[np.int64]
    note: str
    mm_per_pixel: float = math.nan
    colour: Sequence[float] = ()
    source_mask: bytes = b""


@dataclass
class Stream:
    """A video stream that is being read, with counts of what has been read so far."""

    file: BinaryIO
    container: av.container.InputContainer
    video: av.VideoStream
    packets: int = 0
    frames: int = 0
    pixels: int = 0
    untimed: int = 0
    dropped: int = 0  # frames that an AVI counts but doesn't hold
    rounded: bool = False  # whether a display matrix is no multiple of 90 degrees
    scaler: VideoReformatter = field(default_factory=VideoReformatter)
    cropper: VideoReformatter = field(default_factory=VideoReformatter)  # each keeps what it has prepared for one size
    colour: ClipColour[FilmFrame] = field(default_factory=film_colour)


def decode(path: Path, size: int, rate_hz: float | None, max_frames: int | None, crop: Crop = ()) -> Clip:
    """The first `max_frames` frames of a video at `rate_hz` (None: every frame), cropped, letterboxed to size x size.

    Sample k is the first frame at or after k / rate_hz; a video with a lower rate gives each frame once.
    Raises BadMedia if the file is empty, not a video, cut short (fewer frames than the container declares, or a part
    that ends after the file; see uscl.data.decode.whole_file), damaged, or beyond one of the limits above.
    """
    if path.stat().st_size == 0:
        raise BadMedia("empty file (0 bytes)")
    with path.open("rb") as file:  # a file object, because FFmpeg reads names such as "a:b.mp4" as addresses
        try:
            container = av.open(file, "r", options=OPEN_OPTIONS, metadata_errors="replace")
        except (av.FFmpegError, ValueError) as error:
            raise BadMedia(f"not a video: {ffmpeg_reason(error)}, or cut off before its index") from error
        with container:
            film = film_of(container)
            if film is None:
                raise BadMedia(f"no video stream{' but a cover picture' if container.streams.video else ''}")
            return read_clip(Stream(file, container, film), size, rate_hz, max_frames, crop)


def letterbox(frame: av.VideoFrame, size: int, scaler: VideoReformatter, turn: Turn | None = None) -> NDArray:
    """A frame as grey [size, size], upright, aspect kept, centred on black; area interpolation.

    A frame of 16 bits keeps them: only all frames together show which of them it uses.
    """
    turn = turn or Turn()
    top, left, height, width = picture_box(*upright_shape(frame, turn), size)
    pixels = grey_pixels(frame, height, width, scaler, turn)
    canvas = np.zeros((size, size), pixels.dtype)
    canvas[top : top + height, left : left + width] = pixels
    return canvas


def grey_pixels(frame: av.VideoFrame, height: int, width: int, scaler: VideoReformatter, turn: Turn) -> NDArray:
    """A frame as grey [height, width], upright."""
    stored = (height, width) if turn.swap else (width, height)
    full = ColorRange.JPEG
    kind, numbers = ("gray16le", "<u2") if frame.format.components[0].bits == 16 else ("gray", "u1")
    grey = scaler.reformat(frame, *stored, kind, interpolation=EXACT_AREA, dst_color_range=full, threads=1)
    return upright(np.frombuffer(memoryview(grey.planes[0]), numbers).reshape(stored[1], -1)[:, : stored[0]], turn)


def check_pixels(width: int, height: int) -> None:
    """Raise BadMedia for a frame of more than MAX_PIXELS, or of size 0, which FFmpeg reports for an impossible size."""
    if width * height == 0:
        raise BadMedia("its frames have no size, or an impossible one")
    if width * height > MAX_PIXELS:
        raise BadMedia(f"frame of {width} x {height} pixels; at most {MAX_PIXELS} pixels are read")


def check_work(frames: int, pixels: int, seconds: float) -> None:
    """Raise BadMedia if a file exceeds the limits on frames, pixels of all frames together, or seconds."""
    if seconds > MAX_SECONDS:
        raise BadMedia(f"longer than {MAX_SECONDS:.0f} s: cut it into parts, or limit the frames of a video")
    if frames > MAX_DECODED_FRAMES:
        raise BadMedia(f"more than {MAX_DECODED_FRAMES} frames to decode: cut it into parts")
    if pixels > MAX_DECODED_PIXELS:
        raise BadMedia(
            f"more than {MAX_DECODED_PIXELS} pixels to decode: cut it into parts, or make its frames smaller"
        )


def read_clip(stream: Stream, size: int, rate_hz: float | None, max_frames: int | None, crop: Crop = ()) -> Clip:
    """The frames of an open stream; arguments and errors as in `decode`."""
    if stream.video.codec_context is None:
        raise BadMedia("no decoder for its video stream")
    check_pixels(stream.video.width, stream.video.height)
    stream.video.codec_context.thread_count = 1  # files are decoded in parallel instead
    stream.video.codec_context.options = {"max_pixels": str(MAX_PIXELS)}  # a later frame may be larger than the first
    packets = counted_packets(stream)
    wanted = limited_frames(sampled_frames(timed_frames(packets, stream), rate_hz), max_frames)
    try:
        kept = [(*fitted(frame, size, stream, crop), number, time_s) for number, time_s, frame in wanted]
    except av.FFmpegError as error:
        check_complete(packets, stream)
        raise BadMedia(f"decoding failed at frame {stream.frames}: {ffmpeg_reason(error)}") from error
    check_complete(packets, stream)
    if not kept:
        raise BadMedia("no frame could be decoded")
    frames, pictures, numbers, times = zip(*kept, strict=True)
    depth = depth_of(frames)
    remark = "; ".join(filter(None, (remark_on(stream), depth.remark)))
    stored = np.stack([eight_bits(frame, depth) for frame in frames])
    place = np.array(pictures, np.int64)
    return Clip(stored, np.array(numbers, np.int64), np.array(times), place, remark, colour=stream.colour.shares())


def fitted(frame: av.VideoFrame, size: int, stream: Stream, crop: Crop) -> tuple[NDArray, Box]:
    """A frame letterboxed to [size, size], and where its picture lies in the upright frame."""
    turn = turn_of(frame)
    stream.rounded |= turn.rounded
    height, width = upright_shape(frame, turn)
    box = crop_box(crop, height, width)
    stream.colour.add(FilmFrame(frame, turn, box))
    if box == (0, 0, height, width):
        return letterbox(frame, size, stream.scaler, turn), box
    part = cut(grey_pixels(frame, height, width, stream.scaler, turn), box)
    cropped = av.VideoFrame.from_ndarray(part, "gray" if part.itemsize == 1 else "gray16le")
    return letterbox(cropped, size, stream.cropper), box


def counted_packets(stream: Stream) -> Iterator[av.Packet]:
    """The stream's packets; counts the complete ones."""
    for packet in stream.container.demux(stream.video):
        stream.packets += bool(packet.size) and not packet.is_corrupt
        yield packet


def timed_frames(packets: Iterator[av.Packet], stream: Stream) -> Iterator[Timed[av.VideoFrame]]:
    """Decoded frames with their number and time in s since the first; replaces bad time stamps."""
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
            stream.pixels += frame.width * frame.height
            check_work(stream.frames, stream.pixels, time_s)
            yield stream.frames - 1, time_s, frame


def sampled_frames(timed: Iterable[Timed[Frame]], rate_hz: float | None) -> Iterator[Timed[Frame]]:
    """The first frame at or after each multiple of 1 / rate_hz."""
    due = 0
    for number, time_s, frame in timed:
        if rate_hz is None:
            yield number, time_s, frame
        elif (reached := math.floor((time_s + TIME_TOLERANCE_S) * rate_hz)) >= due:
            due = reached + 1
            yield number, time_s, frame


def limited_frames(timed: Iterable[Timed[Frame]], max_frames: int | None) -> Iterator[Timed[Frame]]:
    """The first `max_frames` frames; without a limit all frames, but raises BadMedia beyond MAX_FRAMES."""
    for count, frame in enumerate(timed, start=1):
        if max_frames is None and count > MAX_FRAMES:
            raise BadMedia(f"more than {MAX_FRAMES} frames: lower the rate or limit the frames of a video")
        yield frame
        if count == max_frames:
            return


def check_complete(packets: Iterator[av.Packet], stream: Stream) -> None:
    """Read the rest without decoding, and raise BadMedia for a file that is cut, even after the last requested frame.

    There is no tolerance: in all 493 clips of COVID-BLUES and covid19_ultrasound the two counts agree. Packets are
    compared, not frames, because the edit list of a .mov hides some frames on purpose. The header of an AVI also counts
    the frames that the recorder dropped; its movie list tells how many there are.
    """
    try:
        for _ in packets:
            pass
    except av.FFmpegError:
        pass  # the count shows what is missing
    declared, container = stream.video.frames, stream.container.format.name
    if container == "avi" and stream.packets < declared:
        stored = avi_frames(stream.file, stream.video.index)
        stream.dropped, declared = (0, declared) if stored is None else (declared - stored, stored)
    if stream.packets < declared:
        raise BadMedia(f"truncated: {stream.packets} of {declared} frames could be read")
    if is_cut(stream.file, container):
        raise BadMedia(f"truncated: the end{' mark of the GIF' if container == 'gif' else ''} is missing")


def remark_on(stream: Stream) -> str:
    """A remark on a stream that was read, or ""."""
    notes = ["only one frame"] if stream.frames == 1 and stream.packets == 1 else []
    if (films := len(films_in(stream.container))) > 1:
        notes.append(f"{films} video streams in one file: only stream {stream.video.index} is read")
    if stream.dropped:
        notes.append(f"its header counts {stream.dropped} more frames than the file holds: dropped while recording")
    if stream.rounded:
        notes.append("turned by its display matrix, but to a multiple of 90 degrees only")
    if stream.untimed:
        notes.append(f"{stream.untimed} frames without a usable time stamp: timed by the frame rate")
    return "; ".join(notes)


def ffmpeg_reason(error: Exception) -> str:
    """FFmpeg's own words, without its code and the file's name."""
    return str(getattr(error, "strerror", "") or error)
