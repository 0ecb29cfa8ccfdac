import random
from collections import Counter
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from uscl.base.errors import UserError
from uscl.pretrain.pairs.pairs import (
    Pairs,
    Videos,
    anchored,
    batches,
    bounds,
    distances,
    interpolated,
    one_frame,
    two_frames,
)

DRAWS = [one_frame, two_frames, interpolated, partial(interpolated, max_dist=2), anchored]


def videos_of(lengths, shuffle=False, step=1):
    """Videos of some lengths, whose frames are numbered 0, `step`, 2 `step`, ...; and their manifest."""
    rows = [(f"v{video}", step * frame) for video, length in enumerate(lengths) for frame in range(length)]
    manifest = pd.DataFrame(rows, columns=["video", "frame"])
    if shuffle:
        manifest = manifest.sample(frac=1, random_state=0).reset_index(drop=True)
    return Videos(manifest), manifest


def many(draw, length, count=20_000, seed=0):
    """Many pairs of one video, whose rows are its frames' places in time."""
    videos, _ = videos_of([length])
    return draw(videos, np.zeros(count, np.int64), np.random.default_rng(seed))


def assert_equally_likely(rows, kinds):
    """Every row of the array is one of `kinds` kinds, each as likely as the others."""
    counts = np.unique(rows, axis=0, return_counts=True)[1]
    assert len(counts) == kinds
    assert stats.chisquare(counts).pvalue > 0.01


def test_videos_know_their_frames_in_time_wherever_they_are_stored():
    videos, manifest = videos_of([3, 1, 5], shuffle=True, step=10)
    assert list(videos.names) == list(manifest["video"].unique())
    assert list(videos.names[videos.of_row]) == list(manifest["video"])
    for video, name in enumerate(videos.names):
        rows = videos.rows(np.full(videos.length[video], video), np.arange(videos.length[video]))
        assert set(manifest["video"][rows]) == {name}
        assert list(manifest["frame"][rows]) == sorted(manifest["frame"][manifest["video"] == name])


@pytest.mark.parametrize("draw", DRAWS)
def test_every_video_gives_one_pair_per_epoch_of_its_own_frames(draw):
    videos, manifest = videos_of([3, 1, 5, 2, 4], shuffle=True)
    rng = np.random.default_rng(0)
    for _ in range(20):
        pairs = draw(videos, rng.permutation(5), rng)
        of_pair = manifest["video"].to_numpy()[pairs.rows]
        assert (of_pair == of_pair[:, :1]).all()
        assert sorted(of_pair[:, 0]) == ["v0", "v1", "v2", "v3", "v4"]


@pytest.mark.parametrize("draw", DRAWS)
def test_pairs_repeat_with_the_stream_and_differ_with_another(draw):
    first, again, other = (many(draw, 9, 20, seed) for seed in (0, 0, 1))
    assert np.array_equal(first.rows, again.rows)
    assert np.array_equal(first.shares, again.shares)
    assert not np.array_equal(first.rows, other.rows)


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("length", [1, 2, 3, 7])
def test_the_shares_of_a_view_add_up_to_one(draw, length):
    shares = many(draw, length, 100).shares
    assert shares.shape == (100, 2, 3)
    assert shares.dtype == np.float32
    assert shares.min() >= 0
    np.testing.assert_allclose(shares.sum(2), 1, atol=1e-6)


@pytest.mark.parametrize("draw", DRAWS)
def test_no_videos_give_no_pairs(draw):
    assert many(draw, 5, 0).rows.shape == (0, 3)


def test_both_views_of_a_simclr_pair_are_the_same_frame():
    pairs = many(one_frame, 5, 50)
    assert (pairs.rows == pairs.rows[:, :1]).all()
    assert (pairs.shares == [1, 0, 0]).all()


@pytest.mark.parametrize(("max_dist", "kinds"), [(999, 30), (2, 18)])
def test_two_frames_are_different_and_any_within_reach_equally_likely(max_dist, kinds):
    pairs = many(partial(two_frames, max_dist=max_dist), 6, seed=1)
    first, second = pairs.rows[:, 0], pairs.rows[:, 2]
    assert (pairs.shares == [[1, 0, 0], [0, 0, 1]]).all()
    assert len(np.unique(pairs.rows, axis=0)) == kinds
    assert ((np.abs(second - first) > 0) & (np.abs(second - first) <= max_dist)).all()
    assert_equally_likely(first[:, None], 6)
    for place in range(6):
        reached = second[first == place]
        assert_equally_likely(reached[:, None], len(range(max(0, place - max_dist), min(5, place + max_dist) + 1)) - 1)


