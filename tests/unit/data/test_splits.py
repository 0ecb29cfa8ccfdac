from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from stores import bright_or_dark_store

from uscl.base.errors import UserError
from uscl.base.seeds import generator
from uscl.data.splits import (
    IDENTITY,
    Fold,
    check_fold,
    labelled_folds,
    make_splits,
    read_folds,
    task_cases,
    with_fewer_labels,
)
from uscl.data.store import FrameStore


def cases(groups_by_class, frames=3):
    rows = [
        {"video": f"v{label}{group}", "patient": "", "group": f"{label}{group}", "unit": "video", "label": label}
        for label, count in groups_by_class.items()
        for group in range(count)
        for _ in range(frames)
    ]
    frame = pd.DataFrame(rows)
    return frame.assign(row=np.arange(len(frame)) * 2, case=[f"c{i}" for i in range(len(frame))])


@pytest.mark.parametrize("seed", range(5))
def test_folds_are_grouped_stratified_and_complete(seed):
    splits = make_splits(cases({"a": 12, "b": 9, "c": 15}), folds=3, inner=3, seed=seed)
    names = ["fold0", "fold1", "fold2"]
    assert ((splits[names] == "test").sum(axis=1) == 1).all()
    for name in names:
        assert (splits.groupby("group")[name].nunique() == 1).all()
        assert (splits.groupby(name)["label"].nunique() == 3).all()


def test_a_group_of_two_classes_is_never_split():
    frame = cases({"a": 10, "b": 10})
    frame.loc[frame["group"].isin(["a0", "b0"]), "group"] = "both"
    splits = make_splits(frame, folds=3, inner=3, seed=0)
    assert (splits.groupby("group")[["fold0", "fold1", "fold2"]].nunique() == 1).all(axis=None)


def test_only_the_seed_decides():
    frame = cases({"a": 12, "b": 12})
    first, same, other = (make_splits(frame, folds=3, inner=3, seed=seed) for seed in (0, 0, 1))
    assert first.equals(same)
    assert not first.equals(other)


@pytest.mark.parametrize(
    ("groups", "folds", "inner", "message"),
    [
        ({"a": 12, "b": 2}, 3, 3, r"`splits: folds` is 3.*too few groups.*b: 2"),
        ({"a": 12, "b": 5}, 3, 4, r"`splits: inner` is 4.*b: [34]"),
        ({"a": 12, "b": 12}, 1, 3, r"`splits: folds` is 1, but must be 2 or more"),
        ({}, 3, 3, "The task has no case"),
    ],
)
def test_too_few_groups_or_cases_are_refused(groups, folds, inner, message):
    frame = cases(groups) if groups else pd.DataFrame(columns=["row", *IDENTITY])
    with pytest.raises(UserError, match=message):
        make_splits(frame, folds=folds, inner=inner, seed=0)


def test_the_file_gives_back_cases_and_store_rows(tmp_path):
    frame = cases({"01": 6, "NA": 6})
    frame["patient"] = ["", "007", "NA"] * 12
    splits = make_splits(frame, folds=2, inner=2, seed=0)
    splits.to_csv(tmp_path / "s.csv", index=False)
    read, folds = read_folds(tmp_path / "s.csv")
    pd.testing.assert_frame_equal(read, frame[["row", *IDENTITY]])
    assert len(folds) == 2
    for fold in folds:
        assert sorted(np.concatenate(fold)) == sorted(frame["row"])
    assert set(folds[0].test).isdisjoint(folds[1].test)


