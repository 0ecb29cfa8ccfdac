import numpy as np
import pandas as pd
import pytest
from legible import assert_legible, assert_same_bytes

from uscl.report.figures.ranks import TOO_FEW, rank_figure, score_matrix
from uscl.report.figures.style import arm_styles
from uscl.stats.ranks import critical_difference
from uscl.study.figures import RANKINGS

ARMS = ["random", "imagenet", "simclr", "uscl", "simclr_ppi", "meta_uscl"]
LONG = [*ARMS, "meta_uscl_resnet50_shuffled_weights_temporal", "simclr_ppi_no_colour_jitter_crop_07"]


def scores(arms=ARMS, tasks=8, noise=0.0):
    """On every task each arm is better than the one before it, up to noise."""
    rng = np.random.default_rng(0)
    means = np.arange(len(arms)) + noise * rng.normal(size=(tasks, len(arms)))
    return pd.DataFrame(means, columns=arms)


def names(figure):
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


def lines(figure, width):
    return [line for line in figure.axes[0].lines if line.get_linewidth() == width]


def test_the_best_arm_is_on_top_and_half_the_critical_difference_lies_to_either_side():
    figure = rank_figure(scores())
    assert names(figure) == ARMS[::-1]
    marks = [line for line in figure.axes[0].lines if line.get_marker() not in ("None", "")]
    assert [line.get_xdata()[0] for line in marks] == [1, 2, 3, 4, 5, 6]
    assert [line.get_marker() for line in marks] == [arm_styles(ARMS)[arm].marker for arm in ARMS[::-1]]
    critical = critical_difference(6, 8)
    intervals = [list(line.get_xdata()) for line in lines(figure, 2)]
    assert intervals[2] == pytest.approx([3 - critical / 2, 3 + critical / 2])
    assert intervals[0] == pytest.approx([1, 1 + critical / 2])  # no rank is better than 1
    assert f"critical difference (Nemenyi, 5 %) {critical:.2f}" in figure.get_suptitle()
    assert figure.get_suptitle().startswith("8 rankings")


def test_there_are_no_ranks_of_fewer_than_six_tasks():
    assert TOO_FEW not in rank_figure(scores(tasks=RANKINGS)).get_suptitle()
    few = rank_figure(scores(tasks=RANKINGS - 1))
    assert few.axes == []
    assert [text.get_text() for text in few.texts] == [TOO_FEW]
    assert_legible(few)
    assert rank_figure(scores(ARMS[:1])).axes == []


def test_arms_without_a_score_and_tasks_that_lack_one_are_left_out():
    given = scores(tasks=7).assign(random=np.nan)
    given.loc[0, "uscl"] = np.nan
    figure = rank_figure(given)
    assert names(figure) == ARMS[:0:-1]
    assert figure.get_suptitle().startswith("6 rankings")
    marks = [line.get_marker() for line in figure.axes[0].lines if line.get_marker() not in ("None", "")]
    assert marks[0] == arm_styles(ARMS)["meta_uscl"].marker


def test_arms_that_the_test_does_not_separate_are_called_so():
    assert "all intervals overlap" in rank_figure(scores(noise=50.0)).get_suptitle()


@pytest.mark.parametrize("arms", [ARMS[:2], ARMS, LONG, [f"meta_uscl_variant_{k}" for k in range(40)]])
def test_all_texts_can_be_read(arms):
    assert_legible(rank_figure(scores(arms)))
    assert_legible(rank_figure(scores(arms, noise=5.0)))


def test_scores_are_arranged_by_task_and_regime_and_by_arm():
    rows = [("b", "t", "knn", 0.2), ("a", "t", "knn", 0.1), ("a", "s", "knn", 0.3)]
    found = score_matrix(pd.DataFrame(rows, columns=["arm", "task", "regime", "mean"]), ["a", "b", "c"])
    assert list(found.index) == [("t", "knn"), ("s", "knn")]
    assert list(found.columns) == ["a", "b", "c"]
    assert found.loc[("t", "knn"), ["a", "b"]].tolist() == [0.1, 0.2]
    assert found["c"].isna().all()


def test_equal_figures_are_equal_bytes(tmp_path):
    assert_same_bytes(lambda: rank_figure(scores()), tmp_path)
