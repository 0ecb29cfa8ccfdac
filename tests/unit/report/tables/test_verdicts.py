import numpy as np
import pandas as pd
import pytest
import study_frames as frames
from scipy.stats import t as student

from uscl.report.tables.verdicts import better_than, fewest_trainings, judged

BUSI = ("busi", "linear", "macro_f1")
FRAMES = ("busi", "linear", "frame", "macro_f1")
DICE = ("segmentation", "finetune", "dice")
MARGINS = {"busi": {"points": 3.0, "reason": "r"}}


def compared(*rows, **changed):
    """Comparisons of arms a, b, ... with z: rows of (difference, p) on busi."""
    named = [("abcdef"[i], "z", *BUSI, difference, p) for i, (difference, p) in enumerate(rows)]
    return frames.comparisons(named).assign(**changed)


def verdicts(table, margins=MARGINS, primary=None):
    named = frames.primary(table) if primary is None else primary
    return judged(table, named, margins)


def test_only_primary_comparisons_are_corrected_and_have_a_verdict():
    table = compared((0.1, 0.01), (0.1, 0.02), (0.1, 0.001))
    found = verdicts(table, primary=frames.primary(table.iloc[:2]))
    assert found["primary"].tolist() == [True, True, False]
    assert found["p_holm"].tolist() == pytest.approx([0.02, 0.02, np.nan], nan_ok=True)
    assert found["verdict"].tolist()[:2] == ["better", "better"]
    assert pd.isna(found["verdict"].iloc[2])


def test_all_tasks_and_metrics_are_one_family():
    table = frames.comparisons([("a", "z", *BUSI, 0.1, 0.02), ("a", "z", *DICE, 0.1, 0.03)])
    assert verdicts(table)["p_holm"].tolist() == pytest.approx([0.04, 0.04])


@pytest.mark.parametrize(
    ("metric", "difference", "p", "verdict"),
    [
        ("macro_f1", 0.1, 0.049, "better"),
        ("macro_f1", -0.1, 0.049, "worse"),
        ("hd95", -4.0, 0.01, "better"),
        ("hd95", 4.0, 0.01, "worse"),
        ("macro_f1", 0.1, 0.05, "not shown"),
    ],
)
def test_a_difference_is_shown_by_the_corrected_test_and_in_the_metrics_direction(metric, difference, p, verdict):
    task = "segmentation" if metric == "hd95" else "busi"
    table = frames.comparisons([("a", "z", task, "finetune", metric, difference, p)])
    assert verdicts(table, margins={})["verdict"].tolist() == [verdict]


@pytest.mark.parametrize(
    ("difference", "p", "verdict"),
    [
        (0.0, 1.0, "equal within 3 points"),  # 3 standard errors from either margin
        (0.012, 0.24, "equal within 3 points"),  # t = 1.8
        (0.015, 0.15, "not shown"),  # t = 1.5: p 0.07
        (-0.02, 0.06, "an advantage of more than 3 points is ruled out"),
        (0.011, 0.03, "better, by less than 3 points"),
        (-0.011, 0.03, "worse, by less than 3 points"),
        (-0.05, 0.001, "worse"),
    ],
)
def test_a_margin_allows_equivalence_and_ruling_out(difference, p, verdict):
    assert verdicts(compared((difference, p)))["verdict"].tolist() == [verdict]


def test_equivalence_and_ruling_out_are_families_of_their_own():
    found = verdicts(compared((0.0, 0.9), (-0.01, 0.5)))
    first, second = student.sf(3, 20), student.sf(2, 20)
    assert found["p_equal_holm"].tolist() == pytest.approx([2 * first, second])
    ruled_out = [student.sf(3, 20), student.sf(4, 20)]
    assert found["p_ruled_out_holm"].tolist() == pytest.approx([max(ruled_out[0], 2 * ruled_out[1]), 2 * ruled_out[1]])


def test_without_a_margin_nothing_is_equal():
    found = verdicts(compared((0.0, 1.0)), margins={})
    assert found["verdict"].tolist() == ["not shown"]
    assert found["p_equal_holm"].isna().all()


def test_a_lower_error_by_more_than_the_margin_is_not_ruled_out():
    row = ("a", "z", "segmentation", "finetune", "hd95", -4.0, 0.2)
    table = frames.comparisons([row]).assign(se_trainings=0.6, se_patients=0.8)
    margins = {"segmentation": {"points": 2.0, "reason": "r"}}
    assert verdicts(table, margins)["verdict"].tolist() == ["not shown"]
    worse = verdicts(table.assign(difference=4.0), margins)
    assert worse["verdict"].tolist() == ["an advantage of more than 2 pixels is ruled out"]


def test_one_or_two_trainings_support_no_claim_and_are_no_test_of_the_family():
    table = compared((0.1, 0.03), (0.1, np.nan), (0.1, 0.001))
    table.loc[1, ["trainings", "reason"]] = [1, "one training"]
    table.loc[2, "trainings"] = 2
    found = verdicts(table)
    assert found["verdict"].tolist() == ["better", "no claim", "no claim"]
    assert found["p_holm"].tolist() == pytest.approx([0.03, np.nan, np.nan], nan_ok=True)


def test_a_deterministic_arm_needs_no_trainings():
    table = compared((0.1, 0.01), reference_trainings=1, deterministic="z")
    assert verdicts(table)["verdict"].tolist() == ["better"]
    assert fewest_trainings(table.iloc[0]) == 5
    assert fewest_trainings(table.assign(deterministic="a z", trainings=1).iloc[0]) is None


def test_the_better_arm_of_a_primary_comparison_is_known_by_its_row():
    table = frames.comparisons([("a", "z", *BUSI, 0.1, 0.001), ("b", "z", *BUSI, -0.1, 0.001)])
    assert better_than(verdicts(table)) == {("a", *FRAMES): ["z"], ("z", *FRAMES): ["b"]}
    assert better_than(verdicts(table, primary=[])) == {}


def test_no_comparisons_have_no_verdict():
    empty = verdicts(frames.comparisons([]))
    assert len(empty) == 0
    assert {"primary", "p_holm", "verdict"} <= set(empty.columns)
