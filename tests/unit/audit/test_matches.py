from functools import cache

import numpy as np
import pandas as pd
import pytest
from audit_sets import copied, texture

from uscl.audit import matches
from uscl.audit.hashes import BITS_SIDE, SIDE, hash_frames, mirrored, signs
from uscl.audit.matches import COLUMNS, MAX_DISTANCE, MIN_CORRELATION, Side, matches_between, matches_within, numbered
from uscl.audit.registration import fitted_correlations


def side(*videos):
    """Videos, each (group, pictures)."""
    frames = [picture for _, pictures in videos for picture in pictures]
    video = np.repeat(np.arange(len(videos)), [len(pictures) for _, pictures in videos])
    group = np.array([group for group, pictures in videos for _ in pictures])
    return Side(hash_frames(np.stack(frames)), video, group)


def slow_matches(a, b, within):
    """All pairs of frames one by one."""
    rows = []
    for i in range(len(a.video)):
        for j in range(len(b.video)):
            if a.hashes.blank[i] or b.hashes.blank[j] or (within and (a.group[i] == a.group[j] or i >= j)):
                continue
            best = None
            for mirror in (False, True):
                bits, detail = signs(a.hashes)[i : i + 1], a.hashes.detail[i : i + 1].astype(np.float32)
                if mirror:
                    bits, detail = mirrored(bits, BITS_SIDE), mirrored(detail, SIDE)
                distance = (bits[0] != signs(b.hashes)[j]).sum()
                like = fitted_correlations(detail, b.hashes.detail, np.array([0]), np.array([j]), MIN_CORRELATION)[0]
                if distance <= MAX_DISTANCE and like >= MIN_CORRELATION and (best is None or like > best[3]):
                    best = (i, j, float(distance), like, mirror)
            if best:
                rows.append((a.video[i], b.video[j], *best))
    table = pd.DataFrame(rows, columns=["video_a", "video_b", "row_a", "row_b", "distance", "correlation", "mirrored"])
    table = table.sort_values(["correlation", "distance"], ascending=[False, True], kind="stable")
    by_video = table.groupby(["video_a", "video_b"], sort=False)
    best = by_video.head(1).assign(frames=by_video["row_a"].transform("size"))
    return best.sort_values(["video_a", "video_b"], ignore_index=True)[COLUMNS]


def drawn(seed):
    """Videos with copies of each other's frames here and there, some mirrored, and blank frames."""
    rng = np.random.default_rng(seed)
    pictures = [texture(n) for n in range(8)] + [np.zeros_like(texture(0))]
    made = [lambda p: p, lambda p: copied(p), lambda p: np.ascontiguousarray(copied(p)[:, ::-1])]
    return side(
        *(
            (int(rng.integers(3)), [made[rng.integers(3)](pictures[rng.integers(9)]) for _ in range(3)])
            for _ in range(5)
        )
    )


@cache
def two_sides(seed):
    """Two sides, and what comparing all pairs finds within the first and between both; only to be read."""
    a, b = drawn(seed), drawn(seed + 10)
    return a, b, slow_matches(a, a, True), slow_matches(a, b, False)


@pytest.mark.parametrize("block", [2, 5, 2048])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_search_in_blocks_finds_what_comparing_all_pairs_finds(monkeypatch, seed, block):
    monkeypatch.setattr(matches, "BLOCK", block)
    a, b, within, between = two_sides(seed)
    assert len(matches_within(a))
    for found, slow in ((matches_within(a), within), (matches_between(a, b), between)):
        columns = ["video_a", "video_b", "frames"]
        assert found[columns].values.tolist() == slow[columns].values.tolist()
        assert np.allclose(found["correlation"], slow["correlation"].astype(float), atol=2e-3)
        assert list(found.columns) == COLUMNS


def test_nothing_in_common_is_an_empty_table():
    assert matches_between(side((0, [texture(1)])), side((0, [texture(2)]))).empty


def test_names_are_numbered_in_the_order_of_their_appearance():
    assert numbered(pd.Series(["b", "a", "b", "c"])).tolist() == [0, 1, 0, 2]
