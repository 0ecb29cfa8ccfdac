"""Every container is read whole, and a file that is cut is refused where its structure tells."""

import io
import struct

import av
import numpy as np
import pytest
from video_files import quarters, write_dropped, write_film

from uscl.data.decode.video import BadMedia, decode
from uscl.data.decode.whole_file import avi_frames

KINDS = {  # suffix: codec, pixel format, and whether a cut is seen
    ".mkv": ("libx264", "yuv420p", True),
    ".webm": ("libvpx-vp9", "yuv420p", True),
    ".wmv": ("wmv2", "yuv420p", True),
    ".asf": ("msmpeg4", "yuv420p", True),
    ".flv": ("flv", "yuv420p", True),
    ".ogv": ("libvpx", "yuv420p", True),
    ".3gp": ("mpeg4", "yuv420p", True),
    ".m4v": ("mpeg4", "yuv420p", False),
    ".ts": ("mpeg2video", "yuv420p", False),
    ".mts": ("libx264", "yuv420p", False),
    ".vob": ("mpeg2video", "yuv420p", False),
}
FORMATS = {".mts": "mpegts", ".m4v": "mp4"}


def noisy(n=30):
    return np.random.default_rng(0).integers(0, 256, (n, 96, 128), dtype=np.uint8)


def write(path, frames):
    codec, pix_fmt, _ = KINDS[path.suffix.lower()]
    if codec not in av.codecs_available:
        pytest.skip(f"FFmpeg is built without {codec}")
    plain = path.with_suffix(".mp4") if path.suffix == ".m4v" else path
    write_film(plain, frames, codec, pix_fmt)
    return plain.rename(path)


@pytest.mark.parametrize("suffix", KINDS)
def test_every_container_gives_all_its_frames(tmp_path, suffix):
    clip = decode(write(tmp_path / f"a{suffix}", quarters(12)), 32, None, None)
    assert clip.frames.shape == (12, 32, 32)
    np.testing.assert_allclose(clip.time_s, np.arange(12) / 25, atol=0.002)
    assert abs(int(clip.frames[5, 8, 8]) - 240) < 8
    assert clip.note == ""


@pytest.mark.parametrize("keep", [0.6, 0.95])
@pytest.mark.parametrize("suffix", [suffix for suffix, (*_, seen) in KINDS.items() if seen])
def test_a_file_that_is_cut_is_refused(tmp_path, suffix, keep):
    path = write(tmp_path / f"a{suffix}", noisy())
    assert len(decode(path, 16, None, None).frames) == 30
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(BadMedia, match=r"^(truncated: |not a video: .* cut off before its index)"):
        decode(path, 16, None, 2)


def test_a_recording_that_declares_no_size_is_read(tmp_path):
    path = tmp_path / "live.webm"
    with av.open(str(path), "w", options={"live": "1"}) as out:
        stream = out.add_stream("libvpx-vp9", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for grey in quarters(6):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(grey, "gray").reformat(format="yuv420p")))
        out.mux(stream.encode())
    assert len(decode(path, 16, None, None).frames) == 6


def test_an_avi_with_dropped_frames_is_whole(tmp_path):
    places = [0, 1, 2, 7, 8, 15, 30, 31]
    path = write_dropped(tmp_path / "a.avi", noisy(8), places)
    clip = decode(path, 16, None, None)
    assert len(clip.frames) == 8
    np.testing.assert_allclose(clip.time_s, np.array(places) / 25, atol=0.001)
    assert clip.note == "its header counts 24 more frames than the file holds: dropped while recording"


@pytest.mark.parametrize("keep", [0.4, 0.9])
def test_an_avi_with_dropped_frames_that_is_cut_is_refused(tmp_path, keep):
    path = write_dropped(tmp_path / "a.avi", noisy(20), range(0, 60, 3))
    data = path.read_bytes()
    path.write_bytes(data[: int(data.index(b"idx1") * keep)])
    with pytest.raises(BadMedia, match=r"^truncated: \d+ of 58 frames could be read$"):
        decode(path, 16, None, None)


def test_an_avi_with_damage_in_its_movie_list_is_refused(tmp_path):
    path = write_dropped(tmp_path / "a.avi", noisy(20), range(0, 60, 3))
    data = bytearray(path.read_bytes())
    middle = data.index(b"idx1") // 2
    data[middle : middle + 40_000] = bytes(40_000)
    path.write_bytes(data)
    with pytest.raises(BadMedia, match=r"^(truncated|decoding failed)"):
        decode(path, 16, None, None)


def chunk(name, data):
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def avi(*lists, kind=b"AVI "):
    movies = b"".join(chunk(b"LIST", b"movi" + chunks) for chunks in lists)
    return chunk(b"RIFF", kind + chunk(b"LIST", b"hdrl" + chunk(b"00dc", b"no frame")) + movies)


FRAME, EMPTY, SOUND = chunk(b"00dc", b"abc"), chunk(b"00dc", b""), chunk(b"01wb", b"12345")


@pytest.mark.parametrize(
    ("data", "frames"),
    [
        (avi(FRAME + EMPTY + SOUND + chunk(b"00db", b"x")), 2),
        (avi(chunk(b"LIST", b"rec " + FRAME + SOUND) + FRAME), 2),
        (avi(FRAME) + avi(FRAME + FRAME, kind=b"AVIX"), 3),
        (avi(FRAME + chunk(b"ix00", b"index") + chunk(b"00pc", b"palette") + chunk(b"01dc", b"other")), 1),
        (avi(FRAME + FRAME) + b"\0" * 99, 2),  # padding after the end
        (avi(FRAME + FRAME)[:-4], None),  # cut
        (avi(FRAME + b"\0" * 16 + FRAME), None),  # damaged
        (avi(b""), None),  # never closed
    ],
)
def test_the_movie_lists_of_an_avi_are_counted(data, frames):
    assert avi_frames(io.BytesIO(data), 0) == frames
