import logging

import numpy as np
import pandas as pd
import pytest

from uscl.base.errors import UserError
from uscl.data.given_splits import given_splits, role_of
from uscl.data.splits import read_folds

ONCE = {"train": 8, "test": 4}


def cases(parts, **changed):
    """Groups of two frames in the given parts, alternately of class a and b."""
    rows = [
        {"video": f"{part}{n}", "group": f"{part}{n}", "label": "ab"[n % 2], "part": part}
        for part, groups in parts.items()
        for n in range(groups)
        for _ in range(2)
    ]
    frame = pd.DataFrame(rows).assign(patient="", unit="video")
    return frame.assign(row=np.arange(len(frame)) * 3, case=[f"c{n}" for n in range(len(frame))], **changed)


def split(parts, *, seed=0, inner=2, **changed):
    return given_splits(cases(parts, **changed), inner=inner, seed=seed, task="t")


def test_a_split_once_is_taken_as_it_is_given():
    found = split({"Training": 4, "val_set": 2, "Test": 2})
    assert found.groupby("fold0")["group"].unique().map(sorted).to_dict() == {
        "train": [f"Training{n}" for n in range(4)],
        "validation": ["val_set0", "val_set1"],
        "test": ["Test0", "Test1"],
    }
    assert not found["shared"].any()
    assert found.equals(split({"Training": 4, "val_set": 2, "Test": 2}, seed=1))


def test_without_a_val_part_each_seed_draws_its_own_from_train_by_group():
    by_seed = [split(ONCE, seed=seed) for seed in range(4)]
    for found in by_seed:
        assert found.groupby("group")["fold0"].nunique().max() == 1
        assert set(found.loc[found["fold0"] == "test", "group"]) == {f"test{n}" for n in range(4)}
        validation = found[found["fold0"] == "validation"]
        assert set(validation["group"]) < {f"train{n}" for n in range(8)}
        assert set(validation["label"]) == {"a", "b"}
    assert len({tuple(found["fold0"]) for found in by_seed}) > 1


def test_numbered_folds_are_each_tested_once(tmp_path):
    found = split({"fold 10": 4, "fold 2": 4, "fold 1": 4})
    tested = [found.loc[found[f"fold{k}"] == "test", "group"] for k in range(3)]
    assert [set(groups.str[:-1]) for groups in tested] == [{"fold 1"}, {"fold 2"}, {"fold 10"}]
    found.to_csv(tmp_path / "s.csv", index=False)
    read, folds = read_folds(tmp_path / "s.csv")
    assert "shared" not in read
    assert sorted(np.concatenate([fold.test for fold in folds])) == sorted(found["row"])


def test_the_file_of_a_split_once_gives_back_rows_of_each_part(tmp_path):
    found = split(ONCE)
    found.to_csv(tmp_path / "s.csv", index=False)
    _, (fold,) = read_folds(tmp_path / "s.csv")
    assert sorted(fold.test) == sorted(found.loc[found["fold0"] == "test", "row"])
    found.assign(fold0="train").to_csv(tmp_path / "s.csv", index=False)
    with pytest.raises(UserError, match="no case is tested"):
        read_folds(tmp_path / "s.csv")


@pytest.mark.parametrize("parts", [ONCE, {"fold 0": 4, "fold 1": 4}])
def test_groups_in_several_parts_are_marked_and_can_be_read(tmp_path, parts):
    frame, (first, second) = cases(parts), parts
    frame.loc[frame["group"].isin([f"{first}0", f"{second}0"]), "group"] = "both"
    found = given_splits(frame, inner=2, seed=0, task="t")
    assert set(found.loc[found["shared"], "group"]) == {"both"}
    found.to_csv(tmp_path / "s.csv", index=False)
    _, folds = read_folds(tmp_path / "s.csv")
    rows = set(frame.loc[frame["group"] == "both", "row"])
    assert rows & set(folds[0].test)
    assert rows & {*folds[0].train, *folds[0].validation}
    found.assign(shared=False).to_csv(tmp_path / "s.csv", index=False)
    with pytest.raises(UserError, match="group both is in several parts of fold0"):
        read_folds(tmp_path / "s.csv")


FAULTS = [
    ({"train": 4, "": 2, "test": 2}, {}, r"4 of 16 cases have no part, such as c8: give each"),
    ({"train": 4, "eval": 2, "test": 2}, {}, r"'eval' is neither train, val or test nor a numbered fold"),
    ({"train": 4, "fold 1": 2}, {}, r"'fold 1', 'train': name either train and test, or two or more folds"),
    ({"fold 1": 4}, {}, r"'fold 1': name either"),
    ({"train": 4, "val": 2}, {}, r"'train', 'val', but a split needs a train and a test part"),
    ({"train": 4, "val": 2, "test": 2}, {"label": ["a"] * 12 + ["b"] * 4}, r"train part of fold0 has no case of b"),
]


@pytest.mark.parametrize(("parts", "changed", "message"), FAULTS)
def test_parts_that_are_no_split_are_refused(parts, changed, message):
    with pytest.raises(UserError, match=rf"tasks\.t\.splits.*{message}"):
        split(parts, **changed)


def test_a_class_that_only_the_test_part_lacks_is_a_warning(caplog):
    with caplog.at_level(logging.WARNING):
        split({"train": 4, "val": 2, "test": 1})
    assert "tasks.t: the test part of fold0 has no case of b." in caplog.text


@pytest.mark.parametrize(
    ("name", "role"),
    [
        *(("TRAIN", "train"), ("imagesTr", "train"), ("valid", "validation"), ("testing set", "test"), ("3", 3)),
        *(("Fold_04", 4), ("cv-2", 2), ("train 1", None), ("traintest", None), ("train_test", None), ("benign", None)),
    ],
)
def test_what_parts_are_called(name, role):
    assert role_of(name) == role
