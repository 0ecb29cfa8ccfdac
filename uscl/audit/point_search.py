"""Which points of two sets look alike: all pairs of points in one cell of a partition of the descriptors.

The cells are around descriptors drawn from both sets. A point of the second set lies in the cell of the drawn
descriptor that is most similar; one of the first set is looked up in its `NEAREST` cells. So equal points meet, and
nearly equal ones mostly do; a picture has hundreds of points, of which few must.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from uscl.audit.hashes import batches
from uscl.audit.points import Points, unit, unit_products

SIMILAR = 0.94  # Hellinger similarity of two points that look alike: one pair of 100,000 does so by chance
NEAREST = 2  # cells in which a point of the first set is looked up
BEST = 8  # matches of a point that are kept: letters on a scanner's screen would have thousands
CELLS = 8192  # at most
BATCH = 2048  # descriptors: 64 MB of products with all cells
PART = 250_000  # points of the first set that are searched for at once; each has 16 matches at most, 200 bytes each

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


class Pictures(NamedTuple):
    """The n pictures of a set: their points, and the numbers of their videos and groups [n]."""

    points: Points
    video: Ints
    group: Ints


def alike(a: Pictures, b: Pictures, *, within: bool) -> Iterator[tuple[Ints, Ints]]:
    """Pairs of points that look alike, in parts: the numbers of a's points [k], and of b's [k].

    All pairs of a picture of a are in one part. `within` says that a and b are one set (or its mirror image): only
    pictures of different groups are compared, once.
    """
    if not len(a.points.picture) or not len(b.points.picture):
        return
    centres = cells(a.points, b.points)
    order_b, start_b = by_cell(nearest(b.points.descriptors, centres, 1), len(centres))
    for some in parts(a.points.picture):
        order_a, start_a = by_cell(nearest(a.points.descriptors[some], centres, NEAREST), len(centres))
        order_a = some.start + order_a // NEAREST
        found: list[tuple[Ints, Ints]] = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
        for cell in range(len(centres)):
            second = order_b[start_b[cell] : start_b[cell + 1]]
            own = order_a[start_a[cell] : start_a[cell + 1]]
            if len(second):
                found += [alike_in_cell(a, own[part], b, second, within) for part in batches(len(own), BATCH)]
        first, second = (np.concatenate(side) for side in zip(*found, strict=True))
        yield first, second


def parts(picture: Ints) -> Iterator[slice]:
    """Parts of about `PART` points that keep the points of a picture together; `picture` is that of each point."""
    cuts = np.unique(np.searchsorted(picture, picture[::PART]))
    return (slice(start, end) for start, end in pairwise([*cuts.tolist(), len(picture)]))


def alike_in_cell(a: Pictures, first: Ints, b: Pictures, second: Ints, within: bool) -> tuple[Ints, Ints]:
    """Pairs of some points of a and b that look alike: for each of the former its `BEST` most similar ones."""
    like = unit_products(a.points.descriptors[first], b.points.descriptors[second])
    i, j = np.nonzero(like >= SIMILAR)
    picture_a, picture_b = a.points.picture[first[i]], b.points.picture[second[j]]
    if within:
        kept = (a.group[picture_a] != b.group[picture_b]) & (picture_a < picture_b)
        i, j = i[kept], j[kept]
    order = np.lexsort((-like[i, j], i))
    i, j = i[order], j[order]
    best = np.arange(len(i)) - np.searchsorted(i, i) < BEST
    return first[i[best]], second[j[best]]


def cells(a: Points, b: Points) -> Floats:
    """Drawn descriptors [c, 128]: so many that finding a point's cell costs about as much as comparing within it."""
    total = len(a.picture) + len(b.picture)
    drawn = np.sort(np.random.default_rng(0).choice(total, min(int(total**0.5) + 1, CELLS, total), replace=False))
    of_a = drawn < len(a.picture)
    return unit(np.concatenate([a.descriptors[drawn[of_a]], b.descriptors[drawn[~of_a] - len(a.picture)]]))


def nearest(descriptors: Bytes, centres: Floats, count: int) -> Ints:
    """The cells of the `count` most similar centres [k, count]."""
    found = np.zeros((len(descriptors), count), np.int64)
    for part in batches(len(descriptors), BATCH):
        like = unit(descriptors[part]) @ centres.T
        for place in range(count):
            found[part, place] = like.argmax(1)
            like[np.arange(len(like)), found[part, place]] = -1
    return found


def by_cell(cell: Ints, count: int) -> tuple[Ints, Ints]:
    """The places of flattened cells in order of the `count` cells, and where each cell starts in it, and ends."""
    flat = cell.ravel()
    order = np.argsort(flat, kind="stable")
    return order, np.searchsorted(flat[order], np.arange(count + 1))
