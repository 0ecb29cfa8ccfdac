import pandas as pd
import study_frames as frames

from uscl.report.page.grids import columns, details, dialog_of, marks, scores, used
from uscl.report.tables.claims import claims
from uscl.report.tables.result_table import result_table

MEANS = {
    ("busi", "knn", "macro_f1"): {"random": 0.4, "imagenet": 0.7, "uscl": 0.6, "meta_uscl": 0.65},
    ("busi", "knn", "ece"): {"random": 0.1, "imagenet": 0.2, "uscl": 0.3, "meta_uscl": 0.25},
    ("busi", "knn", "f1_benign"): {"random": 0.1, "imagenet": 0.2, "uscl": 0.3, "meta_uscl": 0.25},
}


def study(p=0.001, margin=None):
    """A study of one task whose primary comparisons are those on macro-F1."""
    intervals, comparisons = frames.study(MEANS, p)
    named = [each for each in frames.primary(comparisons) if each["metric"] == "macro_f1"]
    margins = {"busi": {"points": margin, "reason": "r"}} if margin else {}
    claimed = claims(comparisons, named, margins)
    table = result_table(
        intervals,
        comparisons,
        claimed,
        frames.costs(intervals),
        frames.provenance(intervals),
        arms=frames.ARMS,
        labelled=["uscl"],
        reference="imagenet",
        missing=[(None, "busi", "linear", "not among tasks.busi.regimes")],
        remarks={"uscl": ["a remark"]},
    )
    return table, claimed


def words(found, arm, metric="macro_f1"):
    return [(mark.symbol, mark.words) for mark in found.get((arm, "busi", "knn", "frame", metric), [])]


def test_a_difference_marks_both_arms():
    found = marks(study()[1])
    assert words(found, "uscl") == [("▼", "worse than imagenet")]
    assert ("▲", "better than uscl") in words(found, "imagenet")
    assert len(words(found, "imagenet")) == 3
    assert words(found, "uscl", "ece") == []  # secondary


def test_other_verdicts_mark_the_arm_alone():
    found = marks(study(p=0.4)[1])
    assert words(found, "uscl") == [("○", "no difference to imagenet is shown")]
    assert words(found, "imagenet") == []
    equal = marks(study(p=0.4, margin=90)[1])
    assert words(equal, "uscl") == [("≈", "equal to imagenet within 90 points")]
    ruled_out = marks(study(p=0.4, margin=2)[1])
    assert words(ruled_out, "uscl") == [("⊘", "an advantage over imagenet of more than 2 points is ruled out")]
    one = study(p=0.4)[1].assign(verdict="no claim")
    assert words(marks(one), "uscl") == [("?", "no claim against imagenet is possible")]


def test_the_table_has_a_column_per_task_regime_and_primary_metric():
    table, claimed = study()
    assert [column[:4] for column in columns(table, claimed)] == [("busi", "knn", "frame", "macro_f1")]
    named = claimed.assign(metric=claimed["metric"].where(~claimed["primary"], "ece"))
    assert [column.metric for column in columns(table, named)] == ["macro_f1", "ece"]
    assert columns(table, claimed)[0].size == "120 cases of 30 patients"


def test_the_scores_are_those_of_the_table():
    lines = {arm: (remarks, line) for arm, remarks, line in scores(*study())}
    assert list(lines) == frames.ARMS
    remarks, (score,) = lines["uscl"]
    assert remarks == "a remark"
    assert (score.text, score.interval, score.better) == ("60.0 ± 2.0", "[55.0, 65.0]", False)
    assert score.opens == dialog_of("uscl", "busi", "knn")
    assert lines["imagenet"][1][0].better
    assert not any(line[0].better for _, _, line in scores(*study(p=0.4)))  # the best mean alone is not bold
    assert used(scores(*study())) == {"▲": "shown to be better", "▼": "shown to be worse"}


def test_an_arm_without_a_score_has_none():
    table, claimed = study()
    table.loc[(table["arm"] == "uscl") & (table["metric"] == "macro_f1"), "mean"] = float("nan")
    assert {arm: line for arm, _, line in scores(table, claimed)}["uscl"] == [None]


def test_the_details_have_every_row_with_numbers_to_sort_by():
    table, claimed = study()
    rows = details(table, claimed)
    assert len(rows) == 4 * 3
    row = next(row for row in rows if row["arm"] == "uscl" and row["metric"] == "macro-F1")
    assert [value.text for value in row["values"]] == ["60.0", "2.0", "55.0", "65.0", "3", "-10.0", "0.001"]
    assert [float(value.number) for value in row["values"]] == [0.6, 0.02, 0.55, 0.65, 3, -0.1, 0.001]
    assert [mark.words for mark in row["marks"]] == ["worse than imagenet"]
    assert {row["metric"]: row["main"] for row in rows} == {"macro-F1": True, "ECE": True, "F1 of benign": False}
    best = next(row for row in rows if row["arm"] == "imagenet")
    assert best["values"][5:] == [("", ""), ("", "")]  # the reference has no difference to itself


def test_the_frames_are_left_as_they_are():
    table, claimed = study()
    before = table.copy(), claimed.copy()
    scores(table, claimed), details(table, claimed)
    pd.testing.assert_frame_equal(table, before[0])
    pd.testing.assert_frame_equal(claimed, before[1])
