"""Small files that claim, or unpack to, far more than a machine has."""

import struct
import tarfile
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


def sparse_gnu(name: str, real_size: int) -> bytes:
    """A member of a tar in the old GNU form for sparse files: no stored data, and a real size in its header."""
    header = bytearray(tarfile.TarInfo(name).tobuf(tarfile.GNU_FORMAT))
    header[156:157] = tarfile.GNUTYPE_SPARSE
    header[483:495] = tarfile.itn(real_size, 12, tarfile.GNU_FORMAT)
    header[148:156] = b"%06o\0 " % tarfile.calc_chksums(bytes(header))[0]
    return bytes(header)


def sparse_pax(name: str, real_size: int) -> bytes:
    """A sparse member of the PAX form 1.0: a map of the data before the data, which are none."""
    info = tarfile.TarInfo(name)
    table = f"1\n{real_size}\n0\n".encode().ljust(tarfile.BLOCKSIZE, b"\0")
    info.size = len(table)
    names = {"major": "1", "minor": "0", "name": name, "realsize": str(real_size)}
    info.pax_headers = {f"GNU.sparse.{key}": value for key, value in names.items()}
    return info.tobuf(tarfile.PAX_FORMAT) + table
