import numpy as np
import pandas as pd
import pytest
from legible import assert_legible, assert_same_bytes

from uscl.report.figures.ranks import TOO_FEW, critical_difference_diagram, joined, rank_figure, score_matrix
from uscl.report.figures.style import arm_styles

ARMS = ["random", "imagenet", "simclr", "uscl", "simclr_ppi", "meta_uscl"]
LONG = [*ARMS, "meta_uscl_resnet50_shuffled_weights_temporal", "simclr_ppi_no_colour_jitter_crop_07"]
RANKS = pd.Series([5.2, 4.6, 3.1, 3.1, 2.6, 1.3], ARMS)


def test_the_diagram_of_scores_ranks_them_and_leaves_out_what_is_missing():
    scores = pd.DataFrame({"a": [0.9, 0.8, 0.3], "b": [0.5, 0.6, np.nan], "c": [np.nan] * 3, "d": [0.1, 0.7, 0.2]})
    figure = rank_figure(scores)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert {"a (1.00)", "b (2.50)", "d (2.50)"} <= set(texts)
    assert "(one per task and regime): 2" in words(figure)
    assert "no average ranks" in words(rank_figure(scores[["c"]]))
    assert "no average ranks" in words(rank_figure(scores[["a"]]))


def lines(figure, width):
    return [line for line in figure.axes[0].lines if line.get_linewidth() == width]


def words(figure):
    return figure.texts[0].get_text()


def test_runs_of_arms_within_the_critical_difference():
    assert joined([1, 2, 3], 0.5) == []
    assert joined([1, 2, 3], 5) == [(0, 2)]
    assert joined([1, 2, 3], 1) == []  # exactly the critical difference apart: not joined
    assert joined([1.3, 2.6, 3.1, 3.1, 4.6, 5.2], 2.1) == [(0, 3), (1, 4), (4, 5)]
    assert joined([2, 2], 0.1) == [(0, 1)]


def test_the_runs_are_those_of_a_slow_twin():
    rng = np.random.default_rng(0)
    for _ in range(50):
        ranks = np.sort(rng.uniform(1, 8, rng.integers(2, 9)))
        critical = rng.uniform(0.2, 5)
        places = range(len(ranks))
        runs = {(i, j) for i in places for j in places if i < j and ranks[j] - ranks[i] < critical}
        longest = {(i, j) for i, j in runs if not any(a <= i and j <= b and (a, b) != (i, j) for a, b in runs)}
        assert joined(ranks.tolist(), critical) == sorted(longest)


def test_every_arm_hangs_from_its_rank_and_bars_join_those_not_separated():
    figure = critical_difference_diagram(RANKS, 2.1, 12, 0.0031)
    hanging = lines(figure, 0.8)
    assert [line.get_xdata()[0] for line in hanging] == [1.3, 2.6, 3.1, 3.1, 4.6, 5.2]
    bars = [list(line.get_xdata()) for line in lines(figure, 3)]
    assert np.array(bars) == pytest.approx(np.array([[1.25, 3.15], [2.55, 4.65], [4.55, 5.25]]))
    labels = [text.get_text() for text in figure.axes[0].texts]
    assert labels[-6:] == [
        "meta_uscl (1.30)",
        "simclr_ppi (2.60)",
        "simclr (3.10)",
        "uscl (3.10)",
        "imagenet (4.60)",
        "random (5.20)",
    ]
    marks = [line.get_marker() for line in figure.axes[0].lines if line.get_marker() not in ("None", "|")]
    assert marks == [arm_styles(ARMS)[label.split()[0]].marker for label in labels[-6:]]


def test_the_tests_and_the_number_of_rankings_are_stated():
    stated = words(critical_difference_diagram(RANKS, 2.1, 12, 0.0031))
    assert "Friedman test p = 0.0031" in stated
    assert "Nemenyi test at 5 %: critical difference 2.10" in stated
    assert "12" in stated.split("\n")[1]
    assert TOO_FEW not in stated
    assert "p = undefined" in words(critical_difference_diagram(RANKS[:2], 1, 4, np.nan))


@pytest.mark.parametrize("critical", [3.91, 4.9, 7.3])
def test_too_few_tasks_are_called_so(critical):
    figure = critical_difference_diagram(RANKS, critical, 3, 0.31)
    assert TOO_FEW in words(figure)
    assert len(lines(figure, 3)) == 1
    # A critical difference longer than the axis has no ruler.
    ruler = "critical difference" in [text.get_text() for text in figure.axes[0].texts]
    assert ruler == (critical <= 5)


def test_arms_without_a_rank_are_left_out_and_the_others_keep_their_style():
    ranks = RANKS.copy()
    ranks["random"] = np.nan
    figure = critical_difference_diagram(ranks, 2.1, 12, 0.01)
    assert len(lines(figure, 0.8)) == 5
    marks = [line.get_marker() for line in figure.axes[0].lines if line.get_marker() not in ("None", "|")]
    assert marks[0] == arm_styles(ARMS)["meta_uscl"].marker
    none = critical_difference_diagram(ranks * np.nan, np.nan, 0, np.nan)
    assert none.axes == []
    assert "no average ranks" in words(none)
    assert_legible(none)


@pytest.mark.parametrize("critical", [0.4, 2.1, 9])
@pytest.mark.parametrize("arms", [ARMS[:2], ARMS, LONG])
def test_all_texts_can_be_read(arms, critical):
    ranks = pd.Series(np.linspace(len(arms), 1, len(arms)), arms)
    assert_legible(critical_difference_diagram(ranks, critical, 12, 1e-9))
    assert_legible(critical_difference_diagram(ranks * 0 + ranks.mean(), critical, 12, 1.0))


def test_scores_are_arranged_by_task_and_regime_and_by_arm():
    rows = [("b", "t", "knn", 0.2), ("a", "t", "knn", 0.1), ("a", "s", "knn", 0.3)]
    scores = score_matrix(pd.DataFrame(rows, columns=["arm", "task", "regime", "mean"]), ["a", "b", "c"])
    assert list(scores.index) == [("t", "knn"), ("s", "knn")]
    assert list(scores.columns) == ["a", "b", "c"]
    assert scores.loc[("t", "knn"), ["a", "b"]].tolist() == [0.1, 0.2]
    assert scores["c"].isna().all()


def test_equal_figures_are_equal_bytes(tmp_path):
    assert_same_bytes(lambda: critical_difference_diagram(RANKS, 2.1, 12, 0.0031), tmp_path)
