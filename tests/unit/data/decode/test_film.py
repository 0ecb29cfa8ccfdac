"""Which of several video streams is read: the film, never its cover."""

from types import SimpleNamespace

import av
import numpy as np
import pytest
from av.stream import Disposition
from video_files import add_stream, put, quarters

from uscl.data.decode.film import film_of
from uscl.data.decode.video import BadMedia, decode

COVER = np.full((1, 32, 32), 200, np.uint8)
NONE, DEFAULT = Disposition(0), Disposition.default
ATTACHED, THUMBNAILS = Disposition.attached_pic, Disposition.attached_pic | Disposition.timed_thumbnails


def container(best, *streams):
    """A container with streams of these codecs and dispositions, of which FFmpeg prefers one."""
    videos = [
        SimpleNamespace(index=index, codec_context=codec and SimpleNamespace(name=codec), disposition=disposition)
        for index, (codec, disposition) in enumerate(streams)
    ]
    listed = SimpleNamespace(video=videos, best=lambda kind: videos[best] if videos else None)
    return SimpleNamespace(streams=listed)


@pytest.mark.parametrize(
    ("best", "streams", "film"),
    [
        (1, [("mjpeg", ATTACHED), ("h264", DEFAULT)], 1),
        (0, [("mjpeg", ATTACHED | DEFAULT), ("h264", NONE)], 1),
        (0, [("png", THUMBNAILS), ("mjpeg", ATTACHED), ("mjpeg", NONE)], 2),
        (0, [("mjpeg", DEFAULT), ("h264", NONE)], 1),  # a cover that isn't marked as one
        (0, [("h264", NONE), ("h264", DEFAULT)], 1),
        (2, [("h264", NONE), ("h264", DEFAULT), ("hevc", DEFAULT)], 2),
        (1, [("mjpeg", NONE), ("mjpeg", NONE)], 1),
        (0, [(None, DEFAULT), ("h264", NONE)], 1),  # FFmpeg has no decoder for the first
    ],
)
def test_the_default_film_is_chosen_and_never_a_cover(best, streams, film):
    assert film_of(container(best, *streams)).index == film


def test_a_cover_alone_is_no_film():
    assert film_of(container(0, ("mjpeg", ATTACHED))) is None
    assert film_of(container(0)) is None


def write_with_cover(path, first):
    """A film of 5 frames and a cover picture, which comes first or last in the file."""
    films = quarters(5)
    with av.open(str(path), "w") as out:
        streams = {}
        for name in ("cover", "film") if first else ("film", "cover"):
            frames = COVER if name == "cover" else films
            codec = ("mjpeg", "yuvj420p") if name == "cover" else ("mpeg4", "yuv420p")
            streams[name] = add_stream(out, frames, *codec)
        if path.suffix == ".mp4":
            streams["cover"].disposition = ATTACHED
        put(out, streams["cover"], COVER)
        put(out, streams["film"], films)
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
@pytest.mark.parametrize("first", [True, False])
def test_the_film_of_a_file_with_a_cover_is_read(tmp_path, suffix, first):
    clip = decode(write_with_cover(tmp_path / f"a{suffix}", first), 32, None, None)
    assert len(clip.frames) == 5
    assert clip.picture.tolist() == [[0, 0, 48, 64]] * 5
    marked = suffix == ".mp4"
    assert clip.note == ("" if marked else f"2 video streams in one file: only stream {int(first)} is read")


def test_a_song_with_a_cover_is_not_a_video(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as out:
        sound = out.add_stream("aac", rate=8000, layout="mono")
        cover = add_stream(out, COVER, "mjpeg", "yuvj420p")
        cover.disposition = ATTACHED
        put(out, cover, COVER)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), "fltp", "mono")
        frame.sample_rate = 8000
        out.mux(sound.encode(frame))
        out.mux(sound.encode())
    with pytest.raises(BadMedia, match=r"^no video stream but a cover picture$"):
        decode(tmp_path / "a.mp4", 16, None, None)
