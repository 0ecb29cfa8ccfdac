"""Files that would unpack to more than a machine has, or never end, are refused with a reason before they do."""

import struct
import time
import tracemalloc
import zlib

import av
import cv2
import numpy as np
import PIL.Image
import pytest
from dicom_files import jpeg, write_dicom, write_packed
from pydicom.uid import JPEGBaseline8Bit

from tests.unit.data.decode.test_video import steps, write_video
from uscl.base.errors import UserError
from uscl.data.decode import pickles, video
from uscl.data.decode.clip import read_source
from uscl.data.decode.dicom import decode_dicom
from uscl.data.decode.image import read_image
from uscl.data.decode.masks import read_masks
from uscl.data.decode.pickles import load_arrays
from uscl.data.decode.video import BadMedia, decode
from uscl.data.picture_box import Box
from uscl.data.readers.shared import table_text, tables
from uscl.data.source import Source


def chunk(kind, data):
    """A piece of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, *chunks):
    """A grey PNG that declares a size, with other pieces between head and end."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IEND", b"")


def refused(read, reason, peak=100_000_000):
    """`read` raises BadMedia at once, and takes little memory for it."""
    tracemalloc.start()
    start = time.perf_counter()
    try:
        with pytest.raises(BadMedia, match=reason):
            read()
        assert tracemalloc.get_traced_memory()[1] < peak
    finally:
        tracemalloc.stop()
    assert time.perf_counter() - start < 20


@pytest.mark.parametrize(("width", "height"), [(30_000, 30_000), (2**31 - 1, 2**31 - 1), (2**26, 1), (8001, 8001)])
def test_a_png_of_millions_of_pixels_in_a_few_bytes(tmp_path, width, height):
    rows = zlib.compress(bytes(10_000_000), 9)
    (tmp_path / "a.png").write_bytes(png(width, height, chunk(b"IDAT", rows)))
    refused(lambda: read_image(tmp_path / "a.png"), r"pixels; at most 64000000 pixels are read")


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP", b"iTXt"])
def test_a_png_whose_text_unpacks_to_gigabytes(tmp_path, kind):
    packed = zlib.compress(bytes(200_000_000), 9)
    head = b"key\0\1\0\0\0" if kind == b"iTXt" else b"key\0\0"
    rows = zlib.compress(b"\0" * (9 * 8))
    (tmp_path / "a.png").write_bytes(png(8, 8, chunk(kind, head + packed), chunk(b"IDAT", rows)))
    tracemalloc.start()
    try:
        image = read_image(tmp_path / "a.png")
        assert image.shape == (8, 8)
    except BadMedia as error:
        assert "damaged image" in str(error)  # noqa: PT017 - either will do
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 100_000_000


def test_an_image_in_another_format_is_refused(tmp_path):
    PIL.Image.new("L", (8, 8)).save(tmp_path / "a.gif")
    (tmp_path / "a.gif").rename(tmp_path / "a.png")
    refused(lambda: read_image(tmp_path / "a.png"), "not an image: none of PNG, JPEG, BMP, TIFF, WEBP")


def test_of_a_tiff_with_many_pictures_the_first_is_read(tmp_path):
    pages = [PIL.Image.fromarray(np.full((8, 8), 10 * k, np.uint8)) for k in range(5)]
    pages[1].save(tmp_path / "a.tif", save_all=True, append_images=pages[2:])
    (tmp_path / "a.tif").rename(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").tolist() == np.full((8, 8), 10).tolist()


def test_a_mask_of_millions_of_pixels_is_named(tmp_path):
    (tmp_path / "m.png").write_bytes(png(40_000, 40_000, chunk(b"IDAT", zlib.compress(bytes(1000)))))
    refused(lambda: read_masks([tmp_path / "m.png"], (8, 8), 8, Box(0, 0, 8, 8)), r"^the mask m\.png: frame of ")


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".avi", ".gif"])
def test_a_video_that_claims_forty_hours(tmp_path, suffix):
    codecs = {".gif": ("gif", "gray"), ".avi": ("mpeg4", "yuv420p")}
    times = [0, 25, 50, 40 * 3600 * 25]
    frames = steps(4)
    if suffix == ".gif":  # a frame of a GIF lasts eleven minutes at most
        times, frames = [0, *range(15_000, 15_000 * 8, 15_000)], steps(8)
    if suffix == ".avi":  # which has no times but a rate
        path = write_video(tmp_path / "a.avi", frames, 25, *codecs[".avi"])
        data = bytearray(path.read_bytes())
        at = data.index(b"vids") + 20  # scale and rate of the stream
        data[at : at + 8] = struct.pack("<II", 1800, 1)
        path.write_bytes(data)
    else:
        path = write_video(tmp_path / f"a{suffix}", frames, 25, *codecs.get(suffix, ()), pts=times)
    refused(lambda: decode(path, 32, None, None), r"^longer than 3600 s: cut it into parts, or limit the frames")
    assert decode(path, 32, None, 2).number.tolist() == [0, 1]


