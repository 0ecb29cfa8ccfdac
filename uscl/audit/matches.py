"""Search for videos of two sets that show the same picture: all pairs of hashes, in blocks, with every hit verified.

Two frames match if at most `MAX_DISTANCE` of the 256 bits differ and their details correlate by `MIN_CORRELATION` or
more after one is moved to fit the other (`uscl.audit.registration`), either as they are or with one of them mirrored.
"""

from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uscl.audit.hashes import BITS, BITS_SIDE, SIDE, Hashes, batches, mirrored, signs
from uscl.audit.registration import fitted_correlations

MAX_DISTANCE = 60  # bits of 256
MIN_CORRELATION = 0.94
BLOCK = 2048  # frames per side: 16 MB of products at once
COLUMNS = ["video_a", "video_b", "frames", "row_a", "row_b", "distance", "correlation", "mirrored"]

Ints = NDArray[np.int64]


class Side(NamedTuple):
    """The n frames of a set: their hashes, and the numbers of their videos and groups [n]."""

    hashes: Hashes
    video: Ints
    group: Ints

    def part(self, rows: slice) -> "Side":
        """Some of the frames."""
        bits, detail, blank = self.hashes
        return Side(Hashes(bits[rows], detail[rows], blank[rows]), self.video[rows], self.group[rows])


def matches_between(a: Side, b: Side) -> pd.DataFrame:
    """One row per pair of videos of two sets that share a picture, sorted by their numbers.

    Columns `COLUMNS`: the videos, the number of matching pairs of frames, and of the best pair the rows, the Hamming
    distance, the correlation, and whether it matches mirrored. Apart from this table, memory use does not grow with
    the sets.
    """
    cells = product(batches(len(a.video), BLOCK), batches(len(b.video), BLOCK))
    return by_video([block_matches(a, rows, b, columns, within=False) for rows, columns in cells])


def matches_within(a: Side) -> pd.DataFrame:
    """Like `matches_between`, for pairs of videos of one set whose groups differ; row_a is less than row_b."""
    parts = list(batches(len(a.video), BLOCK))
    cells = [(rows, columns) for rows, columns in product(parts, parts) if rows.start <= columns.start]
    return by_video([block_matches(a, rows, a, columns, within=True) for rows, columns in cells])


def block_matches(a: Side, rows: slice, b: Side, columns: slice, *, within: bool) -> pd.DataFrame:
    """The matches of one block of each set."""
    first, second = a.part(rows), b.part(columns)
    apart = ~first.hashes.blank[:, None] & ~second.hashes.blank
    if within:
        apart &= first.group[:, None] != second.group
        apart &= np.arange(rows.start, rows.stop)[:, None] < np.arange(columns.start, columns.stop)
    pairs = pd.concat([matching_pairs(first, second, apart, mirror) for mirror in (False, True)])
    pairs["video_a"], pairs["video_b"] = first.video[pairs["row_a"]], second.video[pairs["row_b"]]
    pairs["row_a"] += rows.start
    pairs["row_b"] += columns.start
    pairs = best_first(pairs).drop_duplicates(["row_a", "row_b"])  # a picture that is its own mirror image
    return by_video([pairs.assign(frames=1)[COLUMNS]])


def matching_pairs(first: Side, second: Side, apart: NDArray[np.bool_], mirror: bool) -> pd.DataFrame:
    """Pairs of frames that match, `first` mirrored or not, among those where `apart` [n, m] is true."""
    bits, detail = signs(first.hashes), first.hashes.detail.astype(np.float32)
    if mirror:
        bits, detail = mirrored(bits, BITS_SIDE), mirrored(detail, SIDE)
    agreement = bits @ signs(second.hashes).T
    i, j = np.nonzero((agreement >= BITS - 2 * MAX_DISTANCE) & apart)
    like = fitted_correlations(detail, second.hashes.detail, i, j, MIN_CORRELATION)
    kept = like >= MIN_CORRELATION
    i, j = i[kept], j[kept]
    distance = (BITS - agreement[i, j]) / 2
    return pd.DataFrame({"row_a": i, "row_b": j, "distance": distance, "correlation": like[kept], "mirrored": mirror})


def by_video(pairs: list[pd.DataFrame]) -> pd.DataFrame:
    """One row per pair of videos: the best of its rows, with the sum of their frames."""
    table = best_first(pd.concat(pairs, ignore_index=True)) if pairs else pd.DataFrame(columns=COLUMNS)
    videos = table.groupby(["video_a", "video_b"], sort=False)
    best = videos.head(1).assign(frames=videos["frames"].transform("sum"))
    return best.sort_values(["video_a", "video_b"], ignore_index=True)


def best_first(pairs: pd.DataFrame) -> pd.DataFrame:
    """Rows by descending correlation, then ascending distance; ties always come in the same order."""
    order = ["correlation", "distance", "mirrored", "row_a", "row_b"]
    return pairs.sort_values(order, ascending=[False, True, True, True, True])


def numbered(names: pd.Series) -> Ints:
    """Names as numbers, in the order of their first appearance."""
    return np.asarray(pd.factorize(names)[0], np.int64)
