import numpy as np
import pandas as pd
import pytest
from legible import assert_legible, assert_same_bytes
from matplotlib.colors import to_hex

from uscl.report.figures.intervals import OF_MODELS, OVER_TRAININGS
from uscl.report.figures.overview import AT_CHANCE, BEST, LABELLED, MEAN, overview
from uscl.report.figures.style import BLUE

ENDS = ["ci_low", "ci_high", "models_ci_low", "models_ci_high"]
ALWAYS = [MEAN, OVER_TRAININGS, OF_MODELS]
ARMS = ["random", "imagenet", "simclr", "uscl", "simclr_ppi", "meta_uscl"]
LONG = [*ARMS, "meta_uscl_resnet50_shuffled_weights_temporal", "simclr_ppi_no_colour_jitter_crop_07"]
TASKS = {"pocus": ("finetune", "linear"), "segmentation": ("finetune",)}


def table(arms=ARMS, tasks=TASKS):
    """The mean grows by 0.05 from arm to arm; the interval is 0.02 to either side, that of these models 0.01."""
    rows = []
    for task, regimes in tasks.items():
        metric = "dice" if task == "segmentation" else "macro_f1"
        for regime in regimes:
            for place, arm in enumerate(arms):
                mean = 0.5 + 0.05 * place
                ends = (mean - 0.02, mean + 0.02, mean - 0.01, mean + 0.01)
                rows.append((arm, task, regime, metric, mean, *ends, None))
    table = pd.DataFrame(rows, columns=["arm", "task", "regime", "metric", "mean", *ENDS, "better_than"])
    return table.assign(pool_labels=False, at_chance=False)


def panel(figure, title):
    return next(axis for axis in figure.axes if axis.get_title() == title)


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_every_cell_is_drawn_at_its_mean_with_its_interval():
    figure = overview(table(), ARMS)
    titles = [axis.get_title() for axis in figure.axes if axis.axison]
    assert titles == ["pocus\nfinetune", "pocus\nlinear", "segmentation\nfinetune"]
    axis = panel(figure, "pocus\nfinetune")
    intervals, of_models, means = axis.lines[::3], axis.lines[1::3], axis.lines[2::3]
    assert len(means) == len(ARMS)
    assert [line.get_xdata()[0] for line in means] == pytest.approx(0.5 + 0.05 * np.arange(6))
    assert [line.get_ydata()[0] for line in means] == list(range(6))
    assert list(intervals[2].get_xdata()) == pytest.approx([0.58, 0.62])
    assert list(of_models[2].get_xdata()) == pytest.approx([0.59, 0.61])
    assert [label.get_text() for label in axis.get_yticklabels()] == ARMS
    assert axis.yaxis_inverted()
    assert panel(figure, "segmentation\nfinetune").get_xlabel() == "Dice"


def test_regimes_of_a_task_share_their_scale_and_tasks_do_not():
    one, other, of_another_task = (axis for axis in overview(table(), ARMS).axes if axis.axison)
    assert one.get_shared_x_axes().joined(one, other)
    assert not one.get_shared_x_axes().joined(one, of_another_task)
    tasks = dict.fromkeys("abcd", ("finetune",))
    axes = overview(table(tasks=tasks), ARMS).axes
    assert [axis.axison for axis in axes] == [True] * 4 + [False] * 2
    assert not axes[0].get_shared_x_axes().joined(axes[0], axes[1])


def test_only_an_arm_that_is_shown_to_be_better_is_filled():
    rows = table(tasks={"pocus": ("finetune",)})
    assert legend(overview(rows, ARMS)) == ALWAYS
    rows.loc[5, "better_than"] = "random"
    figure = overview(rows, ARMS)
    filled = [to_hex(line.get_markerfacecolor()) != "#ffffff" for line in figure.axes[0].lines[2::3]]
    assert filled == [False] * 5 + [True]
    assert legend(figure) == [*ALWAYS, BEST]


def test_a_missing_score_is_called_missing_and_a_missing_interval_is_left_out():
    rows = table(tasks={"pocus": ("finetune",)})
    rows.loc[1, ["mean", *ENDS]] = np.nan
    rows[["ci_low", "ci_high"]] = np.nan  # one training
    rows = rows.drop(index=4)
    figure = overview(rows, ARMS)
    (axis,) = figure.axes
    assert [(text.get_text(), text.get_position()[1]) for text in axis.texts] == [("missing", 1), ("missing", 4)]
    assert [line.get_ydata()[0] for line in axis.lines[2::3]] == [0, 2, 3, 5]
    assert axis.lines[2].get_color() == BLUE
    assert legend(figure) == [MEAN, OF_MODELS]
    assert_legible(figure)


def test_an_arm_that_sees_labels_is_marked():
    figure = overview(table().assign(pool_labels=lambda rows: rows["arm"] == "uscl"), ARMS)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels[3] == "uscl †"
    assert [label for label in labels if "†" in label] == ["uscl †"]
    assert LABELLED in legend(figure)


def test_an_arm_that_has_learned_nothing_is_marked():
    figure = overview(table().assign(at_chance=lambda rows: rows["arm"] == "simclr", pool_labels=True), ARMS)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()][2:4] == ["simclr † ‡", "uscl †"]
    assert AT_CHANCE in legend(figure)


@pytest.mark.parametrize("arms", [ARMS[:2], ARMS, LONG])
@pytest.mark.parametrize("regimes", [("finetune",), ("finetune", "last_block", "linear", "knn")])
def test_all_texts_can_be_read(arms, regimes):
    tasks = {"pocus": regimes, "a_task_with_a_rather_long_name": regimes[:2], "segmentation": regimes[:1]}
    rows = table(arms, tasks).assign(pool_labels=True)
    assert_legible(overview(rows, arms))


def test_equal_figures_are_equal_bytes(tmp_path):
    assert_same_bytes(lambda: overview(table(ARMS[:2]), ARMS[:2]), tmp_path)
