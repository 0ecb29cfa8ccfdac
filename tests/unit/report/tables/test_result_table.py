import numpy as np
import pandas as pd
import pytest
import study_frames as frames

from uscl.report.tables.claims import claims
from uscl.report.tables.result_table import COLUMNS, result_table

BUSI = ("busi", "finetune", "macro_f1")
ECE = ("busi", "finetune", "ece")
DICE = ("segmentation", "finetune", "dice")
MEANS = {"random": 0.4, "imagenet": 0.5, "uscl": 0.6, "meta_uscl": 0.7}
TINY_P = 0.0001


def table_of(intervals, comparisons, *, primary=None, **changed):
    arms = list(dict.fromkeys(intervals["arm"]))
    options = {"arms": arms, "labelled": ["uscl"], "reference": "imagenet", "missing": []} | changed
    made = claims(comparisons, frames.primary(comparisons) if primary is None else primary)
    return result_table(intervals, comparisons, made, frames.costs(intervals), frames.provenance(intervals), **options)


def bold_arms(table, cell):
    rows = table[(table[["task", "regime", "metric"]] == list(cell)).all(axis=1)]
    return rows.loc[rows["better_than"].notna()].set_index("arm")["better_than"].to_dict()


def test_rows_are_in_the_order_of_first_appearance_with_all_columns():
    # As they come: by task and regime, then by arm, then by metric.
    cells = [("busi", "knn", "accuracy"), ("busi", "knn", "ece"), ("busi", "finetune", "accuracy"), DICE]
    rows = [(arm, *cell, 0.5) for cell in cells for arm in ("uscl", "imagenet", "random")]
    table = table_of(frames.intervals(rows), frames.comparisons([]))
    assert list(table[["arm", "task", "regime", "metric"]].itertuples(index=False, name=None)) == [
        (arm, *cell) for arm in ("uscl", "imagenet", "random") for cell in cells
    ]
    assert list(table.columns) == COLUMNS
    assert set(table.loc[table["pool_labels"], "arm"]) == {"uscl"}
    assert (table["parameters"] == 11_176_512).all()
    assert (table["commit"] == "c0ffee").all()


def test_ranks_respect_ties_and_metrics_where_lower_is_better():
    by_arm = {"random": 0.4, "imagenet": 0.6, "uscl": 0.6, "meta_uscl": 0.5}
    table = table_of(*frames.study({BUSI: by_arm, ECE: by_arm}, 1.0))
    ranks = table.pivot(index="arm", columns="metric", values="rank").loc[frames.ARMS]
    assert list(ranks["macro_f1"]) == [4, 1.5, 1.5, 3]
    assert list(ranks["ece"]) == [1, 3.5, 3.5, 2]


def test_an_undefined_mean_has_no_rank():
    intervals, comparisons = frames.study({BUSI: MEANS}, 1.0)
    intervals.loc[3, ["mean", "n", "undefined"]] = [np.nan, 0, 6]
    table = table_of(intervals, comparisons).set_index("arm")
    assert np.isnan(table.loc["meta_uscl", "rank"])
    assert table.loc["uscl", "rank"] == 1


def test_bold_follows_the_corrected_method_test_of_the_primary_comparisons_alone():
    assert bold_arms(table_of(*frames.study({BUSI: MEANS}, 0.05)), BUSI) == {}
    # Three tests: 0.016 becomes 0.048.
    shown = bold_arms(table_of(*frames.study({BUSI: MEANS}, 0.016)), BUSI)
    assert shown == {"imagenet": "random", "uscl": "imagenet", "meta_uscl": "imagenet"}
    assert bold_arms(table_of(*frames.study({BUSI: MEANS}, 0.017)), BUSI) == {}
    assert bold_arms(table_of(*frames.study({BUSI: MEANS}, TINY_P), primary=[]), BUSI) == {}


def test_one_primary_comparison_makes_one_row_bold():
    intervals, comparisons = frames.study({BUSI: MEANS, DICE: MEANS}, TINY_P)
    primary = frames.primary(comparisons[(comparisons["arm"] == "uscl") & (comparisons["metric"] == "macro_f1")])
    table = table_of(intervals, comparisons, primary=primary)
    assert table["better_than"].notna().sum() == 1
    assert bold_arms(table, BUSI) == {"uscl": "imagenet"}


def test_p_of_these_models_never_makes_a_row_bold():
    intervals, comparisons = frames.study({BUSI: MEANS}, 0.9)
    table = table_of(intervals, comparisons.assign(p_models=TINY_P))
    assert bold_arms(table, BUSI) == {}
    assert table.set_index("arm").loc["uscl", ["p", "p_models"]].tolist() == [0.9, TINY_P]


