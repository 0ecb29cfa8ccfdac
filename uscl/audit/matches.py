"""Which videos of two sets show the same picture: all pairs of hashes, in blocks, each hit verified.

Two frames match if at most `MAX_DISTANCE` of the 256 bits differ and their details correlate by `MIN_CORRELATION` or
more, as they are or mirrored. Before they are compared, one detail is moved and stretched a little to fit the other: a
crop of 3 % shifts the borders of a picture by a whole pixel of 32. To first order such a motion adds multiples of four
known images (the derivatives, and the derivatives times the place), so a small least-squares problem finds it.
"""

from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uscl.audit.hashes import BITS, BITS_SIDE, SIDE, Hashes, batches, mirrored, signs

MAX_DISTANCE = 60  # bits of 256
MIN_CORRELATION = 0.9
BLOCK = 2048  # frames a side: 16 MB of products at once
PAIRS = 2048  # verified at once: 40 MB
STIFFNESS = 0.02  # what a motion costs: some pixels of 32 are cheap, more are not
COLUMNS = ["video_a", "video_b", "frames", "row_a", "row_b", "distance", "correlation", "mirrored"]

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


class Side(NamedTuple):
    """The n frames of a set: their hashes, and the numbers of their videos and groups [n]."""

    hashes: Hashes
    video: Ints
    group: Ints

    def part(self, rows: slice) -> "Side":
        """Some of the frames."""
        return Side(Hashes(*(values[rows] for values in self.hashes)), self.video[rows], self.group[rows])


def matches_between(a: Side, b: Side) -> pd.DataFrame:
    """One row a pair of videos of two sets that share a picture, sorted by their numbers.

    Columns `COLUMNS`: the videos, how many pairs of frames match, and of the best one the rows, the Hamming distance, the
    correlation, and whether it matches mirrored. What is in memory at once doesn't grow with the sets, but for the table.
    """
    cells = product(batches(len(a.video), BLOCK), batches(len(b.video), BLOCK))
    return by_video([block_matches(a, rows, b, columns, within=False) for rows, columns in cells])


def matches_within(a: Side) -> pd.DataFrame:
    """The same for two videos of one set whose groups differ; row_a is below row_b."""
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
    like = correlations(detail, second.hashes.detail, i, j)
    kept = like >= MIN_CORRELATION
    i, j = i[kept], j[kept]
    distance = (BITS - agreement[i, j]) / 2
    return pd.DataFrame({"row_a": i, "row_b": j, "distance": distance, "correlation": like[kept], "mirrored": mirror})


def correlations(first: Floats, second: NDArray[np.float16], i: Ints, j: Ints) -> Floats:
    """How well details `second[j]` fit details `first[i]` that may move a little [k]; four digits."""
    parts = [moved_correlations(first, second, i[some], j[some]) for some in batches(len(i), PAIRS)]
    return np.concatenate([*parts, np.zeros(0, np.float32)]).round(4)


def moved_correlations(first: Floats, second: NDArray[np.float16], i: Ints, j: Ints) -> Floats:
    """The same for as many pairs as fit into memory."""
    rows, place = np.unique(i, return_inverse=True)
    basis = motions(first[rows])
    gram = basis @ basis.transpose(0, 2, 1)
    solve = np.linalg.inv(gram + np.diag([1e-6, *[STIFFNESS] * 4]).astype(np.float32))
    onto = basis[place] @ second[j].astype(np.float32)[:, :, None]
    weights = solve[place] @ onto
    length = np.sqrt(np.maximum(weights.transpose(0, 2, 1) @ gram[place] @ weights, 1e-12))
    return np.asarray((weights * onto).sum(1)[:, 0] / length[:, 0, 0], np.float32)


def motions(detail: Floats) -> Floats:
    """Each detail and what shifts and stretches along both axes add to it, to first order [n, 5, SIDE * SIDE]."""
    image = detail.reshape(-1, SIDE, SIDE)
    down, across = np.gradient(image, axis=(1, 2))
    place = np.linspace(-1, 1, SIDE, dtype=np.float32)
    basis = np.stack([image, across, down, across * place, down * place[:, None]], axis=1).reshape(len(image), 5, -1)
    return basis - basis.mean(2, keepdims=True)


def by_video(pairs: list[pd.DataFrame]) -> pd.DataFrame:
    """One row a pair of videos: the best of its rows, with the sum of their frames."""
    table = best_first(pd.concat(pairs, ignore_index=True)) if pairs else pd.DataFrame(columns=COLUMNS)
    videos = table.groupby(["video_a", "video_b"], sort=False)
    best = videos.head(1).assign(frames=videos["frames"].transform("sum"))
    return best.sort_values(["video_a", "video_b"], ignore_index=True)


def best_first(pairs: pd.DataFrame) -> pd.DataFrame:
    """Rows by falling correlation, then rising distance; ties in one order always."""
    order = ["correlation", "distance", "mirrored", "row_a", "row_b"]
    return pairs.sort_values(order, ascending=[False, True, True, True, True])


def numbered(names: pd.Series) -> Ints:
    """Names as numbers, in the order of their first appearance."""
    return np.asarray(pd.factorize(names)[0], np.int64)


