"""Pictures of more than 8 bits have the right brightness, and pictures that show nothing get a remark."""

import struct

import av
import cv2
import numpy as np
import PIL.Image
import pytest

from uscl.data.decode.frame_folder import decode_frames, frame_files
from uscl.data.decode.grey_levels import DEPTHS, depth_between, depth_of, eight_bits
from uscl.data.decode.image import read_image, read_picture
from uscl.data.decode.load import Loaded, Sampling, load
from uscl.data.decode.video import BadMedia, decode
from uscl.data.source import Source

RAMP = np.tile(np.arange(4, 240, 4, dtype=np.uint8), (59, 1))  # as large as the stored frames: nothing is scaled


def loaded(folder, name, kind="image"):
    return load(folder, Sampling(59, None, None), Source("v", name, kind, "g", ""))


def write(path, image):
    assert cv2.imwrite(str(path), image)
    return path


def tiff(path, data, bits, photometric, kind, height, width):
    """A TIFF of one strip that OpenCV and Pillow do not write; `kind` is 1 for unsigned and 2 for signed values."""
    tags = [(256, width), (257, height), (258, bits), (259, 1), (262, photometric), (273, 8), (277, 1), (278, height)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in [*tags, (279, len(data)), (339, kind)])
    head = b"II*\0" + struct.pack("<I", 8 + len(data))
    path.write_bytes(head + data + struct.pack("<H", len(tags) + 2) + entries + bytes(4))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize(("shift", "note"), [(0, "uses 8 of 16 bits"), (2, "uses 10 of 16 bits"), (8, "")])
def test_a_16_bit_image_is_read_by_the_depth_that_it_uses(tmp_path, suffix, shift, note):
    grey = RAMP.astype(np.uint16) << shift
    for name, image in (("grey", grey), ("colour", np.dstack([grey] * 3))):
        write(tmp_path / f"{name}{suffix}", image).rename(tmp_path / f"{name}.png")
        result = loaded(tmp_path, f"{name}.png")
        np.testing.assert_allclose(result.clip.frames[0].astype(int), RAMP.astype(int), atol=name == "colour")
        assert result.clip.note == note


def test_a_tiff_of_floats_of_signed_and_of_32_bit_values(tmp_path):
    for name, image in (
        ("unit", (RAMP / 255).astype(np.float32)),
        ("levels", RAMP.astype(np.float32)),
        ("wide", RAMP.astype(np.float32) * 16),
        ("signed", RAMP.astype(np.int16) * 128),
        ("negative", (RAMP.astype(np.int32) * 256 - 32768).astype(np.int16)),
    ):
        write(tmp_path / f"{name}.tif", image)
        np.testing.assert_array_equal(loaded(tmp_path, f"{name}.tif").clip.frames[0], RAMP, err_msg=name)
    tiff(tmp_path / "32.tif", (RAMP.astype("<u4") << 4).tobytes(), 32, 1, 1, *RAMP.shape)
    result = loaded(tmp_path, "32.tif")
    np.testing.assert_array_equal(result.clip.frames[0], RAMP)
    assert result.clip.note == "uses 12 of 32 bits"


