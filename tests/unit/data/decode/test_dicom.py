"""DICOM: pixels of every kind, the picture's region, times, what can be wrong, and nothing about the patient."""

import logging
import traceback
import tracemalloc
from contextlib import contextmanager

import cv2
import numpy as np
import pydicom
import pytest
from dicom_files import NAME, jpeg, raw_tag, region, write_dicom, write_packed
from pydicom.uid import (
    HEVCMP51,
    HTJ2K,
    MPEG4HP41,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from uscl.data.decode import video
from uscl.data.decode.dicom import decode_dicom
from uscl.data.decode.dicom_header import TAGS
from uscl.data.decode.image import fit_image
from uscl.data.decode.video import BadMedia

WHOLE = "no SequenceOfUltrasoundRegions: the whole frame is kept, burnt-in text with it"


def steps(n=6, height=40, width=40):
    """Frames that differ in their grey level: 30 i + 10, 200 in the left half of the top."""
    frames = np.stack([np.full((height, width), 30 * i + 10, np.uint8) for i in range(n)])
    frames[:, : height // 2, : width // 2] = 200
    return frames


def decoded(path, size=40, rate_hz=None, max_frames=None):
    return decode_dicom(path, size, rate_hz, max_frames)


def test_frames_come_whole_and_in_order(tmp_path):
    clip = decoded(write_dicom(tmp_path / "a.dcm", steps(), FrameTime=100))
    np.testing.assert_array_equal(clip.frames, steps())
    assert clip.number.tolist() == [0, 1, 2, 3, 4, 5]
    np.testing.assert_allclose(clip.time_s, np.arange(6) / 10)
    assert clip.note == WHOLE


def test_frames_are_letterboxed_as_those_of_a_video(tmp_path):
    tall = np.random.default_rng(0).integers(0, 256, (2, 61, 31), dtype=np.uint8)
    clip = decoded(write_dicom(tmp_path / "a.dcm", tall), size=24)
    np.testing.assert_array_equal(clip.frames, np.stack([fit_image(frame, 24) for frame in tall]))


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_other_byte_orders_and_implicit_types_are_read(tmp_path, syntax):
    np.testing.assert_array_equal(decoded(write_dicom(tmp_path / "a.dcm", steps(), syntax)).frames, steps())
    wide = (steps().astype("u2") << 4).astype(">u2" if syntax == ExplicitVRBigEndian else "<u2")
    path = write_dicom(tmp_path / "b.dcm", wide, syntax, BitsStored=12, HighBit=11)
    np.testing.assert_array_equal(decoded(path).frames, steps())


@pytest.mark.parametrize(
    ("tags", "times"),
    [
        ({"FrameTimeVector": [0, 10, 20, 30, 40, 50], "FrameTime": 100}, [0, 0.01, 0.03, 0.06, 0.1, 0.15]),
        ({"FrameTimeVector": [0, 10], "FrameTime": 100}, [0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        ({"FrameTimeVector": [0, 10, 20, -30, 40, 50], "FrameTime": 100}, [0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        ({"FrameTime": 0, "CineRate": 20, "RecommendedDisplayFrameRate": 10}, [0, 0.05, 0.1, 0.15, 0.2, 0.25]),
        ({"RecommendedDisplayFrameRate": 10}, [0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        ({"FrameTime": 1e-300, "CineRate": -5}, [0, 0.04, 0.08, 0.12, 0.16, 0.2]),
        ({}, [0, 0.04, 0.08, 0.12, 0.16, 0.2]),
    ],
)
def test_times_are_those_of_the_file_or_else_25_hz(tmp_path, tags, times):
    clip = decoded(write_dicom(tmp_path / "a.dcm", steps(), **tags), rate_hz=1000.0)
    np.testing.assert_allclose(clip.time_s, times)
    known = times != [0, 0.04, 0.08, 0.12, 0.16, 0.2]
    assert clip.note == (WHOLE if known else f"no frame times: 25 Hz assumed; {WHOLE}")


def test_frames_are_sampled_by_time_and_limited(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", steps(), FrameTime=40, SequenceOfUltrasoundRegions=[region(0, 0, 39, 39)])
    clip = decoded(path, rate_hz=10.0)
    assert clip.number.tolist() == [0, 3, 5]
    np.testing.assert_array_equal(clip.frames, steps()[[0, 3, 5]])
    assert decoded(path, rate_hz=10.0, max_frames=2).number.tolist() == [0, 3]
    assert clip.note == ""


def test_a_still_image_is_a_clip_of_one_frame(tmp_path):
    clip = decoded(write_dicom(tmp_path / "a.dcm", steps(1), NumberOfFrames=None), rate_hz=5.0)
    assert clip.frames.shape == (1, 40, 40)
    assert clip.note == f"only one frame; {WHOLE}"


def test_monochrome1_is_inverted(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", 255 - steps(), PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_array_equal(decoded(path).frames, steps())


def colours():
    """Three frames of colour noise, alike in pairs of columns."""
    noise = np.random.default_rng(0).integers(0, 256, (3, 40, 20, 3), dtype=np.uint8)
    return np.repeat(noise, 2, axis=2)


def luma(rgb):
    return (rgb @ np.array([0.299, 0.587, 0.114])).round().astype(int)


def test_colour_becomes_luma_whatever_its_order(tmp_path):
    rgb = colours()
    plain = decoded(write_dicom(tmp_path / "a.dcm", rgb)).frames.astype(int)
    np.testing.assert_allclose(plain, luma(rgb), atol=1)
    planes = np.ascontiguousarray(rgb.transpose(0, 3, 1, 2)).reshape(rgb.shape)
    path = write_dicom(tmp_path / "b.dcm", planes, PlanarConfiguration=1)
    np.testing.assert_array_equal(decoded(path).frames, plain)


def test_the_luma_of_ybr_is_its_grey(tmp_path):
    ybr = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2YCrCb)[..., [0, 2, 1]] for frame in colours()])
    ybr[..., 1:] = ybr[..., 1:] // 8 + 112  # dull colours: none beyond what RGB can show
    ybr[..., 0] = ybr[..., 0] // 2 + 64
    path = write_dicom(tmp_path / "a.dcm", ybr, PhotometricInterpretation="YBR_FULL")
    np.testing.assert_allclose(decoded(path).frames.astype(int), ybr[..., 0].astype(int), atol=2)
    half = np.stack([ybr[:, :, ::2, 0], ybr[:, :, 1::2, 0], ybr[:, :, ::2, 1], ybr[:, :, ::2, 2]], axis=-1)
    path = write_dicom(
        tmp_path / "b.dcm", half.reshape(3, 40, 40, 2), SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL_422"
    )
    np.testing.assert_allclose(decoded(path).frames.astype(int), ybr[..., 0].astype(int), atol=2)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_palette_is_looked_up(tmp_path, bits):
    table = np.arange(256)[::-1].astype(f"<u{bits // 8}") << (bits - 8)
    tags = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour in ("Red", "Green", "Blue"):
        tags[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, bits]
        tags[f"{colour}PaletteColorLookupTableData"] = table.tobytes()
    np.testing.assert_array_equal(decoded(write_dicom(tmp_path / "a.dcm", 255 - steps(), **tags)).frames, steps())


@pytest.mark.parametrize(("kind", "bits"), [("<u2", 12), ("<u2", 16), ("<i2", 12), ("<i2", 16), ("<u4", 32)])
def test_more_than_8_bits_are_cut_to_8(tmp_path, kind, bits):
    wide = steps().astype(np.int64) << (bits - 8)
    wide += 1 << (bits - 9)  # half a level, which is dropped
    wide -= (1 << (bits - 1)) if "i" in kind else 0
    path = write_dicom(tmp_path / "a.dcm", wide.astype(kind), BitsStored=bits, HighBit=bits - 1)
    np.testing.assert_array_equal(decoded(path).frames, steps())


@pytest.mark.parametrize("table", [True, False])
def test_compressed_frames_are_unpacked(tmp_path, table):
    frames = steps()
    path = write_packed(tmp_path / "a.dcm", frames, [jpeg(f) for f in frames], JPEGBaseline8Bit, table=table)
    np.testing.assert_allclose(decoded(path).frames.astype(int), frames.astype(int), atol=6)
    path = write_packed(tmp_path / "b.dcm", frames, [jpeg(f, ".jp2") for f in frames], JPEG2000Lossless, table=table)
    np.testing.assert_array_equal(decoded(path).frames, frames)
    assert decoded(path, rate_hz=10.0, max_frames=2).number.tolist() == [0, 3]


@pytest.mark.parametrize("table", [True, False])
def test_frames_in_several_pieces_are_put_together(tmp_path, table):
    frames = steps()
    path = write_packed(tmp_path / "a.dcm", frames, [jpeg(f) for f in frames], JPEGBaseline8Bit, table, pieces=3)
    np.testing.assert_allclose(decoded(path).frames.astype(int), frames.astype(int), atol=6)
    refused(cut(path, 0.95), "^truncated: its last frame is cut$")


def test_run_lengths_are_unpacked_in_grey_and_colour(tmp_path):
    for pixels, grey in ((steps(), steps()), (colours(), luma(colours()))):
        data = pydicom.dcmread(write_dicom(tmp_path / "a.dcm", pixels))
        data.compress(RLELossless)
        data.save_as(tmp_path / "b.dcm")
        np.testing.assert_allclose(decoded(tmp_path / "b.dcm").frames.astype(int), grey, atol=1)


def test_real_clips_keep_their_picture(tmp_path):
    clip = decode_dicom(pydicom.examples.get_path("ybr_color"), 64, None, None)
    assert clip.frames.shape == (30, 64, 64)
    assert clip.note == ""
    np.testing.assert_allclose(np.diff(clip.time_s), 1 / 30, atol=1e-4)
    assert decode_dicom(pydicom.examples.get_path("palette_color"), 64, None, None).note == "only one frame"


# the region of the picture


@pytest.mark.parametrize(
    ("regions", "rows", "columns", "note"),
    [
        ([region(10, 5, 29, 24)], slice(5, 25), slice(10, 30), ""),
        ([region(0, 0, 9, 9), region(20, 0, 29, 19)], slice(0, 20), slice(0, 30), ""),
        ([region(10, 5, 29, 24), region(0, 0, 39, 39, kind=2)], slice(5, 25), slice(10, 30), ""),
        ([region(10, 5, 29, 24, kind=3)], slice(5, 25), slice(10, 30), ""),
        ([region(10, 5, 4_000_000, 4_000_000)], slice(5, 40), slice(10, 40), ""),
        ([region(10, 5, 10, 24)], slice(0, 40), slice(0, 40), "is empty or outside"),
        ([region(100, 100, 200, 200)], slice(0, 40), slice(0, 40), "is empty or outside"),
        ([pydicom.Dataset()], slice(0, 40), slice(0, 40), "is empty or outside"),
        ([], slice(0, 40), slice(0, 40), WHOLE),
    ],
)
def test_the_area_outside_the_ultrasound_regions_is_cut_off(tmp_path, regions, rows, columns, note):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 40, 40), dtype=np.uint8)
    clip = decoded(write_dicom(tmp_path / "a.dcm", pixels, SequenceOfUltrasoundRegions=regions), size=20)
    cropped = [fit_image(np.ascontiguousarray(frame[rows, columns]), 20) for frame in pixels]
    np.testing.assert_array_equal(clip.frames, np.stack(cropped))
    assert clip.picture.tolist() == [[rows.start, columns.start, *frame[rows, columns].shape] for frame in pixels]
    assert note in clip.note
    assert bool(clip.note) == bool(note)


# what can be wrong


def refused(path, reason, **settings):
    with pytest.raises(BadMedia, match=reason):
        decoded(path, **settings)


@contextmanager
def peak_below(n_bytes):
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < n_bytes


def cut(path, keep):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    return path


def test_empty_files_text_and_files_without_pixels_are_refused(tmp_path):
    (tmp_path / "a.dcm").touch()
    refused(tmp_path / "a.dcm", r"^empty file \(0 bytes\)$")
    (tmp_path / "a.dcm").write_text("no picture" * 100)
    refused(tmp_path / "a.dcm", r"^not a DICOM file: its mark DICM is missing$")
    data = pydicom.dcmread(write_dicom(tmp_path / "b.dcm", steps()))
    del data.PixelData
    data.save_as(tmp_path / "b.dcm")
    refused(tmp_path / "b.dcm", r"^a DICOM file without pixel data$")
    data.FloatPixelData = b"\0" * 16
    data.save_as(tmp_path / "b.dcm")
    refused(tmp_path / "b.dcm", r"^a DICOM file without pixel data$")


@pytest.mark.parametrize("max_frames", [None, 1])
def test_a_cut_file_is_noticed_even_after_the_requested_frames(tmp_path, max_frames):
    refused(cut(write_dicom(tmp_path / "a.dcm", steps()), 0.9), r"^truncated: 5 of 6 frames", max_frames=max_frames)
    noise = np.random.default_rng(0).integers(0, 256, (6, 40, 40), dtype=np.uint8)
    for table, keep in ((True, 0.9), (False, 0.9), (False, 0.5)):
        path = write_packed(tmp_path / "b.dcm", noise, [jpeg(f) for f in noise], JPEGBaseline8Bit, table=table)
        refused(cut(path, keep), r"^truncated: [25] of 6 frames could be read$", max_frames=max_frames)


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"NumberOfFrames": 2_000_000_000}, r"^truncated: 6 of 2000000000 frames"),
        ({"Rows": 60_000, "Columns": 60_000}, r"^frame of 60000 x 60000 pixels; at most"),
        ({"Rows": 8_000, "Columns": 8_000}, r"^truncated: 0 of 6 frames"),
        ({"Rows": 0}, r"^its frames have no size"),
        ({"Rows": None}, r"^its frames have no size"),
        ({"NumberOfFrames": -3}, r"^its NumberOfFrames is not a number above 0$"),
        ({"BitsAllocated": 64}, r"^its pixels are not of 8, 16 or 32 bits$"),
        ({"PhotometricInterpretation": "HSV"}, r"^its photometric interpretation is none of MONOCHROME1, "),
        ({"SamplesPerPixel": 2}, r"^truncated|^a damaged DICOM file"),
    ],
)
def test_a_header_that_lies_is_refused_without_much_memory(tmp_path, tags, reason):
    path = write_dicom(tmp_path / "a.dcm", steps(), **tags)
    with peak_below(20e6):
        refused(path, reason)


def test_a_compressed_header_that_lies_is_refused(tmp_path):
    frames = steps()
    packed = [jpeg(f) for f in frames]

    def write(**tags):
        return write_packed(tmp_path / "a.dcm", frames, packed, JPEGBaseline8Bit, **tags)

    refused(write(NumberOfFrames=2_000_000_000), r"^truncated: it cannot hold the 2000000000 frames")
    refused(write(NumberOfFrames=7), r"^truncated: 6 of 7 frames")
    refused(write(Rows=41), r"^a frame of 40 x 40 pixels in a file of 40 x 41$")
    packed[3] = jpeg(np.zeros((9_000, 9_000), np.uint8))
    refused(write(), r"^a frame with more bytes than its pixels can have$")
    packed[3] = b"\xff\xd8\xff no picture"
    refused(write(), r"^a damaged frame")
    assert decoded(write(), max_frames=3).number.tolist() == [0, 1, 2]


def test_more_frames_than_are_kept_are_refused(tmp_path, monkeypatch):
    path = write_dicom(tmp_path / "a.dcm", steps())
    monkeypatch.setattr(video, "MAX_FRAMES", 5)
    refused(path, "more than 5 frames")
    assert len(decoded(path, max_frames=6).frames) == 6


@pytest.mark.parametrize(
    ("syntax", "solution"),
    [
        (JPEGLosslessSV1, "install its decoder (pip install python-gdcm), or convert it with gdcmconv --raw IN OUT"),
        (JPEGLSLossless, "install its decoder (pip install python-gdcm), or convert it with gdcmconv --raw IN OUT"),
        (MPEG4HP41, "take the video out of it with gdcmraw IN OUT.mp4"),
        (HEVCMP51, "take the video out of it with gdcmraw IN OUT.mp4"),
        (HTJ2K, "convert it to Explicit VR Little Endian"),
    ],
)
def test_an_unsupported_syntax_is_named_with_a_solution(tmp_path, syntax, solution, monkeypatch):
    monkeypatch.setattr("uscl.data.decode.dicom_syntax.DECODERS", ("pydicom", "pillow"))
    path = write_packed(tmp_path / "a.dcm", steps(), [b"1234"] * 6, syntax)
    with pytest.raises(BadMedia) as caught:
        decoded(path)
    assert syntax.name in str(caught.value)
    assert str(caught.value).endswith(f"which is not read: {solution}")


def test_a_deflated_file_is_not_inflated(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", np.zeros((30, 1000, 1000), np.uint8), DeflatedExplicitVRLittleEndian)
    with peak_below(20e6):
        refused(path, "^its pixels are packed as Deflated Explicit VR Little Endian, which is not read")


@pytest.mark.parametrize("packed", [False, True])
def test_damage_anywhere_is_a_reason_or_is_harmless(tmp_path, packed):
    frames = steps(3, 16, 16)
    tags = {"FrameTime": 40, "SequenceOfUltrasoundRegions": [region(2, 2, 13, 13)]}
    whole = tmp_path / "a.dcm"
    if packed:
        write_packed(whole, frames, [jpeg(f) for f in frames], JPEGBaseline8Bit, **tags)
    else:
        write_dicom(whole, frames, **tags)
    data = whole.read_bytes()
    rng = np.random.default_rng(0)
    outcomes = set()
    for _ in range(400):
        damaged = bytearray(data[: rng.integers(100, len(data))] if rng.random() < 0.3 else data)
        for place in rng.integers(128, len(damaged), rng.integers(1, 6)) if len(damaged) > 128 else ():
            damaged[place] = rng.integers(256)
        (tmp_path / "b.dcm").write_bytes(damaged)
        try:
            outcomes.add(decoded(tmp_path / "b.dcm").frames.shape[1:])
        except BadMedia as error:
            outcomes.add(str(error).split(":")[0])
    assert {(40, 40), "a damaged DICOM file", "truncated"} <= outcomes


# nothing about the patient


PLANTED = NAME.encode() + b"\0"


@pytest.mark.parametrize(
    "tag",
    [
        "PatientName",
        "SpecificCharacterSet",
        "FrameTime",
        "FrameTimeVector",
        "CineRate",
        "NumberOfFrames",
        "PhotometricInterpretation",
        "Rows",
        "BitsStored",
        "SequenceOfUltrasoundRegions",
    ],
)
def test_the_patient_is_in_no_message(tmp_path, tag, caplog, capfd, recwarn):
    path = raw_tag(write_dicom(tmp_path / "a.dcm", steps()), tag, PLANTED)
    assert NAME.encode() in path.read_bytes()
    caplog.clear()  # forget the messages about writing the file
    recwarn.clear()
    outputs = []
    with caplog.at_level(logging.DEBUG):
        try:
            clip = decoded(path, rate_hz=5.0)
            outputs.append(repr(clip))
        except BadMedia as error:
            outputs += traceback.format_exception(error)
    out = capfd.readouterr()
    outputs += [caplog.text, out.out, out.err, *(str(warning.message) for warning in recwarn)]
    assert "Planted" not in " ".join(outputs)
    assert outputs


def test_the_patient_is_not_in_the_name_of_a_transfer_syntax(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", steps(), ImplicitVRLittleEndian)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"1.2.840.10008.1.2\0", b"Planted^Patient\0\0\0"[:18]))
    with pytest.raises(BadMedia, match="an unknown transfer syntax"):
        decoded(path)


def test_no_patient_tag_is_read():
    groups = {pydicom.tag.Tag(name).group for name in TAGS}
    assert groups == {0x0008, 0x0018, 0x0028, 0x5200, 0x7FE0}  # 0010 is the patient
    assert [name for name in TAGS if pydicom.tag.Tag(name).group == 0x0008] == ["RecommendedDisplayFrameRate"]
