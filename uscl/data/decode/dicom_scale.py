"""The size of a pixel in mm, as a DICOM file declares it."""

import math

import pydicom

from uscl.data.decode.dicom_header import TWO_DIMENSIONAL, number, values

CENTIMETRES = 3  # PhysicalUnitsXDirection and PhysicalUnitsYDirection
TOLERANCE = 0.01  # relative difference of two pixel sizes that count as equal


def mm_per_pixel(tags: pydicom.Dataset) -> float:
    """The side of a pixel in mm, by the 2D regions or else by PixelSpacing.

    NaN if the file gives none, if regions differ, or if pixels are not square.
    """
    flat = [
        region
        for region in tags.get("SequenceOfUltrasoundRegions") or []
        if number(region.get("RegionSpatialFormat")) == TWO_DIMENSIONAL
    ]
    sides = [side for region in flat for side in region_sides(region)]
    sides = sides or [number(side) for side in values(tags, "PixelSpacing")]
    if not sides or min(sides) <= 0 or max(sides) > (1 + TOLERANCE) * min(sides):
        return math.nan
    return sides[0]


def region_sides(region: pydicom.Dataset) -> list[float]:
    """Width and height of a region's pixels in mm; nothing if they are not lengths."""
    if any(number(region.get(f"PhysicalUnits{axis}Direction")) != CENTIMETRES for axis in "XY"):
        return []
    return [10 * abs(number(region.get(f"PhysicalDelta{axis}"))) for axis in "XY"]
