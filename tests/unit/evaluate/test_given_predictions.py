"""Predictions from a file: the same table as our own, and one sentence per fault."""

import numpy as np
import pandas as pd
import pytest
from stores import bright_or_dark_store

from uscl.base.errors import UserError
from uscl.data.given_splits import given_splits
from uscl.data.splits import make_splits, read_folds, task_cases
from uscl.evaluate.given_predictions import check_seeds, given_predictions
from uscl.evaluate.predictions import packed, predicted
from uscl.evaluate.run_lengths import mask_of, run_lengths

STORE = bright_or_dark_store(groups=8, frames=2)
SEEDS = [0, 1]


@pytest.fixture(scope="module")
def folds(tmp_path_factory):
    """The cases and folds of both seeds."""
    found = {}
    for seed in SEEDS:
        path = tmp_path_factory.mktemp("splits") / "split.csv"
        make_splits(task_cases(STORE, "classification"), folds=2, inner=2, seed=seed).to_csv(path, index=False)
        found[seed] = read_folds(path)
    return found


def rows(folds, **values):
    """A row per case and seed."""
    parts = [
        pd.DataFrame({"case": cases.set_index("row")["case"][fold.test].to_numpy(), "fold": number, "seed": seed})
        for seed, (cases, of_seed) in folds.items()
        for number, fold in enumerate(of_seed)
    ]
    return pd.concat(parts, ignore_index=True).assign(**values)


def probabilities(folds, dtype=np.float64):
    frame = rows(folds)
    bright = np.random.default_rng(0).random(len(frame)).astype(dtype)
    return frame.assign(p_bright=bright, p_dark=1 - bright)


def read(folder, frame, folds, kind="classification", seed=0, name="pocus.csv"):
    path = folder / name
    frame.to_csv(path, index=False) if name.endswith("csv") else frame.to_parquet(path)
    return given_predictions(path, kind, *folds[seed], seed, STORE)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_table_is_that_of_our_own_predictions_in_any_order_of_the_rows(tmp_path, folds, seed):
    given = probabilities(folds, np.float32)
    found = read(tmp_path, given.sample(frac=1, random_state=1), folds, seed=seed, name="pocus.parquet")
    cases, of_seed = folds[seed]
    own = given[given["seed"] == seed].set_index("case")[["p_bright", "p_dark"]]
    expected = pd.concat(
        [
            predicted(cases, fold, ["bright", "dark"], own.loc[cases.set_index("row")["case"][fold.test]].to_numpy())
            for fold in of_seed
        ],
        ignore_index=True,
    )
    pd.testing.assert_frame_equal(found.drop(columns="fold"), expected)
    assert found["p_dark"].dtype == np.float32
    pd.testing.assert_series_equal(found["fold"].value_counts(), own.index.size // 2 * pd.Series(1, [0, 1]), **LOOSE)


LOOSE = {"check_names": False, "check_dtype": False}


def test_masks_come_from_run_lengths_and_never_lie_outside_of_the_picture(tmp_path, folds):
    everywhere = run_lengths(np.ones((32, 32), bool))
    narrow = STORE.manifest.assign(box_left=4, box_width=20)
    store = type(STORE)(STORE.frames, STORE.masks, narrow)
    path = tmp_path / "segmentation.csv"
    rows(folds, mask=everywhere).to_csv(path, index=False)
    found = given_predictions(path, "segmentation", *folds[0], 0, store)
    picture = np.zeros((32, 32), bool)
    picture[:, 4:24] = True
    assert found["predicted_mask"].tolist() == packed(np.array([picture] * len(found)))
    true = store.masks[[store.manifest.set_index("case")["row"][case] for case in found["case"]]]
    assert found["true_mask"].tolist() == packed(true > 0)
    assert (found["height"].unique(), found["width"].unique()) == (32, 32)


def test_run_lengths_hold_every_mask():
    rng = np.random.default_rng(0)
    for share in (0, 0.1, 0.9, 1):
        mask = rng.random((7, 5)) < share
        np.testing.assert_array_equal(mask_of(run_lengths(mask), 7, 5), mask)


def changed(column, value, where=0):
    def change(frame):
        frame = frame.astype({column: object})
        frame.loc[where, column] = value
        return frame

    return change


CASE = "v0#0"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda frame: frame[1:], "lacks case {first} of the task of seed 0: add a row for each."),
        (lambda frame: frame[frame["seed"] == 1], "and 13 more of the task of seed 0: add a row"),
        (lambda frame: pd.concat([frame, frame[:1]]), "has case {first} more than once of seed 0: keep one row"),
        (changed("case", "x"), "has case x of seed 0, which the task doesn't have: remove these rows."),
        (changed("fold", 1), "says that case {first} is of fold 1 of seed 0, but fold 0 tests it (1 such rows)"),
        (changed("fold", "one"), "fold of case {first} is 'one': give a whole number."),
        (lambda frame: frame.drop(columns="seed"), "has no column seed, but only case, fold, p_bright, p_dark"),
        (lambda frame: frame.rename(columns={"p_dark": "p_black"}), "has no column p_dark, but only"),
        (lambda frame: frame.assign(p_grey=0), "has a column p_grey, but the task's classes are bright, dark"),
        (changed("p_dark", ""), "p_dark of case {first} is '': give a probability from 0 to 1."),
        (changed("p_dark", -0.5), "p_dark of case {first} is '-0.5': give a probability"),
        (changed("p_bright", "high"), "p_bright of case {first} is 'high': give a probability"),
        (lambda frame: frame.assign(p_dark=0.0, p_bright=0.9), "and 5 more add up to 0.9, not to 1"),
    ],
)
def test_a_fault_is_one_sentence_that_names_file_and_case(tmp_path, folds, change, sentence):
    frame = probabilities(folds)
    with pytest.raises(UserError) as caught:
        read(tmp_path, change(frame), folds)
    assert str(caught.value).startswith(f"{tmp_path}/pocus.csv")
    assert sentence.format(first=frame["case"][0]) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1000 20", "covers 1020 pixels, and a stored frame has 32 x 32 = 1024: give the run lengths"),
        ("", "is not a list of whole numbers: give the run lengths"),
        ("1024.0", "is not a list of whole numbers"),
        (f"{10**30} 4", "covers"),
    ],
)
def test_a_mask_that_can_not_be_is_refused(tmp_path, folds, text, sentence):
    frame = rows(folds, mask=f"{32 * 32}")
    frame.loc[3, "mask"] = text
    with pytest.raises(UserError) as caught:
        read(tmp_path, frame, folds, kind="segmentation")
    assert f"the mask of case {frame['case'][3]} {sentence}" in str(caught.value)


