"""Decode DICOM clips and images to grey frames of one size: only the ultrasound picture, without the text around it.

pydicom reads the file frame by frame. No patient tag is read (uscl.data.decode.dicom_header), and pydicom's own
messages, which may quote the file, reach neither the log nor an error.
"""

import io
import logging
import warnings
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.encaps import parse_fragments

from uscl.data.decode.colour import coloured_share
from uscl.data.decode.crop import Crop, crop_box, cut
from uscl.data.decode.dicom_display import Display, display_of
from uscl.data.decode.dicom_header import PYDICOM_FAULTS, Header, frame_times, read_header, ultrasound_region
from uscl.data.decode.dicom_pixels import packed_frames, stored_pixels
from uscl.data.decode.dicom_scale import mm_per_pixel
from uscl.data.decode.grey_levels import Depth, depth_between, eight_bits
from uscl.data.decode.image import fit_image
from uscl.data.decode.video import BadMedia, Clip, check_work, limited_frames, sampled_frames
from uscl.data.picture_box import Box

LEAST_FRAME_BYTES = 10  # of a compressed frame: its item header and at least some content


class Levels(NamedTuple):
    """How the stored values of a file become grey: its display transforms, the depth after them, whether to invert."""

    display: Display | None  # None for colours
    depth: Depth | None  # None if the values have 8 bits
    inverted: bool
    remark: str


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
    levels = levels_of(file, header, wanted, box)
    frames, pictures, colour = [], [], []
    for stored in wanted_pixels(file, header, wanted):
        part = shown(cut(stored, box), levels)
        frames.append(fit_image(grey(part, levels), size))
        colour.append(coloured_share(part) if part.ndim == 3 else 0.0)
        pictures.append(box)
    untimed = "no frame times: 25 Hz assumed" if rate_hz and header.frames > 1 and not timed_by_file else ""
    remarks = ("only one frame" if header.frames == 1 else "", untimed, remark, header.remark, levels.remark)
    note = "; ".join(filter(None, remarks))
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


def wanted_pixels(file: Bounded, header: Header, wanted: Collection[int]) -> Iterator[NDArray]:
    """The stored values of each wanted frame. Raises BadMedia if the file ends before the last of them."""
    found = 0
    for number, data in packed_frames(file, header):
        if number in wanted:
            found += 1
            yield stored_pixels(data, header)
        if found == len(wanted):
            return
    raise BadMedia(f"truncated: frame {found} of {header.frames} cannot be found")


def levels_of(file: Bounded, header: Header, wanted: Collection[int], box: Box) -> Levels:
    """How to show a file. Pixels of more than 8 bits are read twice: the range of all frames decides their depth."""
    display = display_of(header.tags) if header.is_grey else None
    least, most = (-128, 127) if header.signed else (0, 255)
    if header.declared_depth != 8:
        parts = (cut(image, box) for image in wanted_pixels(file, header, wanted))
        ranges = [(part.min(), part.max()) for part in parts]
        least, most = int(min(low for low, _ in ranges)), int(max(high for _, high in ranges))
    remarks = []
    if display and not display.shows(least, most):
        display = replace(display, voi=None)
        remarks.append("its window or lookup table would show nothing, so it is not applied")
    depth = None
    if display and header.declared_depth != 8 and display.rescales(least):
        display = replace(display, rescaled=True)
        least, most = (round(display.slope * value + display.intercept) for value in (least, most))
        depth = depth_between(least, most, header.options["bits_allocated"], signed=False)
    elif display and display.modality and not display.voi:
        depth = depth_between(0, int(display.modality.entries.max()), display.modality.bits, signed=False)
    elif not (display and display.voi) and (header.signed or header.declared_depth != 8):
        depth = depth_between(least, most, header.declared_depth, header.signed, header.deliberate_depth)
    inverted = header.options["photometric_interpretation"] == "MONOCHROME1"
    if display:
        inverted ^= display.inverts
    remarks += [depth.remark] if depth and depth.remark else []
    return Levels(display, depth, inverted, "; ".join(remarks))


def shown(stored: NDArray, levels: Levels) -> NDArray[np.uint8]:
    """Stored values with 8 bits: [height, width], or red, green and blue [height, width, 3]."""
    return eight_bits(levels.display(stored) if levels.display else stored, levels.depth)


def grey(image: NDArray[np.uint8], levels: Levels) -> NDArray[np.uint8]:
    """A shown image as grey [height, width], 0 black and 255 white."""
    if image.ndim == 3:
        image = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
    return 255 - image if levels.inverted else image
