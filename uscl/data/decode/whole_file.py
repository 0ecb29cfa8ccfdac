"""Whether the file of a video is whole, by the structure of its container, whose parts declare their sizes.

MPEG program and transport streams and raw streams declare nothing: where these are cut can't be known.
"""

import os
import re
import struct
from collections.abc import Iterator
from typing import BinaryIO

MATROSKA_SEGMENT = 0x18538067
ASF_OBJECTS = bytes.fromhex("8e66cf11a6d900aa0062ce6c")  # the end of the names of ASF's header and data objects
FLV_TAGS = (8, 9, 18)  # sound, video, script


def is_cut(file: BinaryIO, container: str) -> bool:
    """Whether a file ends before its container does, as far as its structure tells; `container` is FFmpeg's name."""
    length = file.seek(0, os.SEEK_END)
    file.seek(0)
    if container == "gif":
        return not gif_ends(file, length)
    ends = {"matroska,webm": matroska_ends, "asf": asf_ends, "flv": flv_ends, "ogg": ogg_ends}
    return any(end > length for end in ends[container](file, length)) if container in ends else False


def gif_ends(file: BinaryIO, length: int) -> bool:
    """Whether a GIF ends in an empty block and a semicolon; some programs write a few bytes after these."""
    file.seek(max(0, length - 64))
    return b"\0;" in file.read()


def matroska_ends(file: BinaryIO, length: int) -> Iterator[int]:
    """Where each top element of a Matroska or WebM ends; a live recording doesn't declare the size of its segment."""
    while file.tell() < length:
        name, _ = ebml_number(file)
        size, known = ebml_number(file, without_mark=True)
        if not known:
            return
        yield (end := file.tell() + size)
        if name == MATROSKA_SEGMENT:
            return
        file.seek(end)


def ebml_number(file: BinaryIO, *, without_mark: bool = False) -> tuple[int, bool]:
    """A number whose first byte tells its length by its leading zeros, and whether it is a known size."""
    first = file.read(1)
    if not first or not first[0]:
        return 0, False
    size = 9 - first[0].bit_length()
    value = int.from_bytes(first + file.read(size - 1))
    bare = value & ((1 << (7 * size)) - 1)
    return (bare if without_mark else value), bare != (1 << (7 * size)) - 1


def asf_ends(file: BinaryIO, length: int) -> Iterator[int]:
    """Where the header and the data of an ASF (WMV) end; later objects are indexes."""
    for _ in range(2):
        start = file.tell()
        head = file.read(24)
        if len(head) < 24 or head[4:16] != ASF_OBJECTS:
            return
        yield (end := start + struct.unpack("<Q", head[16:])[0])
        file.seek(min(end, length))


def flv_ends(file: BinaryIO, length: int) -> Iterator[int]:
    """Where each tag of an FLV ends; each is followed by its size in four bytes."""
    file.seek(int.from_bytes(file.read(9)[5:]) + 4)
    while (head := file.read(11)) and head[0] & 31 in FLV_TAGS:
        end = file.tell() + int.from_bytes(head[1:4]) if len(head) == 11 else length + 1
        yield end
        file.seek(min(end, length) + 4)


def ogg_ends(file: BinaryIO, length: int) -> Iterator[int]:
    """Where each page of an Ogg ends."""
    while (head := file.read(27)).startswith(b"OggS"):
        sizes = file.read(head[26]) if len(head) == 27 else b""
        end = file.tell() + sum(sizes) if len(head) == 27 and len(sizes) == head[26] else length + 1
        yield end
        file.seek(min(end, length))


def avi_frames(file: BinaryIO, stream: int) -> int | None:
    """The chunks of a stream with data in the movie lists of an AVI; None if a list is cut, damaged, or not closed.

    An AVI's header also counts empty chunks, which stand for frames that the recorder dropped.
    """
    length = file.seek(0, os.SEEK_END)
    wanted = re.compile(rb"%02d(?!ix|pc)" % stream)
    count = position = end_of_list = 0
    while position + 8 <= length:
        file.seek(position)
        name, size, kind = struct.unpack("<4sI4s", file.read(12).ljust(12))
        end = position + 8 + size
        inside = position < end_of_list
        if not name.isascii() or not name.decode().isprintable():
            return None if inside else count  # after the lists, some recorders write anything
        if name == b"LIST" and kind == b"movi":
            if end > length or size <= 4:
                return None
            end_of_list = end
        count += bool(inside and wanted.match(name) and size)
        opened = name == b"RIFF" or (name == b"LIST" and kind in (b"movi", b"rec "))
        position = position + 12 if opened else end + size % 2
    return count if position >= end_of_list else None
