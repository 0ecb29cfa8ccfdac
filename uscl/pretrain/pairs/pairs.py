"""Sample pairs: which frames of which videos make the two views of a pair, and how they are mixed.

Every video gives one pair per epoch, so negatives always come from other videos. A pair is three frames of one video
and the share that each has in either view; all methods draw such pairs, a whole epoch at a time.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uscl.base.errors import UserError
from uscl.base.seeds import generator
from uscl.pretrain.method import Paired

MAX_DIST = 999  # the default of the released train.py, longer than its videos

Rows = NDArray[np.int64]
Shares = NDArray[np.float32]


class Pairs(NamedTuple):
    """n pairs: the store rows [n, 3] of three frames of a video, and their shares [n, 2, 3] in the two views."""

    rows: Rows
    shares: Shares

    def take(self, chosen: slice | Rows) -> "Pairs":
        """Some of the pairs."""
        return Pairs(self.rows[chosen], self.shares[chosen])


class Videos:
    """Where each video's frames lie in a store: video v has `length[v]` frames, in time order, named `names[v]`.

    `of_row` is each store row's video. Videos are numbered in the order in which the manifest names them first.
    """

    def __init__(self, manifest: pd.DataFrame) -> None:
        codes, names = pd.factorize(manifest["video"])
        self.names = np.asarray(names)
        # Stable by video, then by time: the store may hold frames in any order.
        self.in_order = np.lexsort((manifest["frame"].to_numpy(), codes)).astype(np.int64)
        self.length = np.bincount(codes, minlength=len(names))
        self.of_row = codes
        self._first = np.cumsum(self.length) - self.length

    def rows(self, videos: Rows, places: Rows) -> Rows:
        """Store rows of the frames at `places` (0 is a video's first frame) of `videos`, of any common shape."""
        return self.in_order[self._first[videos] + places]


def one_frame(videos: Videos, chosen: Rows, rng: np.random.Generator) -> Pairs:
    """Two views of one random frame of each of the `chosen` videos (SimCLR, Chen et al., ICML 2020)."""
    rows = videos.rows(chosen, rng.integers(videos.length[chosen]))
    return Pairs(np.stack([rows] * 3, axis=1), shares([1, 0, 0], [1, 0, 0], len(chosen)))


def two_frames(videos: Videos, chosen: Rows, rng: np.random.Generator, max_dist: int = MAX_DIST) -> Pairs:
    """Two different frames of each of the `chosen` videos, at most `max_dist` apart, unmixed.

    The first is any frame of the video, the second any other within reach (intra-video positive pairs, VanBerlo et al.,
    2024, arXiv 2403.07715). A video of one frame gives it twice.
    """
    length = videos.length[chosen]
    first = rng.integers(length)
    lowest, highest = np.maximum(first - max_dist, 0), np.minimum(first + max_dist, length - 1)
    second = lowest + rng.integers(np.maximum(highest - lowest, 1))
    second += (second >= first) & (highest > lowest)
    rows = videos.rows(chosen[:, None], np.stack([first, second, second], axis=1))
    return Pairs(rows, shares([1, 0, 0], [0, 0, 1], len(chosen)))


def interpolated(
    videos: Videos,
    chosen: Rows,
    rng: np.random.Generator,
    max_dist: int = MAX_DIST,
    triples: str = "released",
    beta: tuple[float, float] = (3, 5),
) -> Pairs:
    """Positive pair interpolation (Chen et al., IEEE TMI 42(5), 2023, arXiv 2212.04097).

    Three frames a < b < c of each chosen video with c - a <= `max_dist` (in stored frames). With `triples: released`
    they are drawn as in the authors' code: two different distances from 1 to the longest possible one, every such pair
    as likely as any other, then a place for a; long spans are more frequent than with `uniform`, where every triple is
    as likely as any other. With xi1, xi2 ~ Beta(`beta`), drawn independently, the views are (1 - xi1) a + xi1 b and
    xi2 b + (1 - xi2) c. In a video of two frames, these are the two views; in a video of one frame, it is both views.
    Raises ValueError if `max_dist` is below 2.
    """
    if max_dist < 2:
        raise ValueError(f"max_dist is {max_dist}, but three frames span 2 at least")
    length = videos.length[chosen]
    span = spans(length, max_dist, triples, rng)
    first = rng.integers(length - span)
    between = 1 + rng.integers(np.maximum(span - 1, 1))
    rows = videos.rows(chosen[:, None], first[:, None] + np.stack([0 * span, np.minimum(between, span), span], axis=1))
    xi = rng.beta(*beta, (len(chosen), 2)).astype(np.float32)
    xi[length < 3] = 0  # nothing lies between: the frames themselves
    nothing = np.zeros(len(chosen), np.float32)
    first_view = np.stack([1 - xi[:, 0], xi[:, 0], nothing], axis=1)
    second_view = np.stack([nothing, xi[:, 1], 1 - xi[:, 1]], axis=1)
    return Pairs(rows, np.stack([first_view, second_view], axis=1))


def anchored(videos: Videos, chosen: Rows, rng: np.random.Generator, beta: float = 0.5) -> Pairs:
    """USCL's pairs (Chen et al., MICCAI 2021, arXiv 2011.13066): three frames in random order, the second the anchor.

    With one lam ~ Beta(`beta`, `beta`) per pair, the views are lam f1 + (1 - lam) f2 and lam f3 + (1 - lam) f2. A video
    of two frames gives these two, in random order and not mixed; a video of one frame gives it twice. USCL augments the
    three frames before it mixes them.
    """
    length = videos.length[chosen]
    # The first three of a random order of each video's frames: those with the smallest random numbers.
    keys = rng.random((len(chosen), int(length.max(initial=3))))
    keys[np.arange(keys.shape[1]) >= np.maximum(length, 3)[:, None]] = np.inf
    order = np.argsort(keys, axis=1)[:, :3]
    places = np.where(length[:, None] >= 3, order, few_frames(length, rng))
    lam = rng.beta(beta, beta, len(chosen)).astype(np.float32)
    lam[length < 3] = 1
    nothing = np.zeros_like(lam)
    first_view = np.stack([lam, 1 - lam, nothing], axis=1)
    second_view = np.stack([nothing, 1 - lam, lam], axis=1)
    return Pairs(videos.rows(chosen[:, None], places), np.stack([first_view, second_view], axis=1))


def few_frames(length: Rows, rng: np.random.Generator) -> Rows:
    """Places [n, 3] of f1, f2, f3 in videos of one or two frames: f1 is random, f3 the other frame."""
    first = rng.integers(np.minimum(length, 2))
    other = np.where(length > 1, 1 - first, 0)
    return np.stack([first, first, other], axis=1)


def spans(length: Rows, max_dist: int, triples: str, rng: np.random.Generator) -> Rows:
    """A span c - a for each length.

    Span s has s - 1 pairs of distances (`released`); each allows length - s places, so that so many times more triples
    have this span (`uniform`).
    """
    longest = np.minimum(length - 1, max_dist)
    candidates = np.arange(int(longest.max(initial=0)) + 1)
    places = length[:, None] - candidates if triples == "uniform" else 1
    count = places * (candidates - 1) * (candidates >= 2)
    total = np.cumsum(np.where(candidates <= longest[:, None], count, 0), axis=1)
    drawn = rng.integers(np.maximum(total[:, -1], 1))
    # Videos of one or two frames have no triple: the span is the whole video.
    return np.where(length < 3, length - 1, (total <= drawn[:, None]).sum(axis=1))


def shares(first: list[float], second: list[float], count: int) -> Shares:
    """The same shares in the two views of `count` pairs."""
    return np.broadcast_to(np.array([first, second], np.float32), (count, 2, 3))


def distances(videos: Videos, pairs: Pairs) -> NDArray[np.float64]:
    """Frames in time between the two views of each pair [n]; mixed views count at their mean times."""
    place = np.empty(len(videos.in_order), np.int64)
    place[videos.in_order] = np.arange(len(place))  # only differences within a video matter
    times = np.einsum("nvk,nk->nv", pairs.shares.astype(np.float64), place[pairs.rows])
    return np.abs(times[:, 1] - times[:, 0])


def drawer(videos: Videos, settings: Paired) -> Callable[[Rows, np.random.Generator], Pairs]:
    """The function that draws the pairs that the settings ask for, given the chosen videos."""

    def draw(chosen: Rows, rng: np.random.Generator) -> Pairs:
        if settings.pairs == "ppi":
            return interpolated(videos, chosen, rng, settings.max_dist, settings.triples)
        if settings.pairs == "temporal":
            return two_frames(videos, chosen, rng, settings.max_dist)
        return one_frame(videos, chosen, rng)

    return draw


def bounds(count: int, size: int, *, drop: bool = False) -> list[int]:
    """Where the batches of `count` pairs begin, and where the last one ends.

    As few batches of at most `size` pairs as possible, and all of about the same size, because a small last batch has
    few negatives: if there are several, each has at least half of `size`. (Batches of two become batches of three where
    a single pair would be left.) With `drop` all batches have `size` pairs, and what remains is left out, unless it is
    the only batch. Raises UserError for fewer than two pairs or a batch size below two.
    """
    if count < 2 or size < 2:
        raise UserError(
            f"Contrastive pretraining compares videos: the pool has {count} to train on and `batch_size` is {size};"
            " it takes two or more of each."
        )
    if drop:
        return list(range(0, count + 1, size)) if count >= size else [0, count]
    number = min(-(-count // size), count // 2)
    return [count * batch // number for batch in range(number + 1)]


def batches(pairs: Pairs, size: int, *, drop: bool = False) -> Iterator[Pairs]:
    """Consecutive batches of pairs (see `bounds`). Raises UserError."""
    cuts = bounds(len(pairs.rows), size, drop=drop)
    return (pairs.take(slice(low, high)) for low, high in itertools.pairwise(cuts))


def epoch_batches(
    draw: Callable[[np.random.Generator], Pairs], seed: int, epoch: int, size: int, *, drop: bool
) -> list[Pairs]:
    """The pairs of an epoch, in batches: the same for every arm that draws its pairs in the same way."""
    return list(batches(draw(generator(seed, "pairs", epoch)), size, drop=drop))
