"""DICOM: stored values are shown as the file asks, and by the depth that they use."""

import numpy as np
import pydicom
import pytest
from dicom_files import region, saved, write_dicom
from pydicom.pixels import apply_modality_lut, apply_voi_lut
from pydicom.uid import (
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
)

from uscl.data.decode.dicom import decode_dicom
from uscl.data.decode.dicom_pixels import jpeg_size
from uscl.data.decode.dicom_syntax import decoder_name
from uscl.data.decode.video import BadMedia

RAMP = np.tile(np.arange(40, dtype=np.uint8) * 6 + 5, (2, 40, 1))
REGION = [region(0, 0, 39, 39)]


def shown(path):
    """Frames and remark of a file."""
    clip = decode_dicom(path, 40, None, None)
    return clip.frames, clip.note


def check(path, note="", expected=RAMP, atol=0):
    frames, found = shown(path)
    np.testing.assert_allclose(frames.astype(int), expected.astype(int), atol=atol)
    assert found == note


def write(path, pixels, syntax=pydicom.uid.ExplicitVRLittleEndian, **tags):
    return write_dicom(path, pixels, syntax, **{"SequenceOfUltrasoundRegions": REGION} | tags)


def table(entries, first, bits, data=None):
    item = pydicom.Dataset()
    item.LUTDescriptor = [len(entries), first, bits]
    item.add_new("LUTData", "OW", np.asarray(entries, "<u2").tobytes() if data is None else data)
    return [item]


@pytest.mark.parametrize("kind", ["<u2", "<i2"])
@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (2.5, -1024), (-1, 4095)])
def test_a_window_is_applied_as_pydicom_does(tmp_path, kind, function, slope, intercept):
    pixels = np.random.default_rng(0).integers(0, 4096, (2, 40, 40)).astype(kind)
    tags = {"WindowCenter": 1500, "WindowWidth": 2000, "VOILUTFunction": function}
    path = write(tmp_path / "a.dcm", pixels, RescaleSlope=slope, RescaleIntercept=intercept, **tags)
    data = pydicom.dcmread(path)
    output = apply_modality_lut(pixels, data)
    data.RescaleSlope, data.RescaleIntercept = 1, 0  # pydicom turns the window around for a negative slope
    reference = apply_voi_lut(output, data)
    low, high = (-32768, 32767) if kind == "<i2" else (0, 65535)
    check(path, expected=(reference - low) / (high - low) * 255, atol=1)


@pytest.mark.parametrize("tags", [{}, {"WindowCenter": 128, "WindowWidth": 256}])
@pytest.mark.parametrize("kind", ["u1", "<u2", "<i2"])
def test_values_of_8_bits_in_any_container(tmp_path, tags, kind):
    bits = 16 - (kind == "<i2")
    check(
        write(tmp_path / "a.dcm", RAMP.astype(kind), **tags), "" if tags or kind == "u1" else f"uses 8 of {bits} bits"
    )


def test_values_of_12_bits_without_a_window(tmp_path):
    wide = RAMP.astype("<u2") << 4
    check(write(tmp_path / "a.dcm", wide), "uses 12 of 16 bits")
    check(write(tmp_path / "b.dcm", wide, BitsStored=12, HighBit=11))
    check(write(tmp_path / "c.dcm", wide >> 2, BitsStored=12, HighBit=11), expected=RAMP >> 2)  # a dark picture
    check(write(tmp_path / "d.dcm", wide >> 4, BitsStored=12, HighBit=11), "uses 8 of 12 bits")