def test_the_frames_that_are_decoded_are_limited_though_few_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(video, "MAX_DECODED_FRAMES", 10)
    path = write_video(tmp_path / "a.mp4", steps(12))
    refused(lambda: decode(path, 32, 1.0, None), "more than 10 frames to decode")
    assert len(decode(path, 32, None, 10).frames) == 10


def test_the_pixels_of_all_frames_are_limited(tmp_path, monkeypatch):
    monkeypatch.setattr(video, "MAX_DECODED_PIXELS", 5 * 48 * 64)
    path = write_video(tmp_path / "a.mp4", steps(12))
    refused(lambda: decode(path, 32, 1.0, None), f"more than {5 * 48 * 64} pixels to decode")


def test_a_text_that_names_another_video_is_not_a_video(tmp_path):
    write_video(tmp_path / "own.mp4", steps())
    for name, text in {
        "a.mp4": "ffconcat version 1.0\nfile own.mp4\n",
        "b.mp4": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{tmp_path}/own.mp4\n#EXT-X-ENDLIST\n",
        "c.avi": "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    }.items():
        (tmp_path / name).write_text(text)
        refused(lambda name=name: decode(tmp_path / name, 32, None, None), "^not a video: ")


def test_the_allowed_containers_are_known_to_ffmpeg():
    known = {name for found in av.formats_available for name in found.split(",")}
    assert set(video.CONTAINERS.split(",")) <= known


def test_a_dicom_file_of_forty_hours(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", np.zeros((3, 8, 8), np.uint8), FrameTime=str(99_000))
    assert decode_dicom(path, 8, None, None).time_s[-1] == pytest.approx(198)
    path = write_dicom(tmp_path / "a.dcm", np.zeros((40, 8, 8), np.uint8), FrameTime=str(99_000))
    refused(lambda: decode_dicom(path, 8, None, None), "longer than 3600 s")


def test_a_dicom_file_whose_frames_unpack_to_too_many_pixels(tmp_path, monkeypatch):
    monkeypatch.setattr(video, "MAX_DECODED_PIXELS", 5 * 64 * 64)
    frames = np.zeros((12, 64, 64), np.uint8)
    path = write_packed(tmp_path / "a.dcm", frames, [jpeg(frame) for frame in frames], JPEGBaseline8Bit)
    refused(lambda: decode_dicom(path, 8, None, None), f"more than {5 * 64 * 64} pixels to decode")
    assert len(decode_dicom(path, 8, None, 5).frames) == 5


def test_a_pickle_of_too_many_bytes_is_not_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(pickles, "MAX_BYTES", 1000)
    (tmp_path / "a.pkl").write_bytes(bytes(1001))
    refused(lambda: load_arrays(tmp_path / "a.pkl"), "a pickle of 1001 bytes; at most 1000 are read")


def test_tables_of_absurd_size_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_text(",".join(f"c{k}" for k in range(1001)) + "\n")
    with pytest.raises(UserError, match=r"a\.csv has more than 1000 columns"):
        tables.read_table(path, ["file"])
    monkeypatch.setattr(table_text, "MAX_BYTES", 1000)
    with pytest.raises(UserError, match=r"a\.csv has \d+ bytes, but a table may have at most 1000"):
        tables.read_table(path, ["file"])


def test_errors_of_a_damaged_header_are_not_errors_of_the_disk(tmp_path):
    image = np.arange(64, dtype=np.uint8).reshape(8, 8)
    written, data = cv2.imencode(".webp", image)
    assert written
    (tmp_path / "a.png").write_bytes(data.tobytes()[:30])
    refused(lambda: read_source(tmp_path, Source("a", "a.png", "image", "a", ""), 8, None, None), "^a damaged image")
