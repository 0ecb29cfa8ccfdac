"""Points of pictures with descriptors of their surroundings (SIFT), which survive crops, zoom, rotation and text boxes.

A perceptual hash describes a picture as a whole, so it fails if a part is cut off or covered. Points describe small
surroundings. Local contrast is equalised first, so that gamma and gain change few of them, and every scale has its
share, so that a crop and its enlargement have points in common. The descriptor of a mirrored point follows from the
point's own: its cells and directions change places.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from uscl.audit.arrays import read_arrays

SIDE = 384  # pixels of the pictures whose points are taken
POINTS = 600  # per picture: a crop to 40 % of each side has a sixth of them
CONTRAST = 0.015  # of a point; OpenCV's default of 0.04 leaves a dark picture with few
THUMBNAIL = 2  # the picture that verifies a match is smaller by this factor

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


class Points(NamedTuple):
    """k points of n pictures, sorted by picture, each picture's strongest first."""

    rows: Ints  # the picture's row of the frame store [n]
    thumbnails: Bytes  # [n, side, side]
    picture: Ints  # of each point [k]
    places: Floats  # across, down, size (shares of the side), and direction (radians) [k, 4]
    descriptors: Bytes  # [k, 128]

    def of(self, pictures: Ints) -> list[slice]:
        """Where the points of each of some pictures lie."""
        ends = zip(*(np.searchsorted(self.picture, pictures, side) for side in ("left", "right")), strict=True)
        return [slice(start, end) for start, end in ends]

    def strongest(self, most: int) -> "Points":
        """At most `most` points of each picture."""
        first = np.searchsorted(self.picture, self.picture)
        kept = np.arange(len(self.picture)) - first < most
        return self._replace(**{name: getattr(self, name)[kept] for name in ("picture", "places", "descriptors")})


def points_of(pictures: Iterable[tuple[int, Bytes]], most: int = POINTS) -> Points:
    """At most `most` points of each of some pictures [size, size], each with its row in the frame store."""
    rows, thumbnails, places, descriptors = [], [], [], []
    for row, picture in pictures:
        place, descriptor = points(picture, most)
        rows.append(row)
        side = len(picture) // THUMBNAIL
        thumbnails.append(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA))
        places.append(place)
        descriptors.append(descriptor)
    return Points(
        np.array(rows, np.int64),
        np.stack(thumbnails) if thumbnails else np.zeros((0, 0, 0), np.uint8),
        np.repeat(np.arange(len(rows)), [len(place) for place in places]).astype(np.int64),
        np.concatenate([np.zeros((0, 4), np.float32), *places]),
        np.concatenate([np.zeros((0, 128), np.uint8), *descriptors]),
    )


def joined(parts: list[Points]) -> Points:
    """The points of several parts of a set as one; their pictures have one size."""
    parts = [part for part in parts if len(part.rows)]
    pictures = np.cumsum([0, *(len(part.rows) for part in parts)])
    moved = [part._replace(picture=part.picture + start) for part, start in zip(parts, pictures[:-1], strict=True)]
    return Points(*(np.concatenate(values) for values in zip(*(moved or [points_of([])]), strict=True)))


def points(picture: Bytes, most: int) -> tuple[Floats, Bytes]:
    """Places [k, 4] and descriptors [k, 128] of at most `most` points of a picture, the strongest first."""
    even = cv2.createCLAHE(clipLimit=3.0, tileGridSize=(6, 6)).apply(picture)
    sift = cv2.SIFT.create(contrastThreshold=CONTRAST)
    found, descriptors = sift.compute(even, strongest(sift.detect(even), most))
    if not found:
        return np.zeros((0, 4), np.float32), np.zeros((0, 128), np.uint8)
    side = len(picture)
    places = [((p.pt[0] + 0.5) / side, (p.pt[1] + 0.5) / side, p.size / side, np.deg2rad(p.angle)) for p in found]
    return np.array(places, np.float32), rooted(np.asarray(descriptors, np.float32))


def strongest(found: Sequence[cv2.KeyPoint], most: int) -> list[cv2.KeyPoint]:
    """At most `most` points: the strongest of each octave of scales in turn."""
    keys = [(point.octave & 255, -point.response, *point.pt, point.angle) for point in found]
    octave, weakness, *rest = np.array(keys).reshape(-1, 5).T
    order = np.lexsort((*rest, weakness, octave))
    turn = np.arange(len(order)) - np.searchsorted(octave[order], octave[order])
    return [found[place] for place in order[np.lexsort((weakness[order], turn))][:most]]


def rooted(descriptors: Floats) -> Bytes:
    """Square roots of the descriptors' shares as bytes; the product of two such rows is their Hellinger similarity."""
    share = descriptors / np.maximum(descriptors.sum(1, keepdims=True), 1e-6)
    return np.round(255 * np.sqrt(share)).astype(np.uint8)


def unit(descriptors: Bytes) -> Floats:
    """Descriptors [k, 128] as rows of unit norm."""
    rows = descriptors.astype(np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)


def unit_products(first: Bytes, second: Bytes) -> Floats:
    """The similarity of each of some descriptors [k, 128] to each of others [m, 128]: 1 if they are equal [k, m]."""
    return np.asarray(unit(first) @ unit(second).T, np.float32)


def mirrored(points: Points) -> Points:
    """The points of the mirrored pictures: left and right exchanged."""
    cells = points.descriptors.reshape(-1, 4, 4, 8)
    directions = -np.arange(8) % 8
    places = points.places * np.array([-1, 1, 1, -1], np.float32) + np.array([1, 0, 0, np.pi], np.float32)
    return points._replace(
        thumbnails=points.thumbnails[:, :, ::-1],
        places=places,
        descriptors=cells[:, ::-1][..., directions].reshape(-1, 128),
    )


def read_points(path: Path) -> Points:
    """Read the points of a store. Raises UserError if the file is missing or damaged."""
    return read_arrays(Points, path, "points", "find_points")