def test_two_frames_of_a_video_of_one_frame_are_that_frame():
    assert (many(two_frames, 1, 50).rows == 0).all()
    assert set(map(tuple, many(two_frames, 2, 50).rows[:, [0, 2]])) == {(0, 1), (1, 0)}


def test_simclr_draws_every_frame_of_a_video_equally_often():
    assert_equally_likely(many(one_frame, 7).rows[:, :1], 7)


@pytest.mark.parametrize("triples", ["released", "uniform"])
@pytest.mark.parametrize("max_dist", [2, 3, 100])
def test_interpolated_frames_are_in_time_order_and_near_enough(max_dist, triples):
    videos, manifest = videos_of([3, 9, 4, 6], shuffle=True)
    rng = np.random.default_rng(0)
    for _ in range(50):
        frames = manifest["frame"].to_numpy()[interpolated(videos, np.arange(4), rng, max_dist, triples).rows]
        assert (np.diff(frames, axis=1) > 0).all()
        assert (frames[:, 2] - frames[:, 0] <= max_dist).all()


# With n frames, span s allows n - s places and s - 1 middles: without a limit n (n - 1) (n - 2) / 6 triples.
@pytest.mark.parametrize(("length", "max_dist", "kinds"), [(6, 999, 20), (6, 2, 4), (6, 3, 10), (6, 5, 20), (4, 99, 4)])
def test_every_uniform_triple_within_the_distance_is_equally_likely(length, max_dist, kinds):
    assert_equally_likely(many(partial(interpolated, max_dist=max_dist, triples="uniform"), length).rows, kinds)


def triples_by_the_released_rule(length, max_dist, count):
    """The rule in plain Python: two different distances, the smaller first, then a place with room for the larger."""
    draw, found = random.Random(0), []
    for _ in range(count):
        near, far = sorted(draw.sample(range(1, min(length - 1, max_dist) + 1), 2))
        first = draw.randrange(length - far)
        found.append((first, first + near, first + far))
    return found


@pytest.mark.parametrize(("length", "max_dist"), [(3, 999), (6, 999), (6, 3), (7, 2)])
def test_released_triples_have_the_distribution_of_the_released_rule(length, max_dist):
    places = range(length)
    kinds = [(a, b, c) for a in places for b in places for c in places if a < b < c <= a + max_dist]
    found = Counter(map(tuple, many(partial(interpolated, max_dist=max_dist), length).rows.tolist()))
    expected = Counter(triples_by_the_released_rule(length, max_dist, 20_000))
    assert set(found) == set(expected) == set(kinds)
    if len(kinds) > 1:
        table = [[counts[kind] for kind in kinds] for counts in (found, expected)]
        assert stats.chi2_contingency(table).pvalue > 0.01


def test_released_spans_are_longer_than_those_of_uniform_triples():
    spans = {
        kind: np.ptp(many(partial(interpolated, triples=kind), 40).rows, axis=1) for kind in ("released", "uniform")
    }
    assert spans["released"].mean() == pytest.approx(80 / 3, abs=0.3)  # two of 1 to 39: the larger is 2/3 of 40
    assert spans["uniform"].mean() == pytest.approx(20.5, abs=0.3)  # three of 40: half of 41


@pytest.mark.parametrize("max_dist", [999, 2])
def test_two_frames_are_an_unmixed_pair_in_time_order_and_one_frame_is_both_views(max_dist):
    draw = partial(interpolated, max_dist=max_dist)
    for length, views in [(2, [0, 1]), (1, [0, 0])]:
        pairs = many(draw, length, 30)
        assert (pairs.shares == [[1, 0, 0], [0, 0, 1]]).all()
        assert (pairs.rows[:, [0, 2]] == views).all()


@pytest.mark.parametrize("beta", [(3, 5), (1, 1)])
def test_interpolation_shares_follow_the_beta_distribution_and_are_independent(beta):
    shares = many(partial(interpolated, beta=beta), 5).shares.astype(float)
    of_first, of_second = shares[:, 0, 1], shares[:, 1, 1]
    for xi in (of_first, of_second):
        assert stats.kstest(xi, stats.beta(*beta).cdf).pvalue > 0.01
    assert stats.pearsonr(of_first, of_second).pvalue > 0.01
    assert (shares[:, 0, 2] == 0).all()  # c is not in the first view,
    assert (shares[:, 1, 0] == 0).all()  # nor a in the second


def test_the_published_beta_is_the_default():
    default, published = many(interpolated, 5, 20), many(partial(interpolated, beta=(3, 5)), 5, 20)
    assert np.array_equal(default.shares, published.shares)


@pytest.mark.parametrize("max_dist", [1, 0, -3])
def test_a_distance_that_holds_no_three_frames_is_refused(max_dist):
    with pytest.raises(ValueError, match=f"max_dist is {max_dist}"):
        many(partial(interpolated, max_dist=max_dist), 5, 1)