def test_an_arm_without_a_test_is_never_bold():
    alone = frames.intervals([("imagenet", *BUSI, 0.9)])
    assert table_of(alone, frames.comparisons([]))["better_than"].isna().all()
    intervals, _ = frames.study({BUSI: MEANS}, TINY_P)
    assert table_of(intervals, frames.comparisons([]))["better_than"].isna().all()


def test_further_pairs_have_no_row():
    intervals, comparisons = frames.study({BUSI: MEANS}, 0.01)
    extra = frames.comparisons([("meta_uscl", "uscl", *BUSI, 0.1, 0.001)])
    table = table_of(intervals, pd.concat([comparisons, extra], ignore_index=True)).set_index("arm")
    assert table.loc["meta_uscl", ["reference", "p"]].tolist() == ["imagenet", 0.01]
    assert np.isnan(table.loc["imagenet", "p"])


def test_why_there_is_no_interval_has_a_column_of_its_own():
    intervals, comparisons = frames.study({BUSI: MEANS}, 1.0)
    table = table_of(intervals.assign(reason="one training"), comparisons)
    assert set(table["no_interval"]) == {"one training"}
    assert table["reason"].isna().all()


def test_missing_evaluations_have_one_row_per_arm_with_the_reason():
    missing = [(None, "segmentation", "knn", "no such probe"), ("uscl", "busi", "knn", "cut off")]
    table = table_of(*frames.study({BUSI: MEANS, DICE: MEANS}, 1.0), missing=missing)
    rows = table[table["reason"].notna()]
    assert rows[["arm", "task", "regime", "reason"]].to_numpy().tolist() == [
        ["random", "segmentation", "knn", "no such probe"],
        ["imagenet", "segmentation", "knn", "no such probe"],
        ["uscl", "busi", "knn", "cut off"],
        ["uscl", "segmentation", "knn", "no such probe"],
        ["meta_uscl", "segmentation", "knn", "no such probe"],
    ]
    assert rows[["metric", "mean", "n"]].isna().all(axis=None)
    assert rows["better_than"].isna().all()
    assert list(table.loc[table["arm"] == "uscl", "task"]) == ["busi", "busi", "segmentation", "segmentation"]


def test_undefined_scores_have_their_reason():
    rows = [("imagenet", "busi", "knn", metric, 0.5) for metric in ("accuracy", "auroc", "sensitivity_a", "f1_a")]
    intervals = frames.intervals(rows).assign(n=[15, 13, 14, 0], undefined=[0, 2, 1, 15])
    reasons = table_of(intervals, frames.comparisons([])).set_index("metric")["reason"]
    assert pd.isna(reasons["accuracy"])
    assert reasons["auroc"] == "undefined in 2 of 15 folds: a class is absent from the test part"
    assert reasons["sensitivity_a"] == "undefined in 1 of 15 folds: the class is absent from the test part"
    assert reasons["f1_a"].startswith("undefined in 15 of 15 folds: the class is absent from the test part and never")


def test_the_file_has_whole_numbers_and_the_same_bytes_every_time(tmp_path):
    scores = frames.study({BUSI: MEANS, DICE: MEANS}, 0.2)
    missing = [(None, "segmentation", "knn", "no such probe")]
    texts = [table_of(*scores, missing=missing).to_csv(index=False, float_format="%.6f") for _ in range(2)]
    assert texts[0] == texts[1]
    row = dict(zip(*(line.split(",") for line in texts[0].splitlines()[:2]), strict=True))
    assert (row["mean"], row["sd"], row["ci_low"], row["models_ci_low"]) == (
        "0.400000",
        "0.020000",
        "0.350000",
        "0.370000",
    )
    assert (row["trainings"], row["n"], row["n_groups"], row["reference"]) == ("5", "10", "30", "imagenet")
    assert texts[0].splitlines()[1].endswith(",0,1200,11176512,r,0 1,c0ffee,k,d,2 pairs joined,A,none")


def test_a_reference_that_is_no_arm_is_refused():
    with pytest.raises(ValueError, match="The reference byol is not one of the arms random, imagenet"):
        table_of(*frames.study({BUSI: MEANS}, 1.0), reference="byol")


def test_what_readers_must_know_of_an_arm_stands_in_its_rows():
    remarks = {"uscl": ("shared settings", "trains on more"), "random": ()}
    table = table_of(*frames.study({BUSI: MEANS}, 1.0), remarks=remarks)
    found = table.set_index("arm")["remarks"]
    assert found["uscl"] == "shared settings; trains on more"
    assert found.drop("uscl").isna().all()
