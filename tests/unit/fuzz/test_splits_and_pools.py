"""Divisions of any cases: no group is on two sides and nothing is lost, or a UserError gives the reason."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pandas as pd
from hypothesis import assume, given
from hypothesis import strategies as st

from uscl.base.errors import UserError
from uscl.data.splits import Fold, make_splits, with_fewer_labels
from uscl.pretrain.pairs.pool_parts import Shares, divide_pool

groups = st.integers(0, 11).map(lambda number: f"p{number}")
labels = st.sampled_from(["a", "b", "c"])


@st.composite
def cases(draw):
    """Frames of groups that may have several classes; sizes and order are drawn."""
    drawn = draw(st.lists(st.tuples(groups, labels, st.integers(1, 9)), max_size=40))
    rows = [(group, label) for group, label, count in drawn for _ in range(count)]
    frame = pd.DataFrame(rows, columns=["group", "label"], dtype="str")
    return frame.assign(
        row=np.arange(len(frame)) * 3,
        case=[f"c{number}" for number in range(len(frame))],
        video="v",
        patient="",
        unit="patient",
    )


@given(cases(), st.integers(0, 5), st.integers(0, 4), st.integers(0, 2**32 - 1))
def test_splits_keep_groups_apart_and_test_every_case_once(table, folds, inner, seed):
    try:
        splits = make_splits(table, folds=folds, inner=inner, seed=seed)
    except UserError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either will do
        return
    names = [f"fold{number}" for number in range(folds)]
    assert splits["case"].tolist() == table["case"].tolist()
    assert ((splits[names] == "test").sum(axis=1) == 1).all()
    for name in names:
        assert splits.groupby("group")[name].nunique().max() == 1
        assert splits.groupby(name)["label"].nunique().tolist() == [table["label"].nunique()] * 3


@given(cases(), st.integers(0, 2**32 - 1))
def test_smaller_shares_of_labels_are_parts_of_larger_ones(table, seed):
    assume(len(table))
    parts = np.array_split(table["row"].to_numpy(), 3)
    fold = Fold(*parts)
    fewer = [with_fewer_labels(table, fold, percent, seed, "task") for percent in (1, 10, 50, 100)]
    for small, large in pairwise(fewer):
        assert set(small.train) <= set(large.train)
    assert fewer[-1].train.tolist() == fold.train.tolist()
    train = table[table["row"].isin(fewer[0].train)]
    assert set(train["group"]) <= set(table.loc[table["row"].isin(fold.train), "group"])
    for part in fewer:
        assert part.validation is fold.validation
        assert part.test is fold.test
        assert len(part.train) > 0 or not len(fold.train)


@given(
    st.lists(groups, max_size=30),
    st.floats(0, 1),
    st.floats(0, 1),
    st.integers(0, 2**32 - 1),
    st.sets(st.integers(0, 29), max_size=5),
)
def test_the_parts_of_a_pool_are_of_whole_groups(owners, validation, meta, seed, out):
    videos = [f"v{number}" for number in range(len(owners))]
    manifest = pd.DataFrame({"video": videos, "group": owners, "unit": ["patient"] * len(owners)}, dtype="str")
    left_out = frozenset(f"v{number}" for number in out if number < len(owners))
    try:
        parts = divide_pool(manifest, seed, Shares(validation, meta), left_out)
    except UserError:
        return
    assert parts["video"].tolist() == manifest["video"].tolist()
    assert set(parts.loc[parts["part"] == "left out", "video"]) == left_out
    used = parts[parts["part"] != "left out"]
    assert used.groupby("group")["part"].nunique().max() == 1
    sizes = Counter(used["part"])
    assert sizes["train"] >= 2
    assert sizes["meta"] >= 2 or meta == 0
    assert sizes["validation"] >= 2 or validation == 0
    alone = divide_pool(manifest, seed, Shares(validation), left_out)
    assert ((alone["part"] == "validation") == (parts["part"] == "validation")).all()  # whether or not arms need meta