def test_slope_and_intercept_without_a_window(tmp_path):
    for slope, stored in (
        (0.5, RAMP.astype("<u2") * 2),
        (2, RAMP.astype("<u2") // 2),
        (0.0625, RAMP.astype("<u2") * 16),
    ):
        check(write(tmp_path / "a.dcm", stored, RescaleSlope=slope, RescaleIntercept=0), "uses 8 of 16 bits", atol=1)
    shifted = (RAMP.astype("<i2") - 128) * 2
    check(write(tmp_path / "b.dcm", shifted, RescaleSlope=0.5, RescaleIntercept=128), "uses 8 of 16 bits", atol=1)
    few = {"BitsStored": 10, "HighBit": 9, "RescaleSlope": 0.25, "RescaleIntercept": 0}
    check(write(tmp_path / "e.dcm", RAMP.astype("<u2") * 4, **few), "uses 8 of 16 bits", atol=1)
    check(write(tmp_path / "c.dcm", RAMP, RescaleSlope=0.5, RescaleIntercept=0))
    below = RAMP.astype("<u2") * 16  # as of a CT: values below 0 keep the stored ones
    check(write(tmp_path / "d.dcm", below, RescaleSlope=1, RescaleIntercept=-1024), "uses 12 of 16 bits")


def test_a_file_of_several_windows_is_shown_in_the_first_and_monochrome1_is_inverted_after_it(tmp_path):
    wide = RAMP.astype("<u2") << 4
    check(write(tmp_path / "a.dcm", wide, WindowCenter=[2048, 100], WindowWidth=[4096, 50]), atol=1)
    given = {"PhotometricInterpretation": "MONOCHROME1", "WindowCenter": 2048, "WindowWidth": 4096}
    check(write(tmp_path / "b.dcm", 4095 - wide, **given), atol=1)


def test_values_in_the_high_bits(tmp_path):
    check(write(tmp_path / "a.dcm", (RAMP.astype("<u2") << 8) + 9, BitsStored=12, HighBit=15))
    signed = ((RAMP.astype(int) << 8) - 32768).astype("<i2")
    check(write(tmp_path / "b.dcm", signed, BitsStored=12, HighBit=15))
    low = (RAMP.astype("<u2") << 4) | np.uint16(0xF000)  # something else lies above the value
    check(write(tmp_path / "c.dcm", low, BitsStored=12, HighBit=11))


@pytest.mark.parametrize("kind", ["u1", "<u2", "i1", "<i2"])
def test_a_negative_slope_inverts(tmp_path, kind):
    size = 8 * np.dtype(kind).itemsize
    stored = (((255 - RAMP.astype(int)) << (size - 8)) - ((1 << (size - 1)) if "i" in kind else 0)).astype(kind)
    check(write(tmp_path / "a.dcm", stored, RescaleSlope=-1, RescaleIntercept=255))
    tags = {"RescaleSlope": -1, "RescaleIntercept": 255, "PhotometricInterpretation": "MONOCHROME1"}
    check(write(tmp_path / "b.dcm", stored, **tags), expected=255 - RAMP)


def test_lookup_tables(tmp_path):
    inverse = np.arange(256)[::-1]
    check(write(tmp_path / "a.dcm", 255 - RAMP, VOILUTSequence=table(inverse << 4, 0, 12)))
    check(write(tmp_path / "b.dcm", 255 - RAMP, ModalityLUTSequence=table(inverse << 8, 0, 16)))
    check(write(tmp_path / "c.dcm", 255 - RAMP, VOILUTSequence=table(inverse, 0, 8, inverse.astype("u1").tobytes())))
    shifted = RAMP.astype("<u2") + 1000
    check(write(tmp_path / "d.dcm", shifted, VOILUTSequence=table(np.arange(256), 1000, 8)))
    both = {"ModalityLUTSequence": table(inverse, 0, 16), "WindowCenter": 128, "WindowWidth": 256}
    check(write(tmp_path / "e.dcm", 255 - RAMP, ImplicitVRLittleEndian, **both))
    check(write(tmp_path / "f.dcm", 255 - RAMP, ModalityLUTSequence=table(inverse, 0, 16)), "uses 8 of 16 bits")
    big = table(inverse << 4, 0, 12, (inverse << 4).astype(">u2").tobytes())
    check(write(tmp_path / "g.dcm", 255 - RAMP, ExplicitVRBigEndian, VOILUTSequence=big))


@pytest.mark.parametrize("group", ["SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"])
def test_the_window_of_an_enhanced_file(tmp_path, group):
    item, window = pydicom.Dataset(), pydicom.Dataset()
    window.WindowCenter, window.WindowWidth = 2048, 4096
    item.FrameVOILUTSequence = [window]
    check(write(tmp_path / "a.dcm", RAMP.astype("<u2") << 4, **{group: [item]}), atol=1)


def test_a_window_that_would_show_nothing_is_not_applied(tmp_path):
    note = "its window or lookup table would show nothing, so it is not applied"
    check(write(tmp_path / "a.dcm", RAMP, WindowCenter=32768, WindowWidth=65536), note)
    check(write(tmp_path / "b.dcm", RAMP, WindowCenter=-500, WindowWidth=10), note)
    check(write(tmp_path / "c.dcm", RAMP, WindowCenter=0, WindowWidth=0))
    wide = RAMP.astype("<u2") << 4
    check(write(tmp_path / "d.dcm", wide, WindowCenter=32768, WindowWidth=65536), f"{note}; uses 12 of 16 bits")


def test_a_palette_of_16_bits_with_values_of_8(tmp_path):
    tags = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour in ("Red", "Green", "Blue"):
        tags[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        tags[f"{colour}PaletteColorLookupTableData"] = np.arange(256).astype("<u2").tobytes()
    check(write(tmp_path / "a.dcm", RAMP, **tags), "uses 8 of 16 bits")


@pytest.mark.parametrize("odd", [False, True])
def test_a_label_of_half_colour_on_whole_pixels(tmp_path, odd):
    ramp = RAMP[:1, :, :39] if odd else RAMP
    rgb = np.repeat(ramp[..., None], 3, axis=-1)
    tags = {"PhotometricInterpretation": "YBR_FULL_422", "SequenceOfUltrasoundRegions": [region(0, 0, 99, 99)]}
    path = write(tmp_path / "a.dcm", rgb, **tags)
    frames, note = shown(path)
    assert note.endswith("its pixels are too long for their label YBR_FULL_422: read as RGB")
    plain, _ = shown(write(tmp_path / "b.dcm", rgb))
    np.testing.assert_array_equal(frames, plain)
    ybr = rgb.copy()
    ybr[..., 1:] = 128
    frames, note = shown(write(tmp_path / "c.dcm", ybr, **tags))
    assert note.endswith("read as YBR_FULL")
    np.testing.assert_allclose(frames.astype(int), plain.astype(int), atol=1)


@pytest.mark.parametrize("planar", [0, 1])
def test_a_label_of_other_colours_than_the_pixels_have(tmp_path, planar):
    rgb = np.repeat(RAMP[..., None], 3, axis=-1)
    ybr = rgb.copy()
    ybr[..., 1:] = 128
    for pixels, given, right in ((ybr, "RGB", "YBR_FULL"), (rgb, "YBR_FULL", "RGB")):
        stored = np.moveaxis(pixels, 3, 1).reshape(pixels.shape) if planar else pixels
        tags = {"PlanarConfiguration": planar, "PhotometricInterpretation": given}
        note = f"its pixels are not those of their label {given}: read as {right}"
        check(write(tmp_path / "a.dcm", stored, **tags), note, atol=1)
        check(write(tmp_path / "b.dcm", stored, **tags | {"PhotometricInterpretation": right}), atol=1)
    tinted = np.stack([RAMP, RAMP // 2, RAMP // 4], axis=-1)
    assert shown(write(tmp_path / "c.dcm", tinted))[1] == ""


def test_pixels_beyond_the_declared_frames_are_a_remark(tmp_path):
    note = "its PixelData has 1600 bytes beyond the 1 frames that it declares: not read"
    check(write(tmp_path / "a.dcm", RAMP, NumberOfFrames=1), f"only one frame; {note}", RAMP[:1])


def test_a_jpeg_of_12_bits_is_named(tmp_path):
    path = write(tmp_path / "a.dcm", RAMP.astype("<u2") << 4, BitsStored=12, HighBit=11)
    data = pydicom.dcmread(path)
    data.file_meta.TransferSyntaxUID = JPEGExtended12Bit
    data.PixelData = pydicom.encaps.encapsulate([b"1234"] * 2)
    data["PixelData"].is_undefined_length = True
    saved(path, data, {})
    with pytest.raises(BadMedia, match=r"^its pixels are packed as JPEG of 12 bits, which is not read: convert it"):
        decode_dicom(path, 40, None, None)


def test_an_optional_decoder_changes_no_frame_that_is_read_without_it():
    assert decoder_name(JPEGBaseline8Bit) == "pillow"


def test_the_size_of_a_jpeg_ls():
    head = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xf7\x00\x0b\x08\x00\x28\x01\x2c\x01\x01\x11\x00"
    assert jpeg_size(head) == (300, 40)
    for cut in (b"", b"\xff\xd8", head[:8], b"\xff\xd8\xff\xda\x00\x02\x00"):
        with pytest.raises(OSError, match="no head of a frame"):
            jpeg_size(cut)


@pytest.mark.parametrize("syntax", [JPEGLossless, JPEGLosslessSV1, JPEGLSLossless])
@pytest.mark.parametrize("kind", ["grey", "12 bits", "colour"])
def test_lossless_jpeg_is_read_with_python_gdcm(tmp_path, syntax, kind):
    gdcm = pytest.importorskip("gdcm")
    noise = np.random.default_rng(0).integers(0, 4096, (2, 40, 40, 3)).astype("<u2")
    pixels = {"grey": noise[..., 0].astype("u1"), "12 bits": noise[..., 0], "colour": noise.astype("u1")}[kind]
    bits = {"BitsStored": 12, "HighBit": 11} if kind == "12 bits" else {}
    path, packed = write_dicom(tmp_path / "a.dcm", pixels, **bits), tmp_path / "b.dcm"
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(path))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(str.__str__(syntax))))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFileName(str(packed))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    assert pydicom.dcmread(packed).file_meta.TransferSyntaxUID == syntax
    np.testing.assert_array_equal(shown(packed)[0], shown(path)[0])
