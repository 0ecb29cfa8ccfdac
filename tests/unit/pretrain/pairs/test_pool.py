import math

import numpy as np
import pandas as pd
import pytest
import torch
from stores import bright_or_dark_store
from torch import nn

from uscl.base.errors import UserError
from uscl.base.seeds import generator
from uscl.models.contrastive import ContrastiveModel
from uscl.pretrain.pairs.pairs import Pairs, batches, one_frame
from uscl.pretrain.pairs.pool import Pool
from uscl.pretrain.pairs.pool_parts import Shares, divide_pool, groups_for
from uscl.training.device import start
from uscl.training.losses import nt_xent_per_view


def manifest_of(sizes, frames=2, videos_apart=False):
    """Groups of so many videos of `frames` frames; with `videos_apart` the groups' videos alternate."""
    rows = [(f"v{g}.{v}", f"p{g}") for g, size in enumerate(sizes) for v in range(size) for _ in range(frames)]
    manifest = pd.DataFrame(rows, columns=["video", "group"]).assign(unit="patient")
    return manifest.sample(frac=1, random_state=0).reset_index(drop=True) if videos_apart else manifest


def groups_in(parts, part):
    return set(parts["group"][parts["part"] == part])


@pytest.mark.parametrize("sizes", [[1] * 20, [2, 3, 1, 4, 2, 2], [50, *[1] * 8], [30, 30, 1, 1, 1, 1, 1]])
@pytest.mark.parametrize("shares", [(0.1, 0.2), (0.001, 0.001), (0.3, 0.0), (0.25, 0.4)])
@pytest.mark.parametrize("seed", range(4))
def test_whole_groups_are_in_one_part_and_every_part_can_be_compared(sizes, shares, seed):
    manifest = manifest_of(sizes, videos_apart=True)
    validation, meta = shares
    parts = divide_pool(manifest, seed, Shares(validation, meta))
    assert list(parts["video"]) == list(manifest["video"].unique())
    assert (parts.groupby("group")["part"].nunique() == 1).all()
    assert set(parts["part"]) == {"train", "validation"} | ({"meta"} if meta else set())
    assert parts["part"].value_counts().min() >= 2


def test_videos_that_are_left_out_are_in_no_part_and_change_no_other_group():
    manifest = manifest_of([3] * 20)
    out = frozenset(["v4.1", "v7.0", "v7.1", "v7.2"])
    parts = divide_pool(manifest, 0, Shares(0.2, 0.2), left_out=out).set_index("video")
    assert set(parts.index[parts["part"] == "left out"]) == out
    assert list(parts.index) == list(manifest["video"].unique())
    rest = parts[parts["part"] != "left out"]
    assert set(rest["part"]) == {"train", "validation", "meta"}
    assert rest.groupby("group")["part"].nunique().eq(1).all()
    assert {"v4.0", "v4.2"} <= set(rest.index)


@pytest.mark.parametrize("sizes", [[1] * 20, [3] * 20, [60, *[1] * 19]])
def test_the_validation_part_does_not_depend_on_the_meta_set(sizes):
    for seed in range(4):
        found = [groups_in(divide_pool(manifest_of(sizes), seed, Shares(0.2, m)), "validation") for m in (0, 0.1, 0.5)]
        assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(
    ("count", "validation", "meta", "videos"),
    [(20, 0.1, 0.2, (6, 12)), (10, 0.25, 0.34, (6, 9)), (40, 0.1, 0.5, (12, 60))],
)
def test_shares_are_of_the_videos_in_whole_groups(count, validation, meta, videos):
    parts = divide_pool(manifest_of([3] * count), 0, Shares(validation, meta))["part"].value_counts()
    assert (parts["validation"], parts["meta"]) == videos


@pytest.mark.parametrize(
    ("sizes", "groups", "videos", "chosen"),
    [
        ([1, 1, 1, 1], 2, 2, [0, 1]),
        ([3, 1, 1], 2, 2, [1, 2]),
        ([1, 9, 1], 3, 3, [0, 2]),
        ([2, 2, 2], 3, 3, [0]),
        ([1, 2, 1, 1], 2, 9, [0, 1]),
        ([9, 5, 9], 2, 4, [1]),
        ([9, 1, 5], 2, 4, [1, 2]),
        ([2, 1, 1], 0, 0, [1, 2]),
    ],
)
def test_a_part_takes_the_groups_that_fit_and_two_videos_at_least(sizes, groups, videos, chosen):
    assert sorted(groups_for(pd.Series(sizes), groups, videos)) == chosen


def test_one_large_group_is_never_held_out_if_it_would_not_fit():
    for seed in range(30):
        parts = divide_pool(manifest_of([60, *[1] * 19]), seed, Shares(0.2, 0.1))
        assert parts.set_index("group")["part"]["p0"].eq("train").all()
        divide_pool(manifest_of([1, 1, 50]), seed, Shares(0.1))


def test_a_seed_gives_its_parts_again_and_another_seed_gives_others():
    manifest = manifest_of([2] * 20)
    parts = [divide_pool(manifest, seed, Shares(0.2, 0.2)) for seed in (0, 0, 1, 2)]
    assert parts[0].equals(parts[1])
    assert len({tuple(table["part"]) for table in parts}) == 3


