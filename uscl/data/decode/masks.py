"""The masks of one image: united, with outlines filled, scaled like the image, and with a remark on what is lost.

The united mask is also kept at the size of the source picture, so that predictions can be scored there.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from uscl.data.decode.crop import cut
from uscl.data.decode.image import fit_image
from uscl.data.decode.mask_file import distinct_values, read_mask
from uscl.data.decode.outlines import bounds, filled
from uscl.data.decode.video import BadMedia
from uscl.data.picture_box import Box, picture_box

LOST_SHARE = 0.01  # of a mask's pixels; smaller parts that vanish are stray pixels


def read_masks(
    paths: Sequence[Path], shape: tuple[int, ...], size: int, box: Box, chosen: tuple[int, ...] = ()
) -> tuple[NDArray[np.uint8], str, NDArray[np.uint8]]:
    """The labels of an image's masks [size, size], 0 for background; a remark or ""; the labels at the size of `box`.

    A pixel is lesion if more than half of it is covered; its label is the one that covers most of it. `shape` is the
    image's, [height, width], of which `box` is used; `chosen` are the labels that count, all if none are given. Raises
    BadMedia for a mask that is unreadable or has another shape. Without paths, all pixels are 0.
    """
    union = np.zeros(shape, np.uint8)
    remarks: dict[str, None] = {}
    for path in paths:
        try:
            labels = read_mask(path, chosen)
        except BadMedia as error:
            raise BadMedia(f"the mask {path.name}: {error}") from error
        if labels.shape != shape:
            sizes = f"{labels.shape[1]} x {labels.shape[0]} pixels, its image {shape[1]} x {shape[0]}"
            raise BadMedia(f"the mask {path.name} has {sizes}")
        labels, remark = without_outlines(labels)
        remarks |= dict.fromkeys(remark)
        np.maximum(union, labels, out=union)
    union = cut(union, box)
    scaled = scale_labels(union, size)
    return scaled, "; ".join([*remarks, *vanished(union, scaled)]), union


def without_outlines(labels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], list[str]]:
    """Labels with each label's outlines filled, and remarks. Another label inside an outline stays."""
    result, closed, open_lines = labels, 0, 0
    found = distinct_values(labels)
    for label in found[::-1]:
        if label:
            area, lines, broken = filled(labels if found[-1] == 1 else (labels == label).astype(np.uint8))
            if lines and (inside := (area > 0) & (result == 0)).any():
                result, closed = np.where(inside, label, result).astype(np.uint8), closed + lines
            open_lines += broken
    remarks = ["its mask is an outline, which is filled"] if closed else []
    return result, remarks + (["its mask is a thin line that is not closed, and not filled"] if open_lines else [])


def scale_labels(labels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Labels [height, width] letterboxed to [size, size]."""
    found = distinct_values(labels)
    lesion = fit_image(white(labels if found[-1] == 1 else labels > 0), size) > 127
    names = found[found > 0]
    if len(names) < 2:
        return lesion.astype(np.uint8) * np.uint8(names.max(initial=0))
    covers = [fit_image(white(labels == name), size) for name in names]
    return (lesion * names[np.argmax(covers, axis=0)]).astype(np.uint8)


def white(area: NDArray) -> NDArray[np.uint8]:
    """255 in an area, 0 elsewhere."""
    return area.astype(np.uint8, copy=False) * np.uint8(255)


def vanished(labels: NDArray[np.uint8], scaled: NDArray[np.uint8]) -> list[str]:
    """A remark on the parts of a mask of which no pixel is left."""
    size, pixels = len(scaled), int(np.count_nonzero(labels))
    if not pixels:
        return []
    if not scaled.any():
        return [f"its mask of {pixels} pixels vanishes at {size} x {size} pixels, and counts as empty"]
    top, left, height, width = picture_box(labels.shape[0], labels.shape[1], size)
    window = bounds(labels)
    count, parts, boxes, _ = cv2.connectedComponentsWithStats((labels[window] > 0).astype(np.uint8))
    if count == 2:
        return []
    inner = (scaled[top : top + height, left : left + width] > 0).astype(np.uint8)
    left_of = cv2.resize(inner, labels.shape[::-1], interpolation=cv2.INTER_NEAREST)
    seen = set(np.unique(parts[left_of[window] > 0]))
    gone = [number for number in range(1, count) if number not in seen]
    lost = int(boxes[gone, cv2.CC_STAT_AREA].sum())
    if lost < LOST_SHARE * pixels:
        return []
    return [f"{len(gone)} of {count - 1} parts of its mask vanish at {size} x {size} pixels, {lost} of {pixels} pixels"]
