"""Scores of one image at the size of its source picture, without the black border of its stored frame.

A predicted mask is scaled back to the source picture by linear interpolation: a pixel there belongs to the structure if
more than half of it is covered. Distances go between surfaces: the pixels of a mask with one of four neighbours outside
the mask or the picture, as in `uscl.metrics.masks`.

HD95 is the larger of the two directed 95th percentiles (Maier-Hein et al., Metrics reloaded, Nature Methods 2024,
doi:10.1038/s41592-023-02151-z; also MONAI). Another form in use pools the distances of both directions and takes one
percentile of all (MedPy), which gives another, mostly smaller number.
NSD is the normalised surface distance at a tolerance (Nikolov et al., arXiv 1809.04430): the number of surface pixels
of both masks within the tolerance of the other mask's surface, divided by the number of all. Both count surface pixels
and not the lengths of surface elements.

The rule for masks without a pixel is that of `uscl.metrics.masks`: two empty masks agree (Dice, IoU and NSD 1, HD95 0).
If one of the two is empty, Dice, IoU and NSD are 0, and HD95 is the diagonal of the picture.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np

from uscl.metrics import masks

# What a score may need besides the masks, for messages.
NEEDS = {"spacing": "the size of a pixel in millimetres", "tolerance": "`surface_tolerance`"}


@dataclass(frozen=True)
class Pair:
    """The predicted and the true mask of a structure in one image, boolean [height, width].

    `mm_per_pixel` is the size of a pixel, NaN if unknown, and `tolerance` that of NSD in pixels, NaN without.
    """

    predicted: np.ndarray
    true: np.ndarray
    mm_per_pixel: float = math.nan
    tolerance: float = math.nan

    @functools.cached_property
    def empty(self) -> int:
        """How many of the two masks are empty."""
        return int(not self.predicted.any()) + int(not self.true.any())

    @functools.cached_property
    def distances(self) -> tuple[np.ndarray, np.ndarray]:
        """In pixels, from each surface pixel of one mask to the other's surface; of both masks, none of them empty."""
        from scipy.spatial import KDTree

        predicted, true = surface_points(self.predicted), surface_points(self.true)
        return KDTree(true).query(predicted)[0], KDTree(predicted).query(true)[0]


def surface_points(mask: np.ndarray) -> np.ndarray:
    """The rows and columns [n, 2] of a mask's surface; the mask has a pixel."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = rows[0], columns[0]
    part = mask[top : rows[-1] + 1, left : columns[-1] + 1]  # beyond it, the mask or the picture ends
    return np.argwhere(masks.surface(part[None])[0]) + np.array([top, left])


def dice(pair: Pair) -> float:
    """Dice coefficient."""
    return float(masks.dice(pair.predicted[None], pair.true[None])[0])


def iou(pair: Pair) -> float:
    """Intersection over union."""
    return float(masks.iou(pair.predicted[None], pair.true[None])[0])


def hd95(pair: Pair) -> float:
    """95th percentile of the Hausdorff distance in pixels of the source picture."""
    if pair.empty:
        return float(np.hypot(*pair.true.shape)) if pair.empty == 1 else 0.0
    return float(max(np.percentile(distances, 95) for distances in pair.distances))


def hd95_mm(pair: Pair) -> float:
    """`hd95` in millimetres."""
    return hd95(pair) * pair.mm_per_pixel


def nsd(pair: Pair) -> float:
    """Normalised surface distance: the share of both surfaces that is within the tolerance of the other."""
    if pair.empty:
        return float(pair.empty == 2)
    both = np.concatenate(pair.distances)
    return float((both <= pair.tolerance).mean())
