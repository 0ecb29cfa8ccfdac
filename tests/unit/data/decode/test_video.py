"""Decoding: every container, grey levels, geometry, sampling, and the ways in which a file can be bad."""

import io
import os
import shutil
import struct
import tracemalloc
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import cv2
import numpy as np
import pytest

from uscl.data.decode import video
from uscl.data.decode.image import fit_image, read_image
from uscl.data.decode.masks import read_masks
from uscl.data.decode.video import BadMedia, decode
from uscl.data.picture_box import Box

CONTAINERS = {
    ".mp4": ("libx264", "yuv420p"),
    ".avi": ("mpeg4", "yuv420p"),
    ".mov": ("libx264", "yuv444p"),
    ".mpeg": ("mpeg2video", "yuv420p"),
    ".gif": ("gif", "gray"),
}


def write_video(path, frames, rate=25, codec="libx264", pix_fmt="yuv420p", options=None, pts=None):
    """Grey frames [n, height, width] as a video file."""
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = frames.shape[1:]
        stream.pix_fmt = pix_fmt
        stream.bit_rate = 4_000_000
        if codec == "libx264":
            stream.options = {"crf": "1"}
        for i, grey in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(grey, "gray").reformat(format=pix_fmt)
            frame.pts = i if pts is None else pts[i]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def steps(n=12, height=48, width=64):
    """Frames that differ in their grey level: 20 i."""
    return np.stack([np.full((height, width), 20 * i, np.uint8) for i in range(n)])


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_every_container_gives_all_frames_in_order_with_their_times(tmp_path, suffix):
    codec, pix_fmt = CONTAINERS[suffix]
    clip = decode(write_video(tmp_path / f"a{suffix}", steps(), 25, codec, pix_fmt), 32, None, None)
    assert clip.frames.shape == (12, 32, 32)
    assert clip.frames.dtype == np.uint8
    assert clip.picture.tolist() == [[0, 0, 48, 64]] * 12
    assert clip.number.tolist() == list(range(12))
    np.testing.assert_allclose(clip.time_s, np.arange(12) / 25, atol=0.001)
    np.testing.assert_allclose(clip.frames[:, 16, 16], 20 * np.arange(12), atol=3)
    assert clip.note == ""


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_the_first_frame_at_or_after_each_sampling_time_is_kept(tmp_path, suffix):
    codec, pix_fmt = CONTAINERS[suffix]
    path = write_video(tmp_path / f"a{suffix}", steps(), 25, codec, pix_fmt)
    clip = decode(path, 32, 10.0, None)  # due at 0, 0.1, 0.2, 0.3, 0.4 s; frames come every 0.04 s
    assert clip.number.tolist() == [0, 3, 5, 8, 10]
    np.testing.assert_allclose(clip.time_s, [0, 0.12, 0.2, 0.32, 0.4], atol=0.001)
    assert decode(path, 32, 10.0, 2).number.tolist() == [0, 3]


def test_a_rate_above_that_of_the_video_gives_each_frame_once(tmp_path):
    path = write_video(tmp_path / "a.mp4", steps())
    assert decode(path, 32, 100.0, None).number.tolist() == list(range(12))
    assert decode(path, 32, 25.0, None).number.tolist() == list(range(12))


def test_sampling_follows_time_stamps_not_frame_numbers(tmp_path):
    pts = [0, 1, 2, 3, 50, 51, 52, 53, 54, 55, 56, 57]  # a pause of two seconds
    path = write_video(tmp_path / "a.mp4", steps(), pts=pts)
    clip = decode(path, 32, 10.0, None)
    assert clip.number.tolist() == [0, 3, 4, 7, 9]
    np.testing.assert_allclose(clip.time_s, [0, 0.12, 2.0, 2.12, 2.2], atol=0.001)


@pytest.mark.parametrize(
    ("stamps", "times", "replaced"),
    [
        ([None, None, None, None], [0, 0.1, 0.2, 0.3], 4),
        ([7, 7, 7, 7], [0, 0.1, 0.2, 0.3], 3),
        ([5, None, 7, 8], [0, 0.1, 0.2, 0.3], 1),
        ([None, 5, 6, 3], [0, 0.1, 0.2, 0.3], 2),
    ],
)
def test_bad_time_stamps_are_replaced_by_the_frame_rate(tmp_path, stamps, times, replaced):
    frames = [SimpleNamespace(width=64, height=48, pts=pts, time_base=Fraction(1, 10)) for pts in stamps]
    packets = [SimpleNamespace(decode=lambda half=half: half) for half in (frames[:2], frames[2:])]
    with av.open(str(write_video(tmp_path / "a.mp4", steps(), 10))) as container:
        stream = video.Stream(io.BytesIO(), container, container.streams.video[0])
        timed = list(video.timed_frames(iter(packets), stream))
    assert [number for number, _, _ in timed] == [0, 1, 2, 3]
    np.testing.assert_allclose([time_s for _, time_s, _ in timed], times)
    assert f"{replaced} frames without a usable time stamp" in video.remark_on(stream)


