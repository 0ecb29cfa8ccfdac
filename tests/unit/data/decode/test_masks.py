"""Masks of the conventions in use, each against the lesion that was drawn."""

from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest

from uscl.data.decode.image import read_image
from uscl.data.decode.mask_file import read_mask
from uscl.data.decode.masks import read_masks
from uscl.data.decode.video import BadMedia
from uscl.data.picture_box import Box

WHOLE = Box(0, 0, 96, 128)
LESION = cv2.ellipse(np.zeros((96, 128), np.uint8), (60, 45), (20, 12), 20, 0, 360, 1, -1)
ZERO = np.zeros_like(LESION)


def palette(indices: np.ndarray, *colours: int) -> PIL.Image.Image:
    image = PIL.Image.fromarray(indices, "L").copy()
    image.putpalette(list(colours))
    return image


def rgba(*planes: np.ndarray) -> PIL.Image.Image:
    return PIL.Image.fromarray(np.stack(planes, axis=2))


SAME = {
    "01.png": PIL.Image.fromarray(LESION),
    "255.bmp": PIL.Image.fromarray(LESION * 255),
    "bool.png": PIL.Image.fromarray(LESION > 0),
    "16bit.png": PIL.Image.fromarray(LESION.astype(np.uint16) * 65535),
    "16bit1.tif": PIL.Image.fromarray(LESION.astype(np.uint16)),
    "float.tif": PIL.Image.fromarray(LESION.astype(np.float32)),
    "palette.png": palette(LESION, 0, 0, 0, 128, 0, 0),
    "black_palette.png": palette(LESION, 0, 0, 0, 0, 0, 0),
    "white_first.gif": palette(1 - LESION, 255, 255, 255, 0, 0, 0),
    "red.png": rgba(LESION * 255, ZERO, ZERO),
    "white_alpha.png": rgba(ZERO + 255, ZERO + 255, ZERO + 255, LESION * 255),
    "black_alpha.png": rgba(ZERO, ZERO, ZERO, LESION * 255),
    "lesion_on_transparent.webp": rgba(LESION * 255, ZERO, ZERO, LESION * 255),
    "2.png": PIL.Image.fromarray(LESION * 2),
    "1bit.bmp": PIL.Image.fromarray(LESION > 0),
    "1bit.tif": PIL.Image.fromarray(LESION > 0),
    "255_of_16bit.png": PIL.Image.fromarray(LESION.astype(np.uint16) * 255),
    "7_of_32bit.tif": PIL.Image.fromarray(LESION.astype(np.int32) * 7),
    "half_alpha.png": rgba(ZERO + 255, ZERO, ZERO, LESION * 128),
    "opaque_alpha.png": rgba(LESION * 255, LESION * 255, LESION * 255, ZERO + 255),
    "grey_alpha.png": rgba(ZERO, LESION * 255),
    "transparent_palette.png": palette(LESION, 255, 0, 0, 255, 0, 0),
    "transparent_white.png": palette(1 - LESION, 255, 255, 255, 0, 0, 0),
    "cmyk.tif": PIL.Image.fromarray(np.dstack([LESION * 255] * 3)).convert("CMYK"),
}
SAVED = {
    ".webp": {"lossless": True},
    "1bit.tif": {"compression": "group4"},
    "transparent_palette.png": {"transparency": 0},
    "transparent_white.png": {"transparency": 1},
}


@pytest.mark.parametrize("name", SAME)
def test_a_mask_of_two_values_is_the_lesion(tmp_path, name):
    SAME[name].save(tmp_path / name, **(SAVED.get(name) or SAVED.get(Path(name).suffix) or {}))
    np.testing.assert_array_equal(read_mask(tmp_path / name) > 0, LESION > 0)


@pytest.mark.parametrize("colour", [(255, 255, 255), (255, 0, 0), (0, 255, 0)])
def test_a_jpeg_or_blurred_mask_is_cut_at_half(tmp_path, colour):
    PIL.Image.fromarray(LESION[..., None] * np.array(colour, np.uint8)).save(tmp_path / "m.jpg", subsampling=0)
    assert np.mean((read_mask(tmp_path / "m.jpg") > 0) != (LESION > 0)) < 0.003
    soft = cv2.GaussianBlur(LESION[..., None] * np.array(colour, np.uint8), (0, 0), 1.5)
    PIL.Image.fromarray(soft).save(tmp_path / "m.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png") > 0, soft.max(axis=2) > 127)


def test_labels_are_all_lesion_unless_some_are_chosen(tmp_path):
    labels = LESION.copy()
    labels[5:15, 5:25] = 2
    for values in ([0, 1, 2], [0, 255, 128]):
        PIL.Image.fromarray(np.array(values, np.uint8)[labels]).save(tmp_path / "m.png")
        np.testing.assert_array_equal(read_mask(tmp_path / "m.png") > 0, labels > 0)
        np.testing.assert_array_equal(read_mask(tmp_path / "m.png", (1,)) > 0, labels == 1)
        np.testing.assert_array_equal(read_mask(tmp_path / "m.png", (values[2],)) > 0, labels == 2)


