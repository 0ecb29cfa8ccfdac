"""Whether two pictures show the same: one motion brings points that look alike together, and with them the pixels.

The points of two pictures agree if one rotation, zoom and shift takes many of the first picture's to the second's. A
few that look alike suggest the motion; then all points that it brings together are counted if they look roughly alike.
But scanners put the same words and scales into all their pictures, and these agree as well. So the pixels decide: after
the motion, three quarters of what both pictures show must look alike.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from uscl.audit.points import SIDE, unit

TURNS = 12  # bins of a full turn; the directions of points that agree differ by at most one bin
OCTAVES = 16  # bins of zoom
SEEDS = 4  # matches that agree in rotation and zoom suggest a motion
LEAST = 8  # points that agree in the end
TOLERANCE = 3.0  # pixels of SIDE between a moved point and its match
NEAR = 5.0  # the same while the motion is still rough
ROUGHLY = 0.8  # similarity of points that a motion brings together
FARTHEST = 5.0  # zoom, or its reciprocal
TEXTURE = 1.0  # grey level of local contrast; where there is less, there is nothing to compare
SMALLEST = 0.02  # share of the picture that is compared, at least
WINDOW = 2.5  # pixels of a thumbnail: standard deviation of the surroundings in which a correlation is local
BLACK = 8  # grey level up to which a border counts as letterbox
RIM = 9  # pixels of a thumbnail: twice the width of the border that is not compared

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


class Motion(NamedTuple):
    """A rotation, zoom and shift [2, 3] of shares of the side, and the number of points that it brings together."""

    matrix: NDArray[np.float64]
    points: int

    @property
    def zoom(self) -> float:
        return float(np.hypot(self.matrix[0, 0], self.matrix[1, 0]))

    @property
    def degrees(self) -> float:
        return float(np.rad2deg(np.arctan2(self.matrix[1, 0], self.matrix[0, 0])))


class PicturePoints(NamedTuple):
    """The points of one picture: their places [k, 4] and descriptors [k, 128]."""

    places: Floats
    descriptors: Bytes


def agreeing(pair: Ints, places_a: Floats, places_b: Floats) -> list[Ints]:
    """The numbers of the matches that agree in rotation and zoom, per pair of pictures with `SEEDS` of them or more.

    `pair` is the pair of pictures of each match [k], `places_a` and `places_b` are its points [k, 4]. Bins are counted
    twice, the second time moved by half a bin, so that no border of a bin separates matches that agree.
    """
    turn = (places_b[:, 3] - places_a[:, 3]) / (2 * np.pi) * TURNS
    octave = np.log2(places_b[:, 2] / places_a[:, 2]) + OCTAVES // 2
    halves = [(turned, zoomed) for turned in (0, 0.5) for zoomed in (0, 0.5)]
    votes = np.concatenate(
        [
            (pair * len(halves) + number) * TURNS * OCTAVES
            + np.floor(turn + turned).astype(np.int64) % TURNS * OCTAVES
            + np.clip(np.floor(octave + zoomed), 0, OCTAVES - 1).astype(np.int64)
            for number, (turned, zoomed) in enumerate(halves)
        ]
    )
    order = np.argsort(votes, kind="stable")
    starts = np.flatnonzero(np.diff(votes[order], prepend=-1))
    counts = np.diff(starts, append=len(votes))
    many = counts >= SEEDS
    starts, counts = starts[many], counts[many]
    owner = pair[order[starts] % len(pair)] if len(starts) else starts
    best = np.lexsort((-counts, owner))
    best = best[np.diff(owner[best], prepend=-1) > 0]
    return [order[starts[place] : starts[place] + counts[place]] % len(pair) for place in best]


def motion_of(places_a: Floats, places_b: Floats, least: int) -> Motion | None:
    """The motion that brings most of some matching points [k, 4] together; None if these are fewer than `least`."""
    zoom = float(np.median(places_b[:, 2] / places_a[:, 2]))
    matrix, inside = cv2.estimateAffinePartial2D(
        places_a[:, :2] * SIDE, places_b[:, :2] * SIDE, ransacReprojThreshold=TOLERANCE * max(1.0, zoom), maxIters=1000
    )
    if matrix is None:
        return None
    hit = inside.ravel() > 0
    distinct = min(len(set(map(tuple, np.rint(p[hit, :2] * SIDE).tolist()))) for p in (places_a, places_b))
    motion = Motion(np.asarray(matrix, np.float64) / [1, 1, SIDE], distinct)
    return motion if distinct >= least and 1 / FARTHEST < motion.zoom < FARTHEST else None


def refined(motion: Motion | None, a: PicturePoints, b: PicturePoints) -> Motion | None:
    """A rough motion fitted to all points that it brings together; None if these are fewer than `LEAST`."""
    for least in (SEEDS, LEAST):
        if motion is None:
            return None
        i, j = brought_together(motion, a, b)
        motion = motion_of(a.places[i], b.places[j], least) if len(i) >= least else None
    return motion


def brought_together(motion: Motion, a: PicturePoints, b: PicturePoints) -> tuple[Ints, Ints]:
    """The numbers of a's points [k] and of b's [k] that a motion brings together and that look roughly alike."""
    from scipy.spatial import cKDTree  # late: few sets have points that a motion brings together

    moved = a.places[:, :2] @ motion.matrix[:, :2].T + motion.matrix[:, 2]
    near = NEAR * max(1.0, motion.zoom) / SIDE
    found = cKDTree(moved).sparse_distance_matrix(cKDTree(b.places[:, :2]), near, output_type="ndarray")
    order = np.lexsort((found["j"], found["i"]))
    i, j = found["i"][order], found["j"][order]
    turn = b.places[j, 3] - a.places[i, 3] - np.deg2rad(motion.degrees)
    octaves = np.log2(b.places[j, 2] / a.places[i, 2] / motion.zoom)
    kept = (np.cos(turn) > np.cos(2 * np.pi / TURNS)) & (np.abs(octaves) < 0.6)
    i, j = i[kept], j[kept]
    like = (unit(a.descriptors[i]) * unit(b.descriptors[j])).sum(1) >= ROUGHLY
    return i[like], j[like]


def correlation(first: Bytes, second: Bytes, motion: Motion) -> float:
    """The lower quartile of the local correlations of two thumbnails after the motion, where both have texture.

    The finer of the two is moved, and blurred as far as the motion makes it smaller. 0 if both show too little.
    """
    side = min(len(first), len(second))
    small, other = (
        np.asarray(cv2.resize(p, (side, side), interpolation=cv2.INTER_AREA), np.uint8) for p in (first, second)
    )
    matrix, moving, fixed = motion.matrix, small, other
    if motion.zoom > 1:
        matrix, moving, fixed = np.asarray(cv2.invertAffineTransform(matrix), np.float64), other, small
    shift = matrix[:, :2] @ [0.5, 0.5] - 0.5  # pixels count from their middle
    in_pixels = np.column_stack([matrix[:, :2], matrix[:, 2] * side + shift])
    shrunk = max(motion.zoom, 1 / motion.zoom)
    blurred = cv2.GaussianBlur(moving.astype(np.float32), (0, 0), max(0.3, 0.5 * (shrunk - 1)))
    moved, seen = (np.asarray(cv2.warpAffine(p, in_pixels, (side, side)), np.float32) for p in (blurred, shown(moving)))
    x, y = local_detail(moved), local_detail(fixed.astype(np.float32))
    xx, yy, xy = (cv2.GaussianBlur(product, (0, 0), WINDOW) for product in (x * x, y * y, x * y))
    compared = (seen * shown(fixed) > 0.99) & (xx > TEXTURE**2) & (yy > TEXTURE**2)
    if compared.mean() < SMALLEST:
        return 0.0
    return float(np.quantile(xy[compared] / np.sqrt(xx[compared] * yy[compared]), 0.25))


def shown(thumbnail: Bytes) -> Floats:
    """1 where a thumbnail shows its picture, 0 on the letterbox and near the picture's border."""
    bright = thumbnail > BLACK
    inside = np.outer(bright.any(1), bright.any(0)).astype(np.float32)
    return np.asarray(cv2.erode(inside, np.ones((RIM, RIM)), borderType=cv2.BORDER_CONSTANT, borderValue=0), np.float32)


def local_detail(picture: Floats) -> Floats:
    """What is finer than some pixels, without the finest noise."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.0) - cv2.GaussianBlur(picture, (0, 0), 3.0), np.float32)