@pytest.mark.parametrize(
    ("suffix", "codec", "pix_fmt"),
    [
        (".mp4", "libx264", "yuv420p"),
        (".mov", "libx264", "yuvj420p"),
        (".avi", "mjpeg", "yuvj420p"),
        (".gif", "gif", "gray"),
    ],
)
def test_black_is_0_white_255_and_a_ramp_keeps_its_levels(tmp_path, suffix, codec, pix_fmt):
    ramp = np.tile(np.linspace(0, 255, 64).round().astype(np.uint8), (64, 1))
    ramp[:16], ramp[-16:] = 0, 255
    path = write_video(tmp_path / f"a{suffix}", np.stack([ramp] * 3), 10, codec, pix_fmt)
    frame = decode(path, 64, None, None).frames[1].astype(int)
    assert frame[8].max() <= 1
    assert frame[-8].min() >= 254
    np.testing.assert_allclose(frame[32], ramp[32], atol=4)


@pytest.mark.parametrize("shape", [(101, 67), (67, 101), (96, 96), (131, 350)])
def test_scaling_agrees_with_area_averaging_of_opencv(shape):
    height, width = shape
    noise = np.random.default_rng(0).random((height, width), np.float32) * 255
    grey = cv2.GaussianBlur(noise, (0, 0), 2).astype(np.uint8)
    fitted = fit_image(grey, 32).astype(float)
    h, w = round(height * 32 / max(shape)), round(width * 32 / max(shape))
    top, left = (32 - h) // 2, (32 - w) // 2
    twin = cv2.resize(grey.astype(np.float32), (w, h), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(fitted[top : top + h, left : left + w], twin, atol=2.0)


def test_the_letterbox_is_centred_and_black(tmp_path):
    path = write_video(tmp_path / "a.mp4", np.full((3, 30, 60), 255, np.uint8))
    frame = decode(path, 32, None, None).frames[0]
    assert (frame[:8] == 0).all()
    assert (frame[-8:] == 0).all()
    assert (frame[8:-8] > 250).all()
    tall = fit_image(np.full((61, 31), 255, np.uint8), 32)  # odd sides, enlarged nowhere
    assert (tall.max(axis=0) > 0).nonzero()[0].tolist() == list(range(8, 24))


def test_small_frames_are_enlarged():
    frame = fit_image(np.full((4, 8), 200, np.uint8), 32)
    assert (frame[8:24] == 200).all()
    assert frame[:8].max() == 0


@pytest.mark.parametrize("name", ["ключ 日本.mp4", "a [1] (2) %03d.mp4", "a:b.mp4", "UPPER.MP4"])
def test_odd_names_are_read(tmp_path, name):
    plain = write_video(tmp_path / "plain.mp4", steps(3))
    assert len(decode(plain.rename(tmp_path / name), 16, None, None).frames) == 3


def cut(path, keep):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    return path


def noisy(n=60):
    return np.random.default_rng(0).integers(0, 256, (n, 48, 64), dtype=np.uint8)


@pytest.mark.parametrize("max_frames", [None, 3])
@pytest.mark.parametrize("keep", [0.5, 0.97])
def test_a_cut_faststart_mp4_is_noticed_even_after_the_requested_frames(tmp_path, keep, max_frames):
    path = write_video(tmp_path / "a.mp4", noisy(), options={"movflags": "faststart"})
    assert len(decode(path, 16, None, None).frames) == 60
    with pytest.raises(BadMedia, match=r"^truncated: \d+ of 60 frames could be read$"):
        decode(cut(path, keep), 16, None, max_frames)


@pytest.mark.parametrize("max_frames", [None, 3])
def test_a_cut_avi_is_noticed(tmp_path, max_frames):
    path = write_video(tmp_path / "a.avi", noisy(), codec="mpeg4")
    with pytest.raises(BadMedia, match=r"^truncated: \d+ of 60 frames could be read$"):
        decode(cut(path, 0.5), 16, None, max_frames)


@pytest.mark.parametrize("keep", [0.5, 0.97])
def test_a_cut_gif_is_noticed(tmp_path, keep):
    path = write_video(tmp_path / "a.gif", noisy(), 10, "gif", "gray")
    with pytest.raises(BadMedia, match=r"^truncated: the end mark of the GIF is missing$"):
        decode(cut(path, keep), 16, None, None)


def test_an_mp4_that_lost_its_index_is_not_a_video(tmp_path):
    path = write_video(tmp_path / "a.mp4", noisy())  # the index is at the end
    with pytest.raises(BadMedia, match=r"^not a video: .* cut off before its index$"):
        decode(cut(path, 0.5), 16, None, None)


def test_text_and_empty_files_are_not_videos(tmp_path):
    (tmp_path / "text.mp4").write_text("this is not a video\n" * 50)
    (tmp_path / "empty.avi").touch()
    with pytest.raises(BadMedia, match=r"^not a video: "):
        decode(tmp_path / "text.mp4", 16, None, None)
    with pytest.raises(BadMedia, match=r"^empty file \(0 bytes\)$"):
        decode(tmp_path / "empty.avi", 16, None, None)


def test_sound_alone_is_not_a_video(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), "fltp", "mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode())
    with pytest.raises(BadMedia, match=r"^no video stream$"):
        decode(tmp_path / "a.mp4", 16, None, None)


def test_damage_within_a_file_is_noticed(tmp_path):
    path = write_video(tmp_path / "a.mp4", noisy(), options={"movflags": "faststart"})
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 20_000] = bytes(20_000)
    path.write_bytes(data)
    with pytest.raises(BadMedia, match=r"^decoding failed at frame \d+: "):
        decode(path, 16, None, None)