@pytest.mark.parametrize("meta", [0.0, 0.2])
def test_every_group_is_held_out_by_some_seed(meta):
    manifest = manifest_of([1] * 8)
    held = [groups_in(divide_pool(manifest, seed, Shares(0.1, meta)), "validation") for seed in range(30)]
    assert set.union(*held) == set(manifest["group"])


@pytest.mark.parametrize(
    ("sizes", "shares", "message"),
    [
        (
            [1, 1, 1],
            (0.1,),
            "The pool has 3 videos (groups: 3 patients): too few to hold out whole groups for validation and keep 2"
            " videos to train on. Add videos, or lower the shares in the config.",
        ),
        (
            [1] * 5,
            (0.1, 0.2),
            "The pool has 5 videos (groups: 5 patients): too few to hold out whole groups for validation and for the"
            " meta set and keep 2 videos to train on. Add videos, or lower the shares in the config.",
        ),
    ],
)
def test_a_pool_that_is_too_small_is_refused(sizes, shares, message):
    with pytest.raises(UserError) as raised:
        divide_pool(manifest_of(sizes), 0, Shares(*shares))
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("sizes", "shares"), [([40], (0.1, 0)), ([], (0.1, 0)), ([20, 20], (0.1, 0.2)), ([9] * 4, (0.5, 0.5))]
)
def test_a_pool_of_too_few_groups_is_refused_however_long_they_are(sizes, shares):
    groups = rf"{len(sizes)} patients?" if sizes else "none"
    with pytest.raises(UserError, match=rf"{sum(sizes)} videos \(groups: {groups}\)"):
        divide_pool(manifest_of(sizes), 0, Shares(*shares))


@pytest.mark.parametrize(
    ("sizes", "meta", "videos"), [([1] * 4, 0, 2), ([1] * 6, 0.2, 2), ([3, 3], 0, 3), ([2] * 3, 0.2, 2)]
)
def test_the_smallest_pools_that_can_be_divided(sizes, meta, videos):
    counts = divide_pool(manifest_of(sizes), 0, Shares(0.1, meta))["part"].value_counts()
    assert counts.to_dict() == dict.fromkeys(["train", "validation"] + ["meta"] * bool(meta), videos)


class Means(nn.Module):
    """An encoder of its own kind: the means of the image's rows."""

    dim = 32

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(32)

    def forward(self, frames):
        return self.norm(frames.mean(dim=(1, 3)))


@pytest.fixture(scope="module")
def pool():
    store = bright_or_dark_store(groups=12)
    return Pool(store, start("cpu", "32-true", threads=1), 0, Shares(0.4, 0.2))


def test_the_parts_of_a_pool_are_numbers_of_its_videos(pool):
    numbers = {part: pool.of(part) for part in ("train", "meta", "validation")}
    assert sorted(np.concatenate(list(numbers.values()))) == list(range(12))
    for part, videos in numbers.items():
        named = pool.parts.set_index("video")["part"]
        assert set(named[pool.videos.names[videos]]) == {part}


@pytest.mark.parametrize("size", [4, 3, 32])
def test_the_validation_loss_is_the_mean_over_the_views_of_all_batches(pool, size):
    model = ContrastiveModel(Means(), 0).eval()
    pairs = one_frame(pool.videos, pool.of("validation"), generator(0, "validation pairs"))
    losses = []
    for number, batch in enumerate(batches(pairs, size)):
        _, z = model(pool.views.mixed_first(batch, (0, "validation views", number)))
        losses.append(nt_xent_per_view(*z.chunk(2), 0.2))
    assert len(pairs.rows) == 5
    found = pool.validation(model, size, 0.2)
    assert found["validation_loss"] == pytest.approx(torch.cat(losses).mean().item(), rel=1e-5)
    chances = [math.log(2 * len(batch.rows) - 1) for batch in batches(pairs, size) for _ in batch.rows]
    assert found["validation_chance_loss"] == pytest.approx(np.mean(chances))


def test_validation_sees_the_same_views_each_time_and_leaves_the_model_as_it_is(pool):
    model = ContrastiveModel(Means(), 0).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    first = pool.validation(model, 4, 0.5)
    pool.views.mixed_first(one_frame(pool.videos, pool.of("train"), generator(0, "pairs")), (0, "augment", 0, 0))
    assert pool.validation(model, 4, 0.5) == first
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_the_first_frames_of_a_batch_are_named(pool):
    shares = np.zeros((2, 2, 3), np.float32)
    assert pool.name_inputs(Pairs(np.array([[3, 4, 5], [0, 1, 2]]), shares)) == "v0#0, v0#1, v0#2 and 3 more frames"
    assert pool.name_inputs(Pairs(np.array([[4, 4, 4], [0, 0, 0]]), shares)) == "v0#0, v1#1"
    assert pool.name_inputs(Pairs(np.array([[1, 1, 0], [2, 2, 1]]), shares)) == "v0#0, v0#1, v0#2"
