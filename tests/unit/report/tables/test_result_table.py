import numpy as np
import pandas as pd
import pytest
import study_frames as frames

from uscl.report.tables.result_table import result_table

BUSI = ("busi", "finetune", "macro_f1")
ECE = ("busi", "finetune", "ece")
DICE = ("segmentation", "finetune", "dice")
MEANS = {"random": 0.4, "imagenet": 0.5, "uscl": 0.6, "meta_uscl": 0.7}
TINY_P = 0.0001


def table_of(intervals, comparisons, **changed):
    arms = list(dict.fromkeys(intervals["arm"]))
    options = {"arms": arms, "labelled": ["uscl"], "reference": "imagenet", "missing": []} | changed
    return result_table(intervals, comparisons, frames.costs(intervals), frames.provenance(intervals), **options)


def best_arms(table, cell):
    rows = table[(table[["task", "regime", "metric"]] == list(cell)).all(axis=1)]
    return list(rows.loc[rows["best"], "arm"])


def test_rows_are_in_the_order_of_first_appearance_with_all_columns():
    # As they come: by task and regime, then by arm, then by metric.
    cells = [("busi", "knn", "accuracy"), ("busi", "knn", "ece"), ("busi", "finetune", "accuracy"), DICE]
    rows = [(arm, *cell, 0.5) for cell in cells for arm in ("uscl", "imagenet", "random")]
    table = table_of(frames.intervals(rows), frames.comparisons([]))
    assert list(table[["arm", "task", "regime", "metric"]].itertuples(index=False, name=None)) == [
        (arm, *cell) for arm in ("uscl", "imagenet", "random") for cell in cells
    ]
    assert list(table.columns) == [
        *(
            "arm",
            "pool_labels",
            "remarks",
            "task",
            "regime",
            "metric",
            "mean",
            "sd",
            "n",
            "ci_low",
            "ci_high",
            "n_groups",
        ),
        *("n_cases", "rank", "best", "reference", "p_holm", "reason"),
        *("pretraining_images", "finetuning_images", "parameters"),
        *("run", "seeds", "commit", "config_sha256", "data_sha256", "leaks", "cpu", "gpu"),
    ]
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


def test_without_a_small_corrected_p_nothing_is_best():
    assert not table_of(*frames.study({BUSI: MEANS, DICE: MEANS}, 0.05)).best.any()
    # Six tests on primary metrics: 0.009 becomes 0.054.
    assert not table_of(*frames.study({BUSI: MEANS, DICE: MEANS}, 0.009)).best.any()
    assert table_of(*frames.study({BUSI: MEANS, DICE: MEANS}, 0.008)).best.sum() == 2


def test_the_best_mean_alone_is_best_if_it_is_shown_to_beat_the_reference():
    assert best_arms(table_of(*frames.study({BUSI: MEANS}, TINY_P)), BUSI) == ["meta_uscl"]
    tied = MEANS | {"uscl": 0.7}
    assert best_arms(table_of(*frames.study({BUSI: tied}, TINY_P)), BUSI) == []


def test_the_lowest_mean_is_best_if_lower_is_better():
    table = table_of(*frames.study({ECE: MEANS}, TINY_P))
    assert best_arms(table, ECE) == ["random"]


def test_the_reference_is_best_only_if_it_is_shown_to_beat_every_other_arm():
    lowest = {"random": 0.4, "imagenet": 0.8, "uscl": 0.6, "meta_uscl": 0.7}
    intervals, comparisons = frames.study({BUSI: lowest}, TINY_P)
    assert best_arms(table_of(intervals, comparisons), BUSI) == ["imagenet"]
    comparisons.loc[comparisons["arm"] == "uscl", "p"] = 0.2
    assert best_arms(table_of(intervals, comparisons), BUSI) == []


def test_the_reference_need_not_beat_an_arm_without_a_score():
    intervals, comparisons = frames.study({BUSI: MEANS | {"imagenet": 0.8}}, TINY_P)
    gone = intervals["arm"] == "uscl"
    intervals.loc[gone, ["mean", "n", "undefined"]] = [np.nan, 0, 6]
    comparisons.loc[comparisons["arm"] == "uscl", ["difference", "p"]] = np.nan
    assert best_arms(table_of(intervals, comparisons), BUSI) == ["imagenet"]


def test_an_arm_without_a_test_is_never_best():
    alone = frames.intervals([("imagenet", *BUSI, 0.9)])
    assert not table_of(alone, frames.comparisons([])).best.any()
    intervals, _ = frames.study({BUSI: MEANS}, TINY_P)
    assert not table_of(intervals, frames.comparisons([])).best.any()


def test_further_pairs_count_in_the_correction_and_have_no_row():
    intervals, comparisons = frames.study({BUSI: MEANS}, 0.01)
    extra = frames.comparisons([("meta_uscl", "uscl", *BUSI, 0.1, 0.001)])
    table = table_of(intervals, pd.concat([comparisons, extra], ignore_index=True)).set_index("arm")
    # Four tests: the pair's p comes first, then three of 0.01 times 3.
    assert table.loc["meta_uscl", "p_holm"] == pytest.approx(0.03)
    assert table.loc["meta_uscl", "reference"] == "imagenet"
    assert np.isnan(table.loc["imagenet", "p_holm"])


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
    assert not rows["best"].any()
    assert list(table.loc[table["arm"] == "uscl", "task"]) == ["busi", "busi", "segmentation", "segmentation"]


def test_undefined_scores_have_their_reason():
    rows = [("imagenet", "busi", "knn", metric, 0.5) for metric in ("accuracy", "auroc", "sensitivity_a", "f1_a")]
    intervals = frames.intervals(rows).assign(n=[15, 13, 14, 0], undefined=[0, 2, 1, 15])
    reasons = table_of(intervals, frames.comparisons([])).set_index("metric")["reason"]
    assert pd.isna(reasons["accuracy"])
    assert reasons["auroc"] == "undefined in 2 of 15 scores: a class is absent from the test part"
    assert reasons["sensitivity_a"] == "undefined in 1 of 15 scores: the class is absent from the test part"
    assert reasons["f1_a"].startswith("undefined in 15 of 15 scores: the class is absent from the test part and never")


def test_the_file_has_whole_numbers_and_the_same_bytes_every_time(tmp_path):
    scores = frames.study({BUSI: MEANS, DICE: MEANS}, 0.2)
    missing = [(None, "segmentation", "knn", "no such probe")]
    texts = [table_of(*scores, missing=missing).to_csv(index=False, float_format="%.6f") for _ in range(2)]
    assert texts[0] == texts[1]
    assert (
        texts[0]
        .splitlines()[1]
        .startswith(
            "random,False,,busi,finetune,macro_f1,0.400000,0.020000,6,0.350000,0.450000,30,120,4.000000,False,imagenet,"
        )
    )
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