def test_a_gif_of_one_frame_is_kept_with_a_note(tmp_path):
    clip = decode(write_video(tmp_path / "a.gif", steps(1), 10, "gif", "gray"), 16, None, None)
    assert clip.frames.shape == (1, 16, 16)
    assert clip.note == "only one frame"
    capped = decode(write_video(tmp_path / "b.gif", steps(5), 10, "gif", "gray"), 16, None, 1)
    assert capped.note == ""


def test_frames_beyond_the_limits_are_refused(tmp_path, monkeypatch):
    path = write_video(tmp_path / "a.mp4", steps())
    monkeypatch.setattr(video, "MAX_FRAMES", 5)
    with pytest.raises(BadMedia, match="more than 5 frames"):
        decode(path, 16, None, None)
    assert len(decode(path, 16, None, 7).frames) == 7
    monkeypatch.setattr(video, "MAX_PIXELS", 1000)
    with pytest.raises(BadMedia, match="64 x 48 pixels"):
        decode(path, 16, None, 7)


@pytest.mark.parametrize(("side", "reason"), [(9_000, "9000 x 9000 pixels"), (65_535, "no size, or an impossible one")])
def test_a_gif_that_claims_a_huge_canvas_is_refused(tmp_path, side, reason):
    screen = b"GIF89a" + struct.pack("<HH", side, side) + b"\xf0\0\0" + b"\0\0\0\xff\xff\xff"
    image = b"\x2c" + struct.pack("<HHHH", 0, 0, 2, 2) + b"\0\x02\x03\x44\x02\x05\0\x3b"
    (tmp_path / "a.gif").write_bytes(screen + image)
    with pytest.raises(BadMedia, match=reason):
        decode(tmp_path / "a.gif", 16, None, None)


def forged(path, data, tag, offset, form, *values):
    """The file with other numbers at an offset after the first occurrence of a tag."""
    changed = bytearray(data)
    struct.pack_into(form, changed, data.index(tag) + offset, *values)
    path.write_bytes(changed)
    return path


def outcome(path):
    """The number of frames, or the reason why there are none; Python never allocates much for missing data."""
    tracemalloc.start()
    try:
        return len(decode(path, 16, None, None).frames)
    except BadMedia as error:
        return str(error)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 100e6  # FFmpeg asks for pieces of 50 MB at most


MANY = 1_000_000_000


