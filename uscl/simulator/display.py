"""Annotations that a machine draws on its picture, and masks of the masses in it."""

import cv2
import numpy as np
from numpy.typing import NDArray

from uscl.simulator.scan import Scanner

Image = NDArray[np.uint8]


def annotate(image: Image, scanner: Scanner) -> Image:
    """Add the depth scale and the orientation mark if the exam has them: uint8 (height, width)."""
    exam = scanner.beams.exam
    image = image.copy()
    if exam.ticks:
        rows = scanner.beams.map_y[:, exam.width // 2] * scanner.beams.dr
        for cm in range(1, int(exam.depth / 10) + 1):
            y = int(np.abs(rows - 10 * cm).argmin())
            image[y, exam.width - (8 if cm % 5 == 0 else 5) : exam.width - 2] = 190
    if exam.marker:
        cv2.circle(image, (9, 9), 4, 170, 1, cv2.LINE_AA)
        cv2.line(image, (9, 5), (9, 13), 170, 1)
    return image


def lesion_masks(scanner: Scanner) -> list[Image]:
    """Exact region of each mass in display pixels, for the pose at rest: uint8 (height, width), 0 or 255."""
    beams, phantom = scanner.beams, scanner.phantom
    x, z = beams.to_body(beams.map_y, beams.map_x)
    inside = [phantom.sample(mass.astype(np.float32), x, z) > 0.5 for mass in phantom.lesions]
    return [np.where(mask & beams.visible, 255, 0).astype(np.uint8) for mask in inside]


def callipers(image: Image, mask: Image) -> Image:
    """Draw crosses at the ends of a mass's width and height, as an operator leaves them after measuring it."""
    image = image.copy()
    rows, columns = np.nonzero(mask)
    ends = ((columns.argmin(), columns.argmax(), rows.argmin(), rows.argmax())) if rows.size else ()
    for k in ends:
        cv2.drawMarker(image, (int(columns[k]), int(rows[k])), 230, cv2.MARKER_CROSS, 9, 1)
    return image
