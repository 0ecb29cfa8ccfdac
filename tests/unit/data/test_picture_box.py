"""A stored frame is black outside the box of its picture, and only there."""

import numpy as np
import pytest
from stores import sound_manifest

from uscl.data.decode.image import fit_image
from uscl.data.picture_box import Box, boxes_of, inside, picture_box


@pytest.mark.parametrize(("height", "width"), [(48, 64), (61, 31), (50, 50), (7, 900), (101, 67), (20, 33)])
@pytest.mark.parametrize("size", [32, 64])
def test_the_box_holds_the_whole_picture_and_nothing_else(height, width, size):
    frame = fit_image(np.full((height, width), 200, np.uint8), size)
    top, left, inner_height, inner_width = picture_box(height, width, size)
    bright = np.zeros((size, size), bool)
    bright[top : top + inner_height, left : left + inner_width] = True
    np.testing.assert_array_equal(frame > 0, bright)
    assert max(inner_height, inner_width) == size


def test_the_pixels_inside_are_those_of_each_rows_box():
    boxes = [Box(0, 0, 8, 8), Box(1, 0, 6, 8), Box(0, 3, 8, 2)]
    sides = {f"box_{side}": [getattr(box, side) for box in boxes] for side in Box._fields}
    manifest = sound_manifest(3, 8, **sides)
    assert boxes_of(manifest) == boxes
    expected = np.zeros((3, 8, 8), bool)
    for mask, (top, left, height, width) in zip(expected, boxes, strict=True):
        mask[top : top + height, left : left + width] = True
    np.testing.assert_array_equal(inside(manifest, 8), expected)