@pytest.mark.parametrize(
    ("tag", "offset", "form", "values", "result"),
    [
        (b"mdat", -4, ">I", [0xFFFFFFF0], 12),  # longer than the file, but all frames are there
        (b"free", -4, ">I4sQ", [1, b"mdat", 40 << 30], 12),  # 40 GB of media
        (b"moov", -4, ">I", [0x7FFFFFF0], 12),
        (b"stco", 12, ">I", [0xFFFFFFF0], "truncated: 0 of 12 frames could be read"),
        (b"stco", 0, "4s", [b"co64"], "truncated: 0 of 12 frames could be read"),  # 64-bit places that aren't there
        (b"stsz", 8, ">II", [100, MANY], "truncated: 0 of 12 frames could be read"),
        (b"stsz", 12, ">I", [0x0FFFFFFF], "not a video: "),
        (b"stsz", 16, ">I", [0x7FFFFFF0], "truncated: 0 of 12 frames could be read"),
        (b"stts", 12, ">I", [MANY], f"truncated: 12 of {MANY} frames could be read"),
        (b"ftyp", -4, ">I", [0xFFFFFFFF], "not a video: "),
        (b"stsd", 12 + 32, ">HH", [60_000, 60_000], 12),  # the codec's own size counts
    ],
)
def test_an_mp4_whose_header_lies_costs_little(tmp_path, tag, offset, form, values, result):
    data = write_video(tmp_path / "a.mp4", steps(), options={"movflags": "faststart"}).read_bytes()
    found = outcome(forged(tmp_path / "b.mp4", data, tag, offset, form, *values))
    assert found == result or (isinstance(result, str) and str(found).startswith(result))


@pytest.mark.parametrize("codec", ["mjpeg", "mpeg4"])
@pytest.mark.parametrize(
    ("tag", "offset", "form", "values", "result"),
    [
        (b"avih", 24, "<I", [MANY], 12),  # the stream's own number counts
        (b"strh", 40, "<I", [MANY], 12),  # the movie list counts
        (b"strh", 28, "<II", [0, 0], 12),
        (b"strf", 12, "<ii", [60_000, 60_000], 12),  # as above
        (b"00dc", 4, "<I", [0x7FFFFFF0], 12),
        (b"RIFF", 4, "<I", [0xFFFFFFF0], 12),
        (b"idx1", 4, "<I", [0x7FFFFFF0], "decoding failed at frame 12: "),
        (b"strf", 4, "<I", [0x7FFFFFF0], 12),
    ],
)
def test_an_avi_whose_header_lies_costs_little(tmp_path, codec, tag, offset, form, values, result):
    pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    data = write_video(tmp_path / "a.avi", noisy(12), codec=codec, pix_fmt=pix_fmt).read_bytes()
    found = outcome(forged(tmp_path / "b.avi", data, tag, offset, form, *values))
    assert found == result or (isinstance(result, str) and str(found).startswith(result))


@pytest.mark.parametrize("side", [8_000, 16_000, 60_000])
def test_motion_jpeg_frames_that_claim_to_be_huge_are_refused(tmp_path, side):
    data = write_video(tmp_path / "a.avi", noisy(12), codec="mjpeg", pix_fmt="yuvj420p").read_bytes()
    start = b"\xff\xc0\x00\x11\x08"  # of the frame's size
    found = outcome(forged(tmp_path / "b.avi", data, start, len(start), ">HH", side, side))
    assert str(found).startswith(("decoding failed at frame 0: ", f"frame of {side} x {side} pixels"))