def test_values_of_no_convention_are_refused_with_the_values(tmp_path):
    picture = np.random.default_rng(0).normal(90, 40, LESION.shape).clip(0, 255)
    for bad, values in ((picture, "0, "), (LESION + 1, "1, 2,"), (LESION * 100 + 100, "100, 200,")):
        PIL.Image.fromarray(bad.astype(np.uint8)).save(tmp_path / "m.png")
        with pytest.raises(BadMedia, match=f"^the mask m.png: its values are {values}.*unclear which are lesion"):
            read_masks([tmp_path / "m.png"], LESION.shape, 64, WHOLE)


def test_a_structure_with_a_border_of_value_255_is_refused_unless_a_label_is_chosen(tmp_path):
    for width in (3, 9):  # as in VOC: 255 is neither background nor lesion
        border = cv2.dilate(LESION, np.ones((width, width), np.uint8)) - LESION
        labels = LESION + 255 * border
        for image in (PIL.Image.fromarray(labels), palette(labels, *([0] * 3 + [128, 0, 0] + [9, 8, 7] * 254))):
            image.save(tmp_path / "m.png")
            with pytest.raises(BadMedia, match=r"^its values are 0, 1, 255, so it is unclear which are lesion"):
                read_mask(tmp_path / "m.png")
            np.testing.assert_array_equal(read_mask(tmp_path / "m.png", (1,)), LESION)


def test_a_structure_around_another_is_no_outline(tmp_path):
    labels = 2 * cv2.dilate(LESION, np.ones((5, 5), np.uint8)) - LESION
    PIL.Image.fromarray(labels).save(tmp_path / "m.png")
    assert read_masks([tmp_path / "m.png"], LESION.shape, 128, WHOLE)[1] == ""


@pytest.mark.parametrize("suffix", [".tif", ".gif"])
def test_a_mask_file_of_several_pictures_is_refused(tmp_path, suffix):
    pages = [PIL.Image.fromarray(page) for page in (LESION * 255, np.roll(LESION, 9, 1) * 255)]
    pages[0].save(tmp_path / f"m{suffix}", save_all=True, append_images=pages[1:])
    with pytest.raises(
        BadMedia, match=r"^it holds 2 pictures, so it is unclear which is the mask: save each in a file"
    ):
        read_mask(tmp_path / f"m{suffix}")


@pytest.mark.parametrize("centre", [(60, 45), (110, 45)])
def test_an_outline_is_filled(tmp_path, centre):
    line, area = (cv2.ellipse(ZERO.copy(), centre, (30, 20), 20, 0, 360, 255, width) for width in (2, -1))
    PIL.Image.fromarray(line).save(tmp_path / "m.png")
    found, note, _ = read_masks([tmp_path / "m.png"], LESION.shape, 128, WHOLE)
    assert np.mean((found[16:112] > 0) != (area > 0)) < 0.02
    assert note == "its mask is an outline, which is filled"


def test_what_vanishes_by_scaling_is_counted(tmp_path):
    thin = ZERO.copy()
    thin[20, 10:100] = 1
    for mask, note in ((thin, "its mask of 90 pixels vanishes"), (thin | LESION, "1 of 2 parts of its mask vanish")):
        PIL.Image.fromarray(mask).save(tmp_path / "m.png")
        assert note in read_masks([tmp_path / "m.png"], LESION.shape, 32, WHOLE)[1]


def test_what_lies_outside_the_crop_does_not_count(tmp_path):
    PIL.Image.fromarray(LESION).save(tmp_path / "m.png")
    whole, *_ = read_masks([tmp_path / "m.png"], LESION.shape, 128, WHOLE)
    part, note, _ = read_masks([tmp_path / "m.png"], LESION.shape, 128, Box(0, 0, 96, 60))
    assert note == ""
    left = cv2.resize(LESION[:, :60], (80, 128), interpolation=cv2.INTER_AREA)
    assert np.mean(part[:, 24:104] != left) < 0.03
    assert part[:, 24:104].sum() > 0.8 * whole[16:112, :60].sum()
    assert read_masks([tmp_path / "m.png"], LESION.shape, 128, Box(80, 0, 16, 128))[0].max() == 0


def test_transparent_surroundings_of_a_picture_are_black(tmp_path):
    alpha = (ZERO + 255).astype(np.uint8)
    alpha[:, :30] = 0
    for suffix, white in ((".png", ZERO + 255), (".tif", ZERO + 200)):
        rgba(white, white, white, alpha).save(tmp_path / f"x{suffix}")
        found = read_image(tmp_path / f"x{suffix}")
        assert not found[:, :30].any()
        assert (found[:, 30:] == white[:, 30:]).all()