@pytest.mark.parametrize(("suffix", "options"), [(".tif", {}), (".png", {}), (".webp", {"lossless": True})])
def test_a_stack_of_pictures_is_read_as_its_first_with_a_remark(tmp_path, suffix, options):
    pages = [PIL.Image.fromarray(page) for page in (RAMP, 255 - RAMP, RAMP // 2)]
    pages[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=pages[1:], **options)
    result = loaded(tmp_path, f"a{suffix}")
    np.testing.assert_array_equal(result.clip.frames[0], RAMP)
    assert result.clip.note == "holds 3 pictures, of which only the first is read"


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_a_grey_picture_in_colour_is_the_grey_picture(tmp_path, suffix):
    for image in (RAMP, np.random.default_rng(0).integers(0, 256, RAMP.shape).astype(np.uint8)):
        write(tmp_path / f"a{suffix}", np.dstack([image] * 3))
        read = read_picture(tmp_path / f"a{suffix}")
        data = np.fromfile(tmp_path / f"a{suffix}", np.uint8)
        np.testing.assert_array_equal(read.grey, cv2.imdecode(data, cv2.IMREAD_GRAYSCALE))
        assert (read.colours() is None) == (suffix == ".png")
    coloured = np.dstack([RAMP, RAMP, 255 - RAMP])
    write(tmp_path / f"a{suffix}", coloured)
    reduced = cv2.imdecode(np.fromfile(tmp_path / f"a{suffix}", np.uint8), cv2.IMREAD_REDUCED_COLOR_2)
    np.testing.assert_array_equal(read_picture(tmp_path / f"a{suffix}").colours(), reduced)


def test_a_tiff_whose_zero_is_white(tmp_path):
    tiff(tmp_path / "8.tif", (255 - RAMP).tobytes(), 8, 0, 1, *RAMP.shape)
    tiff(tmp_path / "16.tif", (65535 - (RAMP.astype("<u2") << 8)).tobytes(), 16, 0, 1, *RAMP.shape)
    for name in ("8.tif", "16.tif"):
        np.testing.assert_array_equal(loaded(tmp_path, name).clip.frames[0], RAMP)


@pytest.mark.parametrize("value", [-0.5, np.nan, np.inf, 1e6])
def test_floats_of_no_known_range_are_refused(tmp_path, value):
    image = np.zeros((8, 8), np.float32)
    image[0, 0] = value
    with pytest.raises(BadMedia, match="its floating-point values go from"):
        read_image(write(tmp_path / "a.tif", image))


def test_frames_in_a_folder_have_one_depth(tmp_path):
    dark = RAMP.astype(np.uint16)
    for number, image in enumerate((dark, dark << 4, RAMP)):
        write(tmp_path / f"frame{number}.png", image)
    clip = decode_frames(frame_files(tmp_path), 59, None, None)
    np.testing.assert_array_equal(clip.frames, [RAMP >> 4, RAMP, RAMP])
    assert clip.note == "uses 12 of 16 bits"


def test_the_depth_is_the_least_usual_one_that_holds_all_values():
    rng = np.random.default_rng(0)
    for _ in range(200):
        bits, negative = int(rng.integers(1, 32)), bool(rng.integers(2))
        image = rng.integers(-(1 << (bits - 1)) if negative else 0, 1 << (bits - negative), 50, dtype=np.int64)
        depth = depth_of([image[:25], image[25:]])
        fits = [
            b
            for b in DEPTHS
            if all(-(1 << (b - 1)) <= v < 1 << (b - 1) if image.min() < 0 else v < 1 << b for v in image.tolist())
        ]
        assert (depth.bits, depth.signed) == (fits[0], image.min() < 0)
        assert 0 <= eight_bits(image, depth).min() <= eight_bits(image, depth).max() <= 255


def test_a_deliberate_depth_counts_unless_the_picture_would_be_black():
    assert depth_between(0, 1000, 12, False, deliberate=True).bits == 12
    assert depth_between(0, 255, 12, False, deliberate=True).bits == 8
    assert depth_between(0, 1000, 12, False).bits == 10


@pytest.mark.parametrize(
    ("levels", "note"),
    [
        ([100], "the picture has only one grey level, or no pixel brighter than 31"),
        ([0, 31], "the picture has only one grey level, or no pixel brighter than 31"),
        ([0, 32], ""),
        ([31, 33], ""),
    ],
)
@pytest.mark.parametrize("shape", [(40, 40), (20, 40), (40, 21)])
def test_a_picture_that_shows_nothing_is_a_remark(tmp_path, levels, note, shape):
    image = np.resize(np.repeat(np.array(levels, np.uint8), 100), shape)  # without its black borders
    write(tmp_path / "a.png", image)
    result = load(tmp_path, Sampling(40, None, None), Source("v", "a.png", "image", "g", ""))
    assert isinstance(result, Loaded)
    assert result.clip.note == note


def test_frames_of_a_video_that_show_nothing_are_counted(tmp_path):
    for number, image in enumerate((RAMP, RAMP * 0, RAMP, RAMP * 0 + 200, RAMP // 8)):
        write(tmp_path / f"frame{number}.png", image)
    note = loaded(tmp_path.parent, tmp_path.name, "frames").clip.note
    assert note == "3 of 5 frames have only one grey level, or no pixel brighter than 31"


@pytest.mark.parametrize(("shift", "note"), [(0, "uses 8 of 16 bits"), (4, "uses 12 of 16 bits"), (8, "")])
@pytest.mark.parametrize(("codec", "form", "suffix"), [("ffv1", "gray16le", ".mkv"), ("png", "gray16be", ".mov")])
def test_a_video_of_16_bits_is_read_by_the_depth_that_it_uses(tmp_path, shift, note, codec, form, suffix):
    path = tmp_path / f"a{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width, stream.pix_fmt = *RAMP.shape, form
        for k in range(4):
            image = (RAMP >> (k == 0)).astype(np.uint16) << shift
            frame = av.VideoFrame.from_ndarray(image, "gray16le").reformat(format=form)
            frame.pts = k
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    clip = decode(path, 59, None, None)
    np.testing.assert_array_equal(clip.frames, [RAMP >> 1, RAMP, RAMP, RAMP])
    assert clip.note == note
