import numpy as np
import pandas as pd
import pytest
from legible import assert_legible, assert_same_bytes

from uscl.report.figures.intervals import OF_MODELS, OVER_TRAININGS, one_interval, words
from uscl.report.figures.variance import variance_parts

ARMS = ["imagenet", "simclr", "meta_uscl"]


def table(arms=ARMS, regimes=("finetune", "linear")):
    rows = [
        (arm, task, regime, "dice" if task == "segmentation" else "macro_f1", 0.01 * (place + 1), 0.02)
        for task in ("busi", "segmentation")
        for regime in regimes
        for place, arm in enumerate(arms)
    ]
    return pd.DataFrame(rows, columns=["arm", "task", "regime", "metric", "se_trainings", "se_patients"])


def widths(axis):
    """The lengths of the bars: those of trainings, then those of patients."""
    return [[bar.get_width() for bar in container] for container in axis.containers]


def test_every_arm_has_a_bar_of_each_part_in_points():
    figure = variance_parts(table(), ARMS)
    axis = figure.axes[0]
    assert axis.get_title() == "busi\nfinetune"
    assert widths(axis) == [pytest.approx([1, 2, 3]), pytest.approx([2, 2, 2])]
    assert [label.get_text() for label in axis.get_yticklabels()] == ARMS
    assert axis.get_xlabel() == "standard error of\nmacro-F1 (points)"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["trainings (luck)", "patients"]


def test_an_arm_without_a_standard_error_is_called_unknown():
    rows = table(regimes=("finetune",))
    rows.loc[rows["arm"] == "simclr", ["se_trainings", "se_patients"]] = np.nan
    axis = variance_parts(rows[rows["arm"] != "meta_uscl"], ARMS).axes[0]
    assert [(text.get_text(), text.get_position()[1]) for text in axis.texts] == [("unknown", 1), ("unknown", 2)]


@pytest.mark.parametrize("arms", [ARMS, ["a_very_long_name_of_an_arm_without_jitter", *ARMS * 3]])
def test_all_texts_can_be_read(arms):
    arms = [f"{arm}{place}" for place, arm in enumerate(arms)]
    assert_legible(variance_parts(table(arms), arms))


def test_equal_figures_are_equal_bytes(tmp_path):
    assert_same_bytes(lambda: variance_parts(table(), ARMS), tmp_path)


def test_a_figure_with_one_interval_shows_that_of_these_models_only_if_there_is_no_other():
    rows = pd.DataFrame({"ci_low": [np.nan, 0.1], "ci_high": 0.3, "models_ci_low": 0.2, "models_ci_high": 0.25})
    assert one_interval(rows).equals(rows)
    assert words(rows) == OVER_TRAININGS
    once = rows.assign(ci_low=np.nan, ci_high=np.nan)
    assert one_interval(once)[["ci_low", "ci_high"]].to_numpy().tolist() == [[0.2, 0.25]] * 2
    assert words(once) == OF_MODELS