def test_uscl_mixes_three_different_frames_in_any_order():
    assert_equally_likely(many(anchored, 4).rows, 4 * 3 * 2)


def test_uscl_draws_whole_long_videos_next_to_short_ones():
    videos, manifest = videos_of([40, 3, 1])
    rng = np.random.default_rng(0)
    places = np.concatenate([anchored(videos, np.arange(3), rng).rows[:1] for _ in range(500)])
    assert set(manifest["frame"].to_numpy()[places].flat) == set(range(40))


def test_the_anchor_has_the_same_share_in_both_uscl_views():
    shares = many(anchored, 5).shares.astype(float)
    lam = shares[:, 0, 0]
    assert stats.kstest(lam, stats.beta(0.5, 0.5).cdf).pvalue > 0.01
    np.testing.assert_allclose(shares[:, 0], np.stack([lam, 1 - lam, 0 * lam], axis=1), atol=1e-7)
    np.testing.assert_allclose(shares[:, 1], np.stack([0 * lam, 1 - lam, lam], axis=1), atol=1e-7)


def test_uscl_does_not_mix_two_frames_or_one():
    assert_equally_likely(many(anchored, 2).rows, 2)
    assert {tuple(rows) for rows in many(anchored, 2, 50).rows[:, [0, 2]]} == {(0, 1), (1, 0)}
    assert (many(anchored, 1, 50).rows == 0).all()
    for length in (1, 2):
        assert (many(anchored, length, 50).shares == [[1, 0, 0], [0, 0, 1]]).all()


def test_distances_are_those_of_the_mean_times_in_stored_frames():
    videos, manifest = videos_of([9, 2, 1, 4], shuffle=True, step=10)
    rng = np.random.default_rng(0)
    for draw in DRAWS:
        pairs = draw(videos, rng.permutation(4), rng)
        frames = manifest["frame"].to_numpy()[pairs.rows] / 10  # the first, second, ... stored one of its video
        expected = []
        for (a, b, c), (first, second) in zip(frames, pairs.shares.tolist(), strict=True):
            times = [x * a + y * b + z * c for x, y, z in (first, second)]
            expected.append(abs(times[0] - times[1]))
        np.testing.assert_allclose(distances(videos, pairs), expected, atol=1e-5)


def test_distances_by_hand():
    videos, _ = videos_of([10])
    pairs = Pairs(np.array([[2, 4, 8]]), np.array([[[0.75, 0.25, 0], [0, 0.5, 0.5]]], np.float32))
    assert distances(videos, pairs) == pytest.approx([6 - 2.5])
    assert (distances(videos, many(one_frame, 10, 5)) == 0).all()


@pytest.mark.parametrize(
    ("count", "size", "lengths"),
    [
        (6, 4, [3, 3]),
        (5, 4, [2, 3]),
        (9, 4, [3, 3, 3]),
        (2, 32, [2]),
        (8, 4, [4, 4]),
        (5, 2, [2, 3]),
        (34, 32, [17, 17]),
    ],
)
def test_the_remainder_is_spread_over_the_batches_and_no_pair_is_lost(count, size, lengths):
    videos, _ = videos_of([4] * count)
    pairs = interpolated(videos, np.arange(count), np.random.default_rng(0))
    cut = list(batches(pairs, size))
    assert [len(batch.rows) for batch in cut] == lengths
    assert np.array_equal(np.concatenate([batch.rows for batch in cut]), pairs.rows)
    assert np.array_equal(np.concatenate([batch.shares for batch in cut]), pairs.shares)


@pytest.mark.parametrize("size", [2, 3, 8, 32])
def test_no_batch_is_smaller_than_half_the_batch_size_or_a_single_pair(size):
    for count in range(2, 4 * size):
        lengths = np.diff(bounds(count, size))
        assert lengths.sum() == count
        assert lengths.min() >= max(2, min(count, size / 2))
        assert lengths.max() <= max(size, 3)


@pytest.mark.parametrize(
    ("count", "size", "ends"), [(9, 4, [0, 4, 8]), (8, 4, [0, 4, 8]), (3, 4, [0, 3]), (5, 2, [0, 2, 4])]
)
def test_all_batches_are_full_if_the_remainder_is_dropped(count, size, ends):
    assert bounds(count, size, drop=True) == ends


@pytest.mark.parametrize(("count", "size"), [(1, 32), (0, 32), (5, 1)])
def test_too_few_to_compare_are_refused(count, size):
    with pytest.raises(UserError, match=f"the pool has {count} to train on and `batch_size` is {size};"):
        batches(many(one_frame, 3, count), size)
