"""What a file is by its first bytes, for files whose names don't tell: scanners write DICOM files without an ending."""

from pathlib import Path

HEAD_BYTES = 132
MARKS = (  # position, bytes, what
    (128, b"DICM", "DICOM"),
    (4, b"ftyp", "video"),  # mp4, mov, 3gp
    (8, b"AVI ", "video"),
    (0, b"\x1a\x45\xdf\xa3", "video"),  # mkv, webm
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video"),  # wmv
    (0, b"FLV\x01", "video"),
    (0, b"OggS", "video"),
    (0, b"\x00\x00\x01\xba", "video"),  # mpeg, vob
    (0, b"\x00\x00\x01\xb3", "video"),
    (0, b"GIF8", "video"),
    (0, b"\x89PNG\r\n", "image"),
    (0, b"\xff\xd8\xff", "image"),  # jpeg
    (0, b"II*\x00", "image"),  # tiff
    (0, b"MM\x00*", "image"),
    (8, b"WEBP", "image"),
)


def content(path: Path) -> str:
    """DICOM, video or image, or "" for anything else. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    return next((what for position, mark, what in MARKS if head.startswith(mark, position)), "")