def test_rows_of_a_seed_that_the_study_does_not_have_are_refused(tmp_path, folds):
    path = tmp_path / "pocus.csv"
    probabilities(folds).to_csv(path, index=False)
    check_seeds(path, SEEDS)
    with pytest.raises(UserError, match=r"has rows of seed 1, but the study's seeds are 0, 3: remove these rows"):
        check_seeds(path, [0, 3])


def test_scores_of_given_predictions_are_those_of_our_own(tmp_path, folds):
    from uscl.metrics.scores import case_scores, score_cell

    given = probabilities(folds)
    cell = {"arm": "x", "task": "pocus", "regime": "linear", "labels": 100, "seed": 0}
    one = read(tmp_path, given, folds, name="pocus.parquet").assign(**cell)
    by_hand = (
        given[given["seed"] == 0]
        .merge(folds[0][0], on="case")
        .assign(**cell)[list(one.columns)]
        .set_index("case")
        .loc[one["case"]]
        .reset_index()[list(one.columns)]
    )
    tables = [score_cell(case_scores(each, "classification"), "classification") for each in (one, by_hand)]
    pd.testing.assert_frame_equal(*tables)
    assert tables[0]["value"].notna().any()


def test_of_a_given_split_only_the_test_part_needs_predictions(tmp_path):
    cases = task_cases(STORE, "classification")
    parts = {"p0": "test", "p1": "test", "p2": "val", "p3": "val"}
    split = given_splits(cases.assign(part=cases["group"].map(parts).fillna("train")), inner=2, seed=0, task="t")
    split.to_csv(tmp_path / "split.csv", index=False)
    folds = {0: read_folds(tmp_path / "split.csv")}
    given = probabilities(folds)
    assert len(given) == 4
    assert read(tmp_path, given, folds)["case"].tolist() == given["case"].tolist()
    with pytest.raises(UserError, match=given["case"][3]):
        read(tmp_path, given.head(3), folds)
