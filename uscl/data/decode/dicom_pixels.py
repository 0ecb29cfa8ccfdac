"""A frame of a DICOM file, from its bytes to its stored values."""

import io
from collections.abc import Iterator
from typing import BinaryIO

import PIL
import PIL.Image
from numpy.typing import NDArray
from pydicom.encaps import generate_frames
from pydicom.pixels import apply_color_lut, get_decoder
from pydicom.uid import RLELossless

from uscl.data.decode.dicom_header import Header
from uscl.data.decode.dicom_syntax import NEEDS_GDCM, decoder_name
from uscl.data.decode.video import BadMedia

SPARE_BYTES = 100_000  # a compressed frame may exceed twice its pixels by this much
FRAME_HEADS = (0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7)  # marks in a JPEG


def packed_frames(file: BinaryIO, header: Header) -> Iterator[tuple[int, bytes]]:
    """Each frame's number and its bytes as stored in the file."""
    file.seek(header.offset)
    if header.syntax.is_encapsulated:
        offsets = header.options.get("extended_offsets")
        yield from enumerate(generate_frames(file, number_of_frames=header.frames, extended_offsets=offsets))
    else:
        for number in range(header.frames):
            yield number, file.read(header.frame_bytes)


def stored_pixels(data: bytes, header: Header) -> NDArray:
    """Decode one frame's bytes to its stored values [height, width], or to red, green and blue [height, width, 3]."""
    if header.syntax.is_encapsulated:
        check_packed(data, header)
    options = header.options | {"number_of_frames": 1, "transfer_syntax_uid": header.syntax}
    options["bits_stored"] = header.bits + header.excess_bits
    options["decoding_plugin"] = decoder_name(header.syntax)
    options.pop("extended_offsets", None)
    pixels, kind = get_decoder(header.syntax).as_array(one_item(data, header), index=0, **options)
    if kind["photometric_interpretation"] == "PALETTE COLOR":
        pixels = apply_color_lut(pixels, header.tags)
    return pixels >> header.excess_bits if header.excess_bits else pixels


def check_packed(data: bytes, header: Header) -> None:
    """Raise BadMedia for a compressed frame of another size than declared, before it is unpacked."""
    if len(data) > 2 * header.frame_bytes + SPARE_BYTES:
        raise BadMedia("a frame with more bytes than its pixels can have")
    if header.syntax == RLELossless:
        return
    try:
        found = jpeg_size(data) if header.syntax in NEEDS_GDCM else pillow_size(data)
    except (OSError, PIL.Image.DecompressionBombError) as error:
        raise BadMedia("a damaged frame: its compressed picture cannot be read") from error
    if found != header.size:
        sizes = f"{found[0]} x {found[1]} pixels in a file of {header.size[0]} x {header.size[1]}"
        raise BadMedia(f"a frame of {sizes}")


def pillow_size(data: bytes) -> tuple[int, int]:
    """Width and height of a picture. Raises OSError."""
    with PIL.Image.open(io.BytesIO(data)) as image:
        return image.size


def jpeg_size(data: bytes) -> tuple[int, int]:
    """Width and height of a JPEG of any kind, of those that Pillow doesn't read too. Raises OSError."""
    at = 2  # after the mark of a JPEG's start
    while data[at : at + 1] == b"\xff":
        kind, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if kind in FRAME_HEADS:
            return int.from_bytes(data[at + 7 : at + 9]), int.from_bytes(data[at + 5 : at + 7])
        at += 2 + length
    raise OSError("no head of a frame")


def one_item(data: bytes, header: Header) -> bytes:
    """A frame as separate pixel data: a compressed frame becomes an item after an empty table."""
    if not header.syntax.is_encapsulated:
        return data
    even = data + b"\0" * (len(data) % 2)
    return b"\xfe\xff\x00\xe0\0\0\0\0" + b"\xfe\xff\x00\xe0" + len(even).to_bytes(4, "little") + even
