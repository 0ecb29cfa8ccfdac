"""Decode DICOM clips and images to grey frames of one size: only the ultrasound picture, without the text around it.

pydicom reads the file frame by frame. No patient tag is read (uscl.data.decode.dicom_header), and pydicom's own
messages, which may quote the file, reach neither the log nor an error.
"""

import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import PIL
import PIL.Image
from numpy.typing import NDArray
from pydicom.encaps import generate_frames, parse_fragments
from pydicom.pixels import apply_color_lut, get_decoder
from pydicom.uid import RLELossless

from uscl.data.decode.colour import coloured_share
from uscl.data.decode.crop import Crop, crop_box, cut
from uscl.data.decode.dicom_header import PYDICOM_FAULTS, Header, frame_times, read_header, ultrasound_region
from uscl.data.decode.dicom_scale import mm_per_pixel
from uscl.data.decode.image import fit_image
from uscl.data.decode.video import BadMedia, Clip, check_work, limited_frames, sampled_frames
from uscl.data.picture_box import Box

LEAST_FRAME_BYTES = 10  # of a compressed frame: its item header and at least some content
SPARE_BYTES = 100_000  # a compressed frame may exceed twice its pixels by this much


class Bounded(io.BufferedReader):
    """A file that is never asked for more bytes than it has: Python allocates the requested size before it reads."""

    def __init__(self, raw: io.RawIOBase) -> None:
        super().__init__(raw)
        self.end = self.seek(0, io.SEEK_END)
        self.seek(0)

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `size` bytes."""
        left = max(0, self.end - self.tell())
        return super().read(left if size is None or size < 0 else min(size, left))


def decode_dicom(path: Path, size: int, rate_hz: float | None, max_frames: int | None, crop: Crop = ()) -> Clip:
    """The first `max_frames` frames of a DICOM file at `rate_hz` (None: every frame), letterboxed to size x size.

    A crop counts from the corner of the whole frame and replaces the file's region. Sampled as in
    uscl.data.decode.video.decode. Raises BadMedia if the file is empty, not DICOM, without pixels, in an unsupported
    transfer syntax, cut short, damaged, or beyond a limit of uscl.data.decode.video.
    """
    silence_pydicom()
    if path.stat().st_size == 0:
        raise BadMedia("empty file (0 bytes)")
    with path.open("rb", buffering=0) as raw:
        file = Bounded(raw)
        try:
            header = read_header(file)
            check_complete(file, header)
            return read_clip(file, header, size, rate_hz, max_frames, crop)
        except (OSError, *PYDICOM_FAULTS) as error:
            if getattr(error, "errno", None):  # an error of the disk; pydicom's own errors have no number
                raise
            # Without the cause: its message may quote any part of the file.
            raise BadMedia("a damaged DICOM file: its header or its pixels cannot be decoded") from None


def silence_pydicom() -> None:
    """Keep pydicom's messages, which may quote values of the file, from the log and from the screen.

    `warnings.catch_warnings` would not be thread-safe.
    """
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    warnings.filterwarnings("ignore", module="pydicom")


def check_complete(file: Bounded, header: Header) -> None:
    """Raise BadMedia for a file that holds fewer frames than it declares, as far as is known without decoding."""
    if header.syntax.is_encapsulated:
        if (file.end - header.offset) // LEAST_FRAME_BYTES < header.frames:
            raise BadMedia(f"truncated: it cannot hold the {header.frames} frames that it declares")
        whole = whole_fragments(file, header)
    else:
        whole = min(file.end - header.offset, header.declared_bytes) // header.frame_bytes
    if whole < header.frames:
        raise BadMedia(f"truncated: {whole} of {header.frames} frames could be read")


def whole_fragments(file: Bounded, header: Header) -> int:
    """The number of complete fragments of compressed pixels; a frame has one or more."""
    file.seek(header.offset)
    count, offsets = parse_fragments(file)
    file.seek(offsets[-1] + 4)
    last = int.from_bytes(file.read(4), "little")
    cut = offsets[-1] + 8 + last > file.end
    if cut and count - 1 > header.frames:  # several fragments per frame: the number of whole frames is unknown
        raise BadMedia("truncated: its last frame is cut")
    return count - 1 - cut  # the first fragment is a table


def read_clip(
    file: Bounded, header: Header, size: int, rate_hz: float | None, max_frames: int | None, crop: Crop = ()
) -> Clip:
    """The frames of an open file; arguments and errors as in `decode_dicom`."""
    times, timed_by_file = frame_times(header.tags, header.frames)
    box, remark = picture_of(header, crop)
    timed = ((number, time_s, None) for number, time_s in enumerate(times.tolist()))
    wanted = {number: time_s for number, time_s, _ in limited_frames(sampled_frames(timed, rate_hz), max_frames)}
    check_work(len(wanted), len(wanted) * header.size[0] * header.size[1], max(wanted.values()))
    frames, pictures, colour = [], [], []
    for number, data in packed_frames(file, header):
        if number in wanted:
            shown = cut(shown_pixels(data, header), box)
            frames.append(fit_image(grey(shown, header), size))
            colour.append(coloured_share(shown) if shown.ndim == 3 else 0.0)
            pictures.append(box)
        if len(frames) == len(wanted):
            break
    else:
        raise BadMedia(f"truncated: frame {len(frames)} of {header.frames} cannot be found")
    untimed = "no frame times: 25 Hz assumed" if rate_hz and header.frames > 1 and not timed_by_file else ""
    note = "; ".join(filter(None, ("only one frame" if header.frames == 1 else "", untimed, remark)))
    times_s, picture = np.array(list(wanted.values())), np.array(pictures, np.int64)
    scale = mm_per_pixel(header.tags)
    return Clip(np.stack(frames), np.array(list(wanted), np.int64), times_s, picture, note, scale, colour)


def picture_of(header: Header, crop: Crop) -> tuple[Box, str]:
    """Where the picture lies in a frame, by the crop or else by the file's regions, and a remark or ""."""
    width, height = header.size
    if crop:
        return crop_box(crop, height, width), ""
    (rows, columns), remark = ultrasound_region(header.tags, header.size)
    return Box(rows.start, columns.start, rows.stop - rows.start, columns.stop - columns.start), remark


