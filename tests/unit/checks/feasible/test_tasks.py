import logging

import numpy as np
import pandas as pd
import pytest
from stores import bright_or_dark_store

from uscl.base.errors import UserError
from uscl.checks.feasible.tasks import check_task
from uscl.data.picture_box import picture_box
from uscl.data.splits import make_splits, task_cases

GIVEN = {"batch_size": 4}


def drawn(store, path, kind="classification"):
    """The splits of a store's task by seed, and a mask of no blank frames."""
    make_splits(task_cases(store, kind), folds=2, inner=2, seed=0).to_csv(path, index=False)
    return {0: path}, np.zeros(len(store.frames), bool)


def test_the_line_gives_what_is_trained_on_and_scored(tmp_path, caplog):
    store = bright_or_dark_store(groups=16, frames=2)
    line = check_task("t", *drawn(store, tmp_path / "t.csv"), None, **GIVEN)
    assert line == (
        "tasks.t: 32 cases of 16 patients (bright 16, dark 16); 2 folds: 8 cases to train on, 8 to choose the"
        " epoch, 16 to test; scored by frame and video"
    )
    assert caplog.messages == []


def test_a_level_that_the_data_do_not_have_stops_the_study_before_it_trains(tmp_path):
    store = bright_or_dark_store(groups=16, frames=2)
    path, blank = drawn(store, tmp_path / "t.csv")
    asked = {"levels": ["patient", "frame"]}
    assert check_task("t", path, blank, None, **GIVEN, levels=asked).endswith("; scored by patient and frame")
    cases = pd.read_csv(path[0])
    cases.assign(unit="image").to_csv(path[0], index=False)
    with pytest.raises(UserError, match=r"tasks\.t\.levels names patient, but its data name no patient"):
        check_task("t", path, blank, None, **GIVEN, levels=asked)
    cases.assign(label=["bright", "dark"] * (len(cases) // 2)).to_csv(path[0], index=False)
    with pytest.raises(UserError, match=r"frames of several classes.*set tasks\.t\.on_mixed_labels to leave_out"):
        check_task("t", path, blank, None, **GIVEN, levels=asked)


def test_a_task_of_blank_images_stops_and_a_few_give_a_warning(tmp_path, caplog):
    store = bright_or_dark_store(groups=16, frames=2)
    path, blank = drawn(store, tmp_path / "t.csv")
    blank[7] = True
    with caplog.at_level(logging.WARNING):
        check_task("t", path, blank, None, **GIVEN)
    assert caplog.messages == ["tasks.t: 1 of 32 frames are blank (one colour, or nearly), such as v3#1."]
    with pytest.raises(UserError, match=r"tasks\.t: all 32 frames are blank"):
        check_task("t", path, np.ones_like(blank), None, **GIVEN)


def test_blank_frames_that_are_no_cases_dont_count(tmp_path, caplog):
    store = bright_or_dark_store(groups=16, frames=2)
    store.manifest.loc[store.manifest["frame"] == 0, "label"] = ""
    path, blank = drawn(store, tmp_path / "t.csv")
    check_task("t", path, blank | (store.manifest["frame"] == 0).to_numpy(), None, **GIVEN)
    assert caplog.messages == []


def test_masks_that_are_all_lesion_stop_and_a_few_give_a_warning(tmp_path, caplog):
    store = bright_or_dark_store(groups=16, frames=2)
    path, blank = drawn(store, tmp_path / "t.csv", "segmentation")
    store.masks[3] = 1
    with caplog.at_level(logging.WARNING):
        check_task("t", path, blank, store.masks, **GIVEN)
    assert caplog.messages == ["tasks.t: 1 of 32 masks are all lesion, such as v1#1."]
    with pytest.raises(UserError, match=r"tasks\.t: every pixel of every mask is lesion"):
        check_task("t", path, blank, np.ones_like(store.masks), **GIVEN)


@pytest.mark.parametrize("shape", [(96, 128), (128, 96), (100, 100)])
def test_masks_are_judged_inside_the_picture_whatever_its_shape(tmp_path, caplog, shape):
    store = bright_or_dark_store(groups=16, frames=2, size=32)
    path, blank = drawn(store, tmp_path / "t.csv", "segmentation")
    top, left, height, width = picture_box(*shape, 32)
    inside = np.s_[:, top : top + height, left : left + width]
    full, inverted, mostly_empty = (np.zeros_like(store.masks) for _ in range(3))
    full[inside], inverted[inside] = 1, 1 - store.masks[inside]
    mostly_empty[0] = store.masks[0]
    given = GIVEN | {"pictures": np.array([shape] * 32)}
    with pytest.raises(UserError, match=r"tasks\.t: every pixel of every mask is lesion"):
        check_task("t", path, blank, full, **given)
    with pytest.raises(UserError, match=r"tasks\.t: 32 of 32 masks are lesion along the picture's whole edge, so they"):
        check_task("t", path, blank, inverted, **given)
    with caplog.at_level(logging.WARNING):
        check_task("t", path, blank, store.masks, **given)
        assert caplog.messages == []
        check_task("t", path, blank, mostly_empty, **given)
    assert caplog.messages == ["tasks.t: 31 of 32 images have no lesion in their mask and are left out."]


def test_a_batch_larger_than_the_training_part_gives_a_warning(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        check_task("t", *drawn(bright_or_dark_store(groups=16, frames=2), tmp_path / "t.csv"), None, batch_size=9)
    assert caplog.messages == [
        "tasks.t: a training part has 8 cases, fewer than `finetune.batch_size: 9`: a step takes them all."
    ]


def test_label_fractions_leave_one_group_of_each_class(tmp_path, caplog):
    path, blank = drawn(bright_or_dark_store(groups=16, frames=1), tmp_path / "t.csv")
    check_task("t", {0: path[0], 1: path[0]}, blank, None, batch_size=2, parts=[1, 5])
    assert caplog.messages == []


def test_more_groups_of_each_class_than_there_are_stop(tmp_path):
    path, blank = drawn(bright_or_dark_store(groups=16, frames=1), tmp_path / "t.csv")
    check_task("t", path, blank, None, batch_size=2, parts=["2shots", "2shotsdraw1"])
    message = (
        r"tasks\.t, seed 0, fold 0, 3 groups of each class, draw 1: the training part has only 2 of bright: lower"
        r" `label_fractions\.shots`"
    )
    with pytest.raises(UserError, match=message):
        check_task("t", path, blank, None, batch_size=2, parts=[100, "2shots", "3shotsdraw1"])


def test_a_fraction_that_leaves_a_single_case_stops(tmp_path):
    store = bright_or_dark_store(groups=16, frames=1)
    store.manifest["label"] = "dark"
    path, blank = drawn(store, tmp_path / "t.csv", "segmentation")
    check_task("t", path, blank, store.masks, **GIVEN)
    with pytest.raises(UserError, match=r"tasks\.t, seed 0, fold 0, 1 % of the labels: the training part has a single"):
        check_task("t", path, blank, store.masks, parts=[1], **GIVEN)


def test_a_fraction_whose_groups_are_all_counted_for_one_class_stops(tmp_path):
    store = bright_or_dark_store(groups=8, frames=3)
    store.manifest["label"] = np.where(store.manifest["frame"] == 0, "rare", "frequent")
    path, blank = drawn(store, tmp_path / "t.csv")
    check_task("t", path, blank, None, parts=[50], **GIVEN)
    # In the training part of the first fold, one group keeps the rare class and the others lose it.
    splits = pd.read_csv(path[0])
    train = splits["fold0"] == "train"
    others = splits["group"] != splits.loc[train, "group"].max()
    splits[~(train & others & (splits["label"] == "rare"))].to_csv(path[0], index=False)
    outcomes = []
    for seed in range(8):
        try:
            check_task("t", {seed: path[0]}, blank, None, parts=[1], batch_size=2)
            outcomes.append("")
        except UserError as error:
            outcomes.append(str(error))
    assert any("has one class only, frequent" in outcome for outcome in outcomes)