def test_a_later_frame_that_is_huge_is_refused_before_it_is_unpacked(tmp_path):
    """Black frames, so that the file is small; each is a JPEG of its own size."""
    with av.open(str(tmp_path / "a.avi"), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for number, shape in enumerate([(48, 64)] * 30 + [(9_000, 9_000)]):
            written, data = cv2.imencode(".jpg", np.zeros(shape, np.uint8))
            assert written
            packet = av.Packet(data.tobytes())
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, number, number, Fraction(1, 25)
            container.mux(packet)
    assert outcome(tmp_path / "a.avi").startswith("decoding failed at frame 30: ")
    assert len(decode(tmp_path / "a.avi", 16, None, 30).frames) == 30


def test_a_video_of_no_frames_is_refused(tmp_path):
    with av.open(str(tmp_path / "a.avi"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
    assert outcome(tmp_path / "a.avi") == "no frame could be decoded"


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_damage_anywhere_is_a_reason_or_is_harmless(tmp_path, suffix):
    codec, pix_fmt = CONTAINERS[suffix]
    data = write_video(tmp_path / f"a{suffix}", steps(4, 16, 16), 25, codec, pix_fmt).read_bytes()
    rng = np.random.default_rng(0)
    outcomes = []
    for _ in range(60):
        damaged = bytearray(data[: rng.integers(1, len(data))] if rng.random() < 0.3 else data)
        for place in rng.integers(0, len(damaged), rng.integers(1, 6)):
            damaged[place] = rng.integers(256)
        (tmp_path / f"b{suffix}").write_bytes(damaged)
        outcomes.append(outcome(tmp_path / f"b{suffix}"))
    assert {type(found) for found in outcomes} == {int, str}
    assert all(1 <= found <= 4 for found in outcomes if isinstance(found, int))


def test_images_of_every_kind_are_read_as_grey(tmp_path):
    grey = np.tile(np.linspace(0, 255, 40).round().astype(np.uint8), (20, 1))
    colour = cv2.merge([grey, grey, grey])
    for name, image in {"a.png": grey, "b.PNG": colour, "c.jpg": colour, "d.JPEG": grey}.items():
        plain = tmp_path / f"plain{Path(name).suffix.lower()}"
        assert cv2.imwrite(str(plain), image)
        shutil.move(plain, tmp_path / f"é {name}")
        np.testing.assert_allclose(read_image(tmp_path / f"é {name}").astype(int), grey, atol=6)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_bad_images_are_refused(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.touch()
    with pytest.raises(BadMedia, match="empty file"):
        read_image(path)
    path.write_text("text")
    with pytest.raises(BadMedia, match=r"^not an image: none of PNG, JPEG"):
        read_image(path)
    assert cv2.imwrite(str(path), noisy(1)[0])
    with pytest.raises(BadMedia, match="damaged"):
        read_image(cut(path, 0.6))


def test_images_beyond_the_limit_are_refused_before_they_are_unpacked(tmp_path, monkeypatch):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((20, 30), np.uint8))
    monkeypatch.setattr(video, "MAX_PIXELS", 500)
    with pytest.raises(BadMedia, match="30 x 20 pixels"):
        read_image(tmp_path / "a.png")


def test_masks_are_united_and_stay_0_and_1(tmp_path):
    left, right = np.zeros((2, 32, 64), np.uint8)
    left[:, :16], right[:, 48:] = 255, 255
    cv2.imwrite(str(tmp_path / "1.png"), left)
    cv2.imwrite(str(tmp_path / "2.png"), right)
    mask = read_masks([tmp_path / "1.png", tmp_path / "2.png"], (32, 64), 32, Box(0, 0, 32, 64))[0]
    assert set(np.unique(mask)) == {0, 1}
    assert mask[:8].max() == 0  # the letterbox of the image
    assert mask[8:24, :8].all()
    assert mask[8:24, 24:].all()
    assert mask[8:24, 9:23].max() == 0
    assert read_masks([], (32, 64), 32, Box(0, 0, 32, 64))[0].max() == 0


def test_a_mask_of_another_size_or_of_none_is_refused(tmp_path):
    cv2.imwrite(str(tmp_path / "m.png"), np.zeros((30, 64), np.uint8))
    with pytest.raises(BadMedia, match=r"m\.png has 64 x 30 pixels, its image 64 x 32"):
        read_masks([tmp_path / "m.png"], (32, 64), 16, Box(0, 0, 32, 64))
    (tmp_path / "m.png").write_bytes(b"")
    with pytest.raises(BadMedia, match=r"^the mask m\.png: empty file"):
        read_masks([tmp_path / "m.png"], (32, 64), 16, Box(0, 0, 32, 64))


def real(name: str) -> Path:
    """A folder of public data in the folder that USCL_DATA names, or else next to the repository."""
    base = Path(os.environ.get("USCL_DATA", Path(__file__).parents[5] / "shared" / "data"))
    if not (base / name).is_dir():
        pytest.skip(f"the public data set {name} is not in {base} (set USCL_DATA to its folder)")
    return base / name


def test_real_videos_of_every_container_are_found_whole():
    folder = real("covid19_ultrasound/data/pocus_videos/convex")
    first = {path.suffix: path for path in sorted(folder.iterdir(), reverse=True)}
    assert len(first) == 6
    for path in first.values():
        clip = decode(path, 64, 5.0, 10)
        assert clip.note == ""
        assert (clip.frames.reshape(len(clip.frames), -1).max(axis=1) > 100).all()


def test_frames_that_a_real_film_hides_on_purpose_are_not_missed():
    folder = real("covid19_ultrasound/data/pocus_videos/convex")
    assert len(decode(folder / "Cov_denault_proposedUS_vid5.mov", 16, None, None).frames) == 192  # of 210 stored


def test_the_shortest_real_videos_are_kept():
    folder = real("COVID-BLUES/lus_videos")
    assert len(decode(folder / "patient_5_R3.mp4", 16, None, None).frames) == 7
    assert len(decode(folder / "patient_3_R2.mp4", 16, None, None).frames) == 8
