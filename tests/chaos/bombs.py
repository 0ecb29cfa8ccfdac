"""Small files that claim, or unpack to, far more than a machine has."""

import struct
import zipfile
import zlib
from pathlib import Path

import av
import numpy as np


def png(path: Path, width: int, height: int) -> None:
    """A PNG of a megabyte at most that unpacks to width x height pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(width + 1)) for _ in range(height)) + packer.flush()
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", rows) + chunk(b"IEND", b""))


def gif(path: Path) -> None:
    """A GIF of a hundred bytes whose picture has 65,535 x 65,535 pixels."""
    screen = b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0xF0, 0, 0) + b"\0\0\0\xff\xff\xff"
    path.write_bytes(screen + b"," + struct.pack("<HHHHB", 0, 0, 65_535, 65_535, 0) + b"\2\2\x4c\1\0;")


def video(path: Path, hours: int) -> None:
    """A video of four frames, the last of them after so many hours."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for k, pts in enumerate((0, 25, 50, hours * 3600 * 25)):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64), 60 * k, np.uint8), "gray").reformat(format="yuv420p")
            frame.pts = pts
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def archive(path: Path) -> None:
    """A zip of some kilobytes with 300 MB of zeros in one member."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("Dataset_BUSI_with_GT/benign/benign (1).png", bytes(300 * 2**20))