def packed_frames(file: Bounded, header: Header) -> Iterator[tuple[int, bytes]]:
    """Each frame's number and its bytes as stored in the file."""
    file.seek(header.offset)
    if header.syntax.is_encapsulated:
        offsets = header.options.get("extended_offsets")
        yield from enumerate(generate_frames(file, number_of_frames=header.frames, extended_offsets=offsets))
    else:
        for number in range(header.frames):
            yield number, file.read(header.frame_bytes)


def shown_pixels(data: bytes, header: Header) -> NDArray[np.uint8]:
    """Decode one frame's bytes to 8 bits: [height, width], or red, green and blue [height, width, 3]."""
    if header.syntax.is_encapsulated:
        check_packed(data, header)
    options = header.options | {"number_of_frames": 1, "transfer_syntax_uid": header.syntax}
    options.pop("extended_offsets", None)
    pixels, _ = get_decoder(header.syntax).as_array(one_item(data, header), index=0, **options)
    bits = int(header.options["bits_stored"])
    if header.options["photometric_interpretation"] == "PALETTE COLOR":
        pixels = apply_color_lut(pixels, header.tags)
        bits = 8 * pixels.itemsize
    return eight_bits(pixels, bits)


def grey(shown: NDArray[np.uint8], header: Header) -> NDArray[np.uint8]:
    """Shown pixels as grey [height, width], 0 black and 255 white."""
    if shown.ndim == 3:
        return cv2.cvtColor(shown, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
    return 255 - shown if header.options["photometric_interpretation"] == "MONOCHROME1" else shown


def check_packed(data: bytes, header: Header) -> None:
    """Raise BadMedia for a compressed frame of another size than declared, before it is unpacked."""
    if len(data) > 2 * header.frame_bytes + SPARE_BYTES:
        raise BadMedia("a frame with more bytes than its pixels can have")
    if header.syntax == RLELossless:
        return
    try:
        with PIL.Image.open(io.BytesIO(data)) as image:
            found = image.size
    except (OSError, PIL.Image.DecompressionBombError) as error:
        raise BadMedia("a damaged frame: its compressed picture cannot be read") from error
    if found != header.size:
        sizes = f"{found[0]} x {found[1]} pixels in a file of {header.size[0]} x {header.size[1]}"
        raise BadMedia(f"a frame of {sizes}")


def one_item(data: bytes, header: Header) -> bytes:
    """A frame as separate pixel data: a compressed frame becomes an item after an empty table."""
    if not header.syntax.is_encapsulated:
        return data
    even = data + b"\0" * (len(data) % 2)
    return b"\xfe\xff\x00\xe0\0\0\0\0" + b"\xfe\xff\x00\xe0" + len(even).to_bytes(4, "little") + even


def eight_bits(pixels: NDArray, bits: int) -> NDArray[np.uint8]:
    """Convert pixels of `bits` bits, signed or unsigned, to 8 bits: the lowest bits are dropped, black stays 0."""
    values = pixels.astype(np.int64) + ((1 << (bits - 1)) if pixels.dtype.kind == "i" else 0)
    values = values >> (bits - 8) if bits > 8 else values << (8 - bits)
    return values.clip(0, 255).astype(np.uint8)