SWAPPED = {"train": "validation", "validation": "train"}
FAULTS = {
    "a group in two parts": (lambda splits: splits.iloc[0:1].replace({"fold1": SWAPPED}), "in several parts of fold1"),
    "a case that is never tested": (lambda splits: splits.iloc[0:1].replace("test", "train"), "is tested 0 times"),
    "a case that is tested twice": (
        lambda splits: splits.iloc[0:1].assign(fold0="test", fold1="test"),
        "tested 2 times",
    ),
    "an unknown part": (lambda splits: splits.iloc[0:1].assign(fold0="tesu"), "another part than train, validation"),
    "a case twice": (lambda splits: splits.iloc[1:2].assign(case="x"), "it has no fold, or a case twice"),
    "a row that is no number": (lambda splits: splits.iloc[0:1].astype(str).assign(row="1x"), "it can't be read"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_folds_that_are_none_are_refused_when_they_are_read(tmp_path, name):
    splits = make_splits(cases({"a": 6, "b": 6}), folds=2, inner=2, seed=0)
    splits = splits.sort_values("fold0", ignore_index=True)  # the first case is tested in fold 0
    splits.to_csv(tmp_path / "s.csv", index=False)
    assert len(read_folds(tmp_path / "s.csv")[1]) == 2
    spoil, message = FAULTS[name]
    pd.concat([spoil(splits), splits.iloc[1:]]).to_csv(tmp_path / "s.csv", index=False)
    with pytest.raises(UserError, match=rf"The folds in .*s\.csv can't be used: .*{message}.* Remove the file"):
        read_folds(tmp_path / "s.csv")


@pytest.mark.parametrize(("role", "count"), [("train", 0), ("test", 2)])
def test_the_case_that_is_not_tested_once_is_named(tmp_path, role, count):
    splits = make_splits(cases({"a": 6, "b": 6}), folds=2, inner=2, seed=0)
    splits.loc[7, ["fold0", "fold1"]] = role
    splits.to_csv(tmp_path / "s.csv", index=False)
    with pytest.raises(UserError, match=f": c7 is tested {count} times, not once"):
        read_folds(tmp_path / "s.csv")


def test_two_cases_are_enough_to_train_on_and_one_is_not():
    parts = ["train", "validation", "test"]
    splits = pd.DataFrame({"label": [*"aaabbb"], "fold0": parts * 2})
    check_fold(splits, "fold0")
    with pytest.raises(UserError, match="The train part of fold0 has a single case"):
        check_fold(splits.iloc[1:], "fold0")


def test_classification_scores_labelled_frames_and_segmentation_images_with_a_lesion():
    store = bright_or_dark_store(groups=4, frames=2)
    store.manifest.loc[0, "label"] = ""
    store.masks[3] = 0
    assert list(task_cases(store, "classification")["row"]) == [1, 2, 3, 4, 5, 6, 7]
    assert list(task_cases(store, "segmentation")["row"]) == [0, 1, 2, 4, 5, 6, 7]
    store.manifest["label"] = "dark"
    with pytest.raises(UserError, match="one class only, dark"):
        task_cases(store, "classification")
    with pytest.raises(UserError, match="no masks"):
        task_cases(FrameStore(store.frames, None, store.manifest), "segmentation")


def subsets(frame, percents, seed=0):
    rows = frame["row"].to_numpy()
    fold = Fold(rows, rows[:0], rows[:0])
    return {percent: set(with_fewer_labels(frame, fold, percent, seed, "t", 0).train) for percent in percents}


@pytest.mark.parametrize("seed", range(3))
def test_fewer_labels_are_whole_groups_of_every_class_and_nested(seed):
    frame = cases({"a": 20, "b": 7})
    found = subsets(frame, [1, 5, 10, 25, 50, 99, 100], seed)
    sizes = {"a": [1, 1, 2, 5, 10, 20, 20], "b": [1, 1, 1, 2, 4, 7, 7]}
    for number, rows in enumerate(found.values()):
        kept = frame[frame["row"].isin(rows)]
        assert (kept.groupby("group").size() == 3).all()
        assert kept.groupby("label")["group"].nunique().to_dict() == {k: v[number] for k, v in sizes.items()}
    ordered = list(found.values())
    assert all(small <= large for small, large in pairwise(ordered))
    assert found[100] == set(frame["row"])


def test_fewer_labels_depend_on_the_seed_and_leave_validation_and_test_whole():
    frame = cases({"a": 20, "b": 20})
    assert subsets(frame, [25]) == subsets(frame, [25])
    assert subsets(frame, [25]) != subsets(frame, [25], seed=1)
    rows = frame["row"].to_numpy()
    fold = Fold(rows[:90], rows[90:100], rows[100:])
    fewer = with_fewer_labels(frame, fold, 10, 0)
    assert fewer.validation.tolist() == fold.validation.tolist()
    assert fewer.test.tolist() == fold.test.tolist()


@pytest.mark.parametrize("draw", ["", "draw1", "draw2"])
def test_shots_are_so_many_groups_of_every_class_and_nested(draw):
    frame = cases({"a": 20, "b": 7})
    found = subsets(frame, [f"{shots}shots{draw}" for shots in (1, 3, 7)])
    for shots, rows in zip((1, 3, 7), found.values(), strict=True):
        kept = frame[frame["row"].isin(rows)]
        assert (kept.groupby("group").size() == 3).all()
        assert kept.groupby("label")["group"].nunique().to_dict() == {"a": shots, "b": shots}
    assert all(small < large for small, large in pairwise(found.values()))


def test_draws_take_other_groups_and_the_first_is_that_without_draws():
    frame = cases({"a": 20, "b": 20})
    found = subsets(frame, [25, "25draw1", "25draw2"])
    assert len(set(map(frozenset, found.values()))) == 3
    # What studies without draws have trained with.
    label = frame.groupby("group")["label"].first()
    order = label.iloc[generator(0, "label fraction", "t", 0).permutation(len(label))]
    assert set(frame.loc[frame["row"].isin(found[25]), "group"]) == set(order.groupby(order).head(5).index)


def test_all_labels_are_the_folds_as_they_are(tmp_path):
    make_splits(cases({"a": 8, "b": 8}), folds=2, inner=2, seed=0).to_csv(tmp_path / "splits.csv", index=False)
    _, folds = read_folds(tmp_path / "splits.csv")
    _, same = labelled_folds(tmp_path / "splits.csv", 100, 0, "t")
    _, fewer = labelled_folds(tmp_path / "splits.csv", 50, 0, "t")
    assert [fold.train.tolist() for fold in same] == [fold.train.tolist() for fold in folds]
    assert all(set(part.train) < set(fold.train) for part, fold in zip(fewer, folds, strict=True))


def test_a_task_joins_classes_of_its_set_and_names_them_otherwise():
    manifest = pd.DataFrame({"label": ["covid", "pneumonia", "regular", ""]})
    store = SimpleNamespace(manifest=manifest, masks=None)
    cases = task_cases(store, "classification", {"pneumonia": "other", "regular": "other"})
    assert cases["label"].tolist() == ["covid", "other", "other"]
    assert task_cases(store, "classification", {"covid": "regular", "regular": "covid"})["label"].tolist() == [
        "regular",
        "pneumonia",
        "covid",
    ]
    assert manifest["label"].tolist() == ["covid", "pneumonia", "regular", ""]


def test_a_class_that_the_set_does_not_have_cannot_be_joined():
    store = SimpleNamespace(manifest=pd.DataFrame({"label": ["a", "b"]}), masks=None)
    with pytest.raises(UserError, match="`classes` of the task names 'c', but the set has only 'a', 'b'"):
        task_cases(store, "classification", {"c": "a"})
    with pytest.raises(UserError, match="one class only, both"):
        task_cases(store, "classification", {"a": "both", "b": "both"})
