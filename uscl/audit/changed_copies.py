"""Search for changed copies: pictures of two sets that show the same after a crop, zoom, rotation, text or screen.

All pairs of pictures are compared, as they are and with one of them mirrored: points that look alike are searched for
(`uscl.audit.point_search`), and pairs of pictures with enough of them are verified (`uscl.audit.geometry`). If the sets
hold more than `ALL_POINTS` pictures together, only the strongest points of each picture are searched for, so that time
and memory stay within bounds; fewer copies are found then (benchmarks/audit_recall.py measures how many).
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uscl.audit.geometry import SEEDS, PicturePoints, agreeing, correlation, motion_of, refined
from uscl.audit.point_search import Pictures, alike
from uscl.audit.points import POINTS, mirrored

ALL_POINTS = 3000  # pictures of the two sets together of which all points are searched for
FEWEST = 100  # points of a picture of larger sets
SAME = 0.4  # correlation of two pictures that show the same: copies mostly have 0.8, equal screens 0.2 or less
FEW = 15  # points that agree; fewer may do so by chance, and then the pixels must be more alike
SAME_OF_FEW = 0.6  # two simulated lungs of one machine had 6 points and 0.43; copies with few points have more than 0.6
COLUMNS = ["video_a", "video_b", "frames", "row_a", "row_b", "points", "zoom", "degrees", "correlation", "mirrored"]

Ints = NDArray[np.int64]


def copies_between(a: Pictures, b: Pictures) -> pd.DataFrame:
    """One row per pair of videos of two sets that show the same picture, sorted by their numbers.

    Columns `COLUMNS`: the videos, the number of matching pairs of pictures, and of the best pair the rows, the number
    of matching points, the zoom and rotation from a to b, the correlation, and whether it matches mirrored.
    """
    return search(a, b, len(a.video) + len(b.video), within=False)


def copies_within(a: Pictures) -> pd.DataFrame:
    """Like `copies_between`, for pairs of videos of one set whose groups differ."""
    return search(a, a, len(a.video), within=True)


def points_searched(pictures: int) -> int:
    """How many points of each picture are searched for if this many pictures are compared."""
    return POINTS if pictures <= ALL_POINTS else max(FEWEST, POINTS * ALL_POINTS // pictures)


def search(a: Pictures, b: Pictures, pictures: int, *, within: bool) -> pd.DataFrame:
    """The copies among pictures of a and b, as `copies_between` returns them."""
    a, b = (side._replace(points=side.points.strongest(points_searched(pictures))) for side in (a, b))
    flipped = a._replace(points=mirrored(a.points))
    found = [*verified(a, b, within=within, mirror=False), *verified(flipped, b, within=within, mirror=True)]
    table = pd.DataFrame(found, columns=COLUMNS)
    order = ["correlation", "points", "mirrored", "row_a", "row_b"]
    table = table.sort_values(order, ascending=[False, False, True, True, True])
    pairs = table.drop_duplicates(["row_a", "row_b"]).groupby(["video_a", "video_b"], sort=False)
    best = pairs.head(1).assign(frames=pairs["frames"].transform("size"))
    return best.sort_values(["video_a", "video_b"], ignore_index=True)


def verified(a: Pictures, b: Pictures, *, within: bool, mirror: bool) -> list[tuple]:
    """A row of `COLUMNS` for each pair of pictures that shows the same; `mirror` only names what a is."""
    return [row for part in alike(a, b, within=within) for row in verified_part(a, b, *part, mirror=mirror)]


def verified_part(a: Pictures, b: Pictures, first: Ints, second: Ints, *, mirror: bool) -> Iterator[tuple]:
    """Rows like those of `verified`, of the pictures whose points `first` look like b's points `second`."""
    places_a, places_b = a.points.places[first], b.points.places[second]
    of_a, of_b = a.points.picture[first], b.points.picture[second]
    groups = agreeing(of_a * len(b.video) + of_b, places_a, places_b)
    pairs = np.array([(of_a[agree[0]], of_b[agree[0]]) for agree in groups], np.int64).reshape(-1, 2)
    both = zip(by_picture(a, pairs[:, 0]), by_picture(b, pairs[:, 1]), strict=True)
    for (i, j), agree, points in zip(pairs, groups, both, strict=True):
        motion = refined(motion_of(places_a[agree], places_b[agree], SEEDS - 1), *points)
        if motion is None:
            continue
        like = correlation(a.points.thumbnails[i], b.points.thumbnails[j], motion)
        if is_copy(motion.points, like):
            videos, rows = (a.video[i], b.video[j]), (a.points.rows[i], b.points.rows[j])
            yield (*videos, 1, *rows, motion.points, motion.zoom, motion.degrees, round(like, 4), mirror)


def by_picture(a: Pictures, pictures: Ints) -> Iterator[PicturePoints]:
    """The points of each of some pictures."""
    return (PicturePoints(a.points.places[part], a.points.descriptors[part]) for part in a.points.of(pictures))


def is_copy(points: int, like: float) -> bool:
    """Whether two pictures show the same, by the points that agree and the correlation of their pixels.

    >>> is_copy(30, 0.45), is_copy(9, 0.45), is_copy(9, 0.7)
    (True, False, True)
    """
    return like >= (SAME if points >= FEW else SAME_OF_FEW)
