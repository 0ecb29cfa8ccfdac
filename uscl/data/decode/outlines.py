"""Fill outlines: some sets draw a thin line around a structure in place of its area (HC18's `_Annotation` files)."""

import cv2
import numpy as np
from numpy.typing import NDArray

HALF_WIDTH = 2.5  # of a line, in pixels, or
SHARE = 0.01  # this share of the longer side
SMALLEST = 16  # pixels of an outline
IN_HULL = 0.95  # share of an enclosed area inside the line's convex hull
CROSS = np.ones((3, 3), np.uint8)


def filled(mask: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], int, int]:
    """A mask of 0 and 1 with its outlines filled, the number of these, and the number of lines that are not closed.

    An outline is a line of a few pixels' width that encloses at least its own area, perhaps with the picture's edge.
    """
    if not mask.any():
        return mask, 0, 0
    result, around = mask.copy(), bounds(mask)
    limit = max(HALF_WIDTH, SHARE * max(mask.shape))
    mask = mask[around]
    _, parts, boxes, _ = cv2.connectedComponentsWithStats(mask)
    closed = open_lines = 0
    for number, (left, top, width, height, pixels) in enumerate(boxes[1:], start=1):
        if pixels < SMALLEST or 2 * pixels > width * height:  # there is no room for as large an area inside
            continue
        window = np.s_[max(top - 2, 0) : top + height + 2, max(left - 2, 0) : left + width + 2]
        line = (parts[window] == number).astype(np.uint8)
        if half_width(line) > limit:
            continue
        inside = enclosed(line)
        if inside.sum() >= pixels:
            result[around][window] |= inside
            closed += 1
        elif hull(line).sum() >= 4 * pixels:
            open_lines += 1
    return result, closed, open_lines


def bounds(mask: NDArray[np.uint8]) -> tuple[slice, slice]:
    """The rows and columns of a mask that hold all its lesion, and two around them."""
    left, top, width, height = cv2.boundingRect(mask)
    return np.s_[max(top - 2, 0) : top + height + 2, max(left - 2, 0) : left + width + 2]


def half_width(line: NDArray[np.uint8]) -> float:
    """Half the largest width of a line, which may touch the edge."""
    return float(cv2.distanceTransform(cv2.copyMakeBorder(line, 1, 1, 1, 1, cv2.BORDER_CONSTANT), cv2.DIST_L2, 3).max())


def enclosed(line: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The area that a line encloses, perhaps with the picture's edge; gaps of two pixels count as closed."""
    barrier, around = cv2.dilate(line, CROSS), hull(line)
    count, areas = cv2.connectedComponents(1 - barrier, connectivity=4)
    sizes = np.bincount(areas.ravel(), minlength=count)
    within = np.bincount(areas.ravel(), weights=around.ravel(), minlength=count) >= IN_HULL * sizes
    within[0] = False  # the line itself
    area = cv2.dilate(within[areas].astype(np.uint8), CROSS)
    return np.where(line > 0, 0, area).astype(np.uint8)


def hull(line: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The convex hull of a line, filled."""
    rows, columns = np.nonzero(line)
    points = cv2.convexHull(np.stack([columns, rows], axis=1).astype(np.int32))
    return cv2.fillConvexPoly(np.zeros(line.shape, np.uint8), points, 1).astype(np.uint8, copy=False)
