import numpy as np
import pandas as pd
import pytest
from legible import assert_legible, assert_same_bytes
from matplotlib.colors import to_hex

from uscl.report.figures.intervals import OF_MODELS, OVER_TRAININGS
from uscl.report.figures.overview import AT_CHANCE, BETTER, LABELLED, MEAN, WORSE, overview
from uscl.report.figures.style import BLUE

ENDS = ["ci_low", "ci_high", "models_ci_low", "models_ci_high"]
ALWAYS = [MEAN, OVER_TRAININGS, OF_MODELS]
ARMS = ["random", "imagenet", "simclr", "uscl", "simclr_ppi", "meta_uscl"]
LONG = [*ARMS, "meta_uscl_resnet50_shuffled_weights_temporal", "simclr_ppi_no_colour_jitter_crop_07"]
TASKS = {"pocus": ("finetune", "linear"), "segmentation": ("finetune",)}
ONE = {"pocus": ("finetune",)}


def table(arms=ARMS, tasks=TASKS):
    """The mean grows by 0.05 from arm to arm; the interval is 0.02 to either side, that of these models 0.01."""
    rows = []
    for task, regimes in tasks.items():
        metric = "dice" if task == "segmentation" else "macro_f1"
        for regime in regimes:
            for place, arm in enumerate(arms):
                mean = 0.3 + 0.05 * place
                ends = (mean - 0.02, mean + 0.02, mean - 0.01, mean + 0.01)
                rows.append((arm, task, regime, metric, mean, *ends, None))
    table = pd.DataFrame(rows, columns=["arm", "task", "regime", "metric", "mean", *ENDS, "better_than"])
    return table.assign(pool_labels=False, at_chance=False)


def panel(figure, title):
    return next(axis for axis in figure.axes if axis.get_title() == title)


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def names(axis):
    return [label.get_text() for label in axis.get_yticklabels()]


def test_every_cell_is_drawn_at_its_mean_with_its_interval_in_percent_and_the_best_on_top():
    figure = overview(table(), ARMS)
    titles = [axis.get_title() for axis in figure.axes if axis.axison]
    assert titles == ["pocus, finetune", "pocus, linear", "segmentation, finetune"]
    axis = panel(figure, "pocus, finetune")
    intervals, of_models, means = axis.lines[::3], axis.lines[1::3], axis.lines[2::3]
    assert [line.get_xdata()[0] for line in means] == pytest.approx(55 - 5 * np.arange(6))
    assert [line.get_ydata()[0] for line in means] == list(range(6))
    assert list(intervals[3].get_xdata()) == pytest.approx([38, 42])
    assert list(of_models[3].get_xdata()) == pytest.approx([39, 41])
    assert names(axis) == ARMS[::-1]
    assert axis.yaxis_inverted()
    assert axis.get_xlabel() == "macro-F1 (%)"
    assert panel(figure, "segmentation, finetune").get_xlabel() == "frame-size Dice (%)"


def test_all_panels_of_a_metric_have_one_scale():
    rows = table()
    rows.loc[rows["regime"] == "linear", ["mean", *ENDS]] += 0.2
    figure = overview(rows, ARMS)
    one, other = (panel(figure, f"pocus, {regime}").get_xlim() for regime in ("finetune", "linear"))
    assert one == other
    assert one != panel(figure, "segmentation, finetune").get_xlim()
    assert one[0] < 28 < 77 < one[1]


def test_arms_that_are_shown_to_be_better_or_worse_are_marked():
    rows = table(tasks=TASKS)
    assert legend(overview(rows, ARMS)) == ALWAYS
    rows.loc[5, "better_than"] = "random uscl"
    figure = overview(rows, ARMS)
    filled = [to_hex(line.get_markerfacecolor()) != "#ffffff" for line in figure.axes[0].lines[2::3]]
    assert filled == [True] + [False] * 5
    assert names(figure.axes[0]) == ["meta_uscl ▲", "simclr_ppi", "uscl ▼", "simclr", "imagenet", "random ▼"]
    assert names(figure.axes[1]) == ARMS[::-1]  # nothing is shown in another regime
    assert legend(figure) == [*ALWAYS, BETTER, WORSE]


def test_a_missing_score_is_called_missing_and_a_missing_interval_is_left_out():
    rows = table(tasks=ONE)
    rows.loc[1, ["mean", *ENDS]] = np.nan
    rows[["ci_low", "ci_high"]] = np.nan  # one training
    rows = rows.drop(index=4)
    figure = overview(rows, ARMS)
    (axis,) = figure.axes
    assert names(axis) == ["meta_uscl", "uscl", "simclr", "random", "imagenet", "simclr_ppi"]
    assert [(text.get_text(), text.get_position()[1]) for text in axis.texts] == [("missing", 4), ("missing", 5)]
    assert [line.get_ydata()[0] for line in axis.lines[2::3]] == [0, 1, 2, 3]
    assert axis.lines[-1].get_color() == BLUE  # the colour of the first arm of the study
    assert legend(figure) == [MEAN, OF_MODELS]
    assert_legible(figure)


def test_an_arm_that_sees_labels_is_marked():
    figure = overview(table().assign(pool_labels=lambda rows: rows["arm"] == "uscl"), ARMS)
    assert [label for label in names(figure.axes[0]) if "†" in label] == ["uscl †"]
    assert LABELLED in legend(figure)


def test_an_arm_that_has_learned_nothing_is_marked():
    figure = overview(table().assign(at_chance=lambda rows: rows["arm"] == "simclr", pool_labels=True), ARMS)
    assert names(figure.axes[0])[2:4] == ["uscl †", "simclr † ‡"]
    assert AT_CHANCE in legend(figure)


@pytest.mark.parametrize("arms", [ARMS[:2], ARMS, LONG])
@pytest.mark.parametrize("regimes", [("finetune",), ("finetune", "last_block", "linear", "knn")])
def test_all_texts_can_be_read(arms, regimes):
    tasks = {"pocus": regimes, "a_task_with_a_rather_long_name": regimes[:2], "segmentation": regimes[:1]}
    rows = table(arms, tasks).assign(pool_labels=True)
    rows.loc[1, "better_than"] = arms[0]
    assert_legible(overview(rows, arms))


def test_equal_figures_are_equal_bytes(tmp_path):
    assert_same_bytes(lambda: overview(table(ARMS[:2]), ARMS[:2]), tmp_path)
