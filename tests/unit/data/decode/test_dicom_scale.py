"""The size of a pixel that a DICOM file declares, and no guess where it declares none."""

import math

import numpy as np
import pytest
from dicom_files import region, write_dicom

from uscl.data.decode.dicom import decode_dicom

PIXELS = np.random.default_rng(0).integers(0, 256, (2, 40, 40), dtype=np.uint8)


def measured(across=0.02, down=0.02, units=(3, 3), kind=1):
    """A region of the frame's upper half with pixels of so many units (3 is centimetres)."""
    item = region(0, 0, 39, 19, kind)
    item.PhysicalUnitsXDirection, item.PhysicalUnitsYDirection = units
    item.PhysicalDeltaX, item.PhysicalDeltaY = across, down
    return item


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"SequenceOfUltrasoundRegions": [measured()]}, 0.2),
        ({"SequenceOfUltrasoundRegions": [measured(0.015, -0.015)]}, 0.15),  # the axis points up
        ({"SequenceOfUltrasoundRegions": [measured(), measured(0.5, 0.1, (4, 3), kind=3)]}, 0.2),  # a spectrum
        ({"SequenceOfUltrasoundRegions": [measured(), measured(0.03, 0.03)]}, math.nan),
        ({"SequenceOfUltrasoundRegions": [measured(0.02, 0.03)]}, math.nan),
        ({"SequenceOfUltrasoundRegions": [measured(units=(4, 3))]}, math.nan),
        ({"SequenceOfUltrasoundRegions": [measured(0.0, 0.0)]}, math.nan),
        ({"PixelSpacing": [0.3, 0.3]}, 0.3),
        ({"PixelSpacing": [0.3, 0.4]}, math.nan),
        ({"SequenceOfUltrasoundRegions": [measured()], "PixelSpacing": [0.3, 0.3]}, 0.2),
        ({}, math.nan),
    ],
)
def test_a_pixels_side_comes_from_the_2d_regions_or_the_spacing(tmp_path, tags, expected):
    clip = decode_dicom(write_dicom(tmp_path / "a.dcm", PIXELS, **tags), 20, None, None)
    assert clip.mm_per_pixel == pytest.approx(expected, nan_ok=True)
