"""The image part of a DICOM header: size, region of the ultrasound picture, times. Nothing about the patient.

Only the tags named here are read. No message contains a value or a word from the file, since a damaged file may have
anything anywhere.
"""

import math
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filereader import dcmread, read_dataset
from pydicom.pixels import as_pixel_options
from pydicom.uid import UID, JPEGExtended12Bit, RLELossless

from uscl.data.decode.dicom_syntax import UNPACK, decoder_name, way_out
from uscl.data.decode.video import FALLBACK_RATE_HZ, BadMedia, check_pixels

PALETTES = [
    f"{prefix}{colour}PaletteColorLookupTable{part}"
    for colour in ("Red", "Green", "Blue")
    for prefix, part in (("", "Descriptor"), ("", "Data"), ("Segmented", "Data"))
]
TIMES = ["FrameTimeVector", "FrameTime", "CineRate", "RecommendedDisplayFrameRate"]
MODALITY = ["ModalityLUTSequence", "RescaleSlope", "RescaleIntercept"]
VOI = ["VOILUTSequence", "WindowCenter", "WindowWidth", "VOILUTFunction"]
GROUPS = ["SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"]  # of enhanced files
TAGS = [
    *("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
    *("ExtendedOffsetTable", "ExtendedOffsetTableLengths", *MODALITY, *VOI, *GROUPS),
    *("SequenceOfUltrasoundRegions", "PixelSpacing", *PALETTES, *TIMES),
]
COLOURS = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
FILE_META = 0x0002  # the group of tags that says how the others are written
UNDEFINED_LENGTH = 0xFFFFFFFF
PADDING = 1  # byte after pixels of an odd length
PIXEL_DATA = (0x7FE0, 0x0010)
TWO_DIMENSIONAL = 1  # RegionSpatialFormat; 2 is M-mode, 3 a spectrum, 4 a wave form, 5 graphics
REGION_ENDS = ("RegionLocationMinX0", "RegionLocationMinY0", "RegionLocationMaxX1", "RegionLocationMaxY1")
RATES_HZ = (0.01, 10_000.0)  # values in this range count as frame rates
# What pydicom raises on a damaged file; anything else would be a fault of this program.
PYDICOM_FAULTS = (
    *(ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError),
    *(RuntimeError, TypeError, ValueError, struct.error, BytesLengthException, InvalidDicomError),
)
WHOLE_FRAME = "the whole frame is kept, burnt-in text with it"


@dataclass
class Header:
    """The image part of a DICOM file; `offset` is the position at which the value of PixelData begins."""

    tags: pydicom.Dataset
    syntax: UID
    options: dict[str, Any]
    offset: int
    declared_bytes: int
    remark: str = ""

    @property
    def frames(self) -> int:
        """The number of frames that the file declares."""
        return self.options["number_of_frames"]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of a frame in pixels."""
        return self.options["columns"], self.options["rows"]

    @property
    def bits(self) -> int:
        """The bits of a stored value."""
        return int(self.options["bits_stored"])

    @property
    def excess_bits(self) -> int:
        """The bits below a stored value, if it does not lie in the lowest bits."""
        high = int(number(self.tags.get("HighBit")))
        as_stored = not self.syntax.is_encapsulated or self.syntax == RLELossless  # others have a depth of their own
        return high + 1 - self.bits if as_stored and self.bits <= high < self.options["bits_allocated"] else 0

    @property
    def declared_depth(self) -> int:
        """The bits of a value after the palette, if the file has one."""
        palette = values(self.tags, PALETTES[0])
        is_palette = self.options["photometric_interpretation"] == "PALETTE COLOR"
        return int(palette[2]) if is_palette else self.bits

    @property
    def deliberate_depth(self) -> bool:
        """Whether the file declares fewer bits than it has room for, or a palette, whose depth is always declared."""
        return self.declared_depth < self.options["bits_allocated"] or not self.is_grey

    @property
    def is_grey(self) -> bool:
        """Whether a pixel is one grey level."""
        return self.options["photometric_interpretation"] in ("MONOCHROME1", "MONOCHROME2")

    @property
    def signed(self) -> bool:
        """Whether stored values may be negative."""
        return self.options.get("pixel_representation") == 1

    @property
    def frame_bytes(self) -> int:
        """Bytes of an uncompressed frame."""
        width, height = self.size
        half_colour = self.options["photometric_interpretation"] == "YBR_FULL_422" and not self.syntax.is_encapsulated
        samples = 2 if half_colour else self.options["samples_per_pixel"]
        return width * height * samples * self.options["bits_allocated"] // 8


def read_header(file: BinaryIO) -> Header:
    """Read the tags before the pixels. Raises BadMedia, or one of PYDICOM_FAULTS for a damaged header."""
    if file.read(132)[128:] != b"DICM":
        raise BadMedia("not a DICOM file: its mark DICM is missing")
    syntax = transfer_syntax(file)
    file.seek(0)
    tags = dcmread(file, stop_before_pixels=True, specific_tags=list(TAGS))
    options = as_pixel_options(tags)
    start = file.read(12)
    if len(start) < 12 or np.frombuffer(start[:4], f"{byte_order(syntax)}u2").tolist() != list(PIXEL_DATA):
        raise BadMedia("a DICOM file without pixel data")
    explicit = start[4:6] in (b"OB", b"OW", b"UN")
    length = int(np.frombuffer(start[8:] if explicit else start[4:8], f"{byte_order(syntax)}u4")[0])
    offset = file.tell() if explicit else file.tell() - 4
    options |= {"pixel_keyword": "PixelData", "pixel_vr": start[4:6].decode() if explicit else "OW"}
    check_options(options, syntax)
    header = Header(tags, syntax, options, offset, length)
    if not syntax.is_encapsulated and length != UNDEFINED_LENGTH:
        settle_label(file, header)
        more = length - header.frames * header.frame_bytes
        if more > PADDING:
            header.remark = (
                f"its PixelData has {more} bytes beyond the {header.frames} frames that it declares: not read"
            )
    return header


def settle_label(file: BinaryIO, header: Header) -> None:
    """Correct the label of colours if the length or the values of the pixels show that it is wrong."""
    options, given = header.options, header.options["photometric_interpretation"]
    full_bytes = header.size[0] * header.size[1] * 3
    too_long = 0 <= header.declared_bytes - header.frames * full_bytes <= PADDING
    if options["bits_allocated"] != 8 or not (given in ("RGB", "YBR_FULL") or (given == "YBR_FULL_422" and too_long)):
        return
    file.seek(header.offset)
    samples = np.frombuffer(file.read(full_bytes), np.uint8)
    samples = samples[: len(samples) // 3 * 3]  # of a file that is cut
    pixels = samples.reshape(3, -1).T if options.get("planar_configuration") == 1 else samples.reshape(-1, 3)
    found = colours_of(pixels) or ("RGB" if given == "YBR_FULL_422" else given)
    if found != given:
        options["photometric_interpretation"] = found
        why = "too long for" if given == "YBR_FULL_422" else "not those of"
        header.remark = f"its pixels are {why} their label {given}: read as {found}"


def colours_of(pixels: NDArray[np.uint8]) -> str:
    """RGB or YBR_FULL by the values of pixels [n, 3], most of which are grey in ultrasound; "" if they don't tell."""
    values = pixels.astype(int)
    rgb = np.mean(np.ptp(values, axis=1) <= 2) > 0.5
    ybr = np.mean((np.abs(values[:, 1:] - 128) <= 2).all(axis=1)) > 0.5
    return "" if rgb == ybr else "RGB" if rgb else "YBR_FULL"


def byte_order(syntax: UID) -> str:
    """NumPy's symbol for a transfer syntax's byte order."""
    return "<" if syntax.is_little_endian else ">"


def transfer_syntax(file: BinaryIO) -> UID:
    """The transfer syntax of a file that is open just after its mark. Raises BadMedia if it isn't supported.

    This is read before everything else: pydicom would inflate a deflated file to any size.
    """
    meta = read_dataset(file, False, True, stop_when=lambda tag, vr, length: tag >> 16 != FILE_META)
    syntax = UID(str(meta.get("TransferSyntaxUID", "")))
    if not syntax:
        raise BadMedia("a DICOM file that names no transfer syntax")
    if decoder_name(syntax) is None:
        name = syntax.name if syntax.keyword else "an unknown transfer syntax"
        raise BadMedia(f"its pixels are packed as {name}, which is not read: {way_out(syntax)}")
    return syntax


def check_options(options: dict[str, Any], syntax: UID) -> None:
    """Raise BadMedia for pixels of an unsupported size or kind."""
    check_pixels(int(options.get("columns") or 0), int(options.get("rows") or 0))
    if options.get("photometric_interpretation") not in COLOURS:
        raise BadMedia(f"its photometric interpretation is none of {', '.join(COLOURS)}")
    if options.get("bits_allocated") not in (8, 16, 32):
        raise BadMedia("its pixels are not of 8, 16 or 32 bits")
    if syntax == JPEGExtended12Bit and options.get("bits_stored") != 8:
        raise BadMedia(f"its pixels are packed as JPEG of 12 bits, which is not read: {UNPACK}")
    if not isinstance(options["number_of_frames"], int) or options["number_of_frames"] < 1:
        raise BadMedia("its NumberOfFrames is not a number above 0")
    options["number_of_frames"] = int(options["number_of_frames"])


def frame_times(tags: pydicom.Dataset, frames: int) -> tuple[NDArray[np.float64], bool]:
    """Seconds since the first frame [frames], and whether they come from the file (else from FALLBACK_RATE_HZ)."""
    steps = [number(step) for step in values(tags, "FrameTimeVector")]
    if frames > 1 and len(steps) == frames and all(usable(1000 / step if step else 0) for step in steps[1:]):
        return np.cumsum([0.0, *steps[1:]]) / 1000, True
    period_ms = number(tags.get("FrameTime"))
    rates = [1000 / period_ms if period_ms else 0, *(number(tags.get(name)) for name in TIMES[2:])]
    rate = next(filter(usable, rates), None)
    return np.arange(frames) / (rate or FALLBACK_RATE_HZ), rate is not None


def usable(rate_hz: float) -> bool:
    """Whether a value can be a frame rate."""
    return RATES_HZ[0] <= rate_hz <= RATES_HZ[1]


def values(tags: pydicom.Dataset, name: str) -> list:
    """The values of a tag that may have several; an empty list if it is missing."""
    value = tags.get(name)
    return [] if value is None else list(value) if isinstance(value, (pydicom.multival.MultiValue, list)) else [value]


def number(value: object) -> float:
    """A tag's value as a number; 0 if it isn't one."""
    try:
        parsed = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return 0.0
    return parsed if math.isfinite(parsed) else 0.0


def ultrasound_region(tags: pydicom.Dataset, size: tuple[int, int]) -> tuple[tuple[slice, slice], str]:
    """Rows and columns of the ultrasound picture, the bounding box of its regions, and a remark or "".

    Only the 2D regions count, or all regions if there are none; text around them is usually patient data.
    """
    width, height = size
    whole = slice(0, height), slice(0, width)
    regions = tags.get("SequenceOfUltrasoundRegions") or []
    flat = [region for region in regions if number(region.get("RegionSpatialFormat")) == TWO_DIMENSIONAL]
    boxes = [[number(region.get(end, math.nan)) for end in REGION_ENDS] for region in flat or regions]
    if not boxes:
        return whole, f"no SequenceOfUltrasoundRegions: {WHOLE_FRAME}"
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    left, right = max(0, int(min(lefts))), min(width, int(max(rights)) + 1)  # the last column belongs to the region
    top, bottom = max(0, int(min(tops))), min(height, int(max(bottoms)) + 1)
    if right - left < 2 or bottom - top < 2:
        return whole, f"SequenceOfUltrasoundRegions is empty or outside of the frame: {WHOLE_FRAME}"
    return (slice(top, bottom), slice(left, right)), ""
