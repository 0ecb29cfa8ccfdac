import numpy as np
import pandas as pd
import pytest
from legible import assert_legible, assert_same_bytes
from study_frames import comparisons

from uscl.report.figures.differences import DIFFERENCE, MARGIN, OF_METHODS, OF_MODELS, differences
from uscl.report.figures.style import arm_styles
from uscl.report.tables.claims import claims

ARMS = ["imagenet", "untrained", "simclr", "meta_uscl"]
MARGINS = {"busi": {"points": 10, "reason": "r"}}


def given(arms=ARMS, tasks=("pocus", "busi"), margins=MARGINS):
    """Each arm is 5 points below the one before it; the interval is 2 points to either side."""
    rows = [
        (arm, ARMS[0], task, "linear", "macro_f1", -0.05 * (place + 1), 0.01)
        for task in tasks
        for place, arm in enumerate(arms[1:])
    ]
    rows += [("meta_uscl", "simclr", task, "linear", "macro_f1", 0.4, 0.01) for task in tasks]
    rows += [("simclr", ARMS[0], task, "linear", "accuracy", 0.3, 0.01) for task in tasks]
    return claims(comparisons(rows), margins=margins)


def names(axis):
    return [label.get_text() for label in axis.get_yticklabels()]


def test_every_arm_is_drawn_at_its_difference_to_the_reference_with_both_intervals():
    figure = differences(given(), "imagenet", ARMS)
    assert [axis.get_title() for axis in figure.axes] == ["pocus, linear", "busi, linear"]
    axis = figure.axes[0]
    assert names(axis) == ARMS[1:]  # the best on top; the reference is the line at zero
    zero, *lines = axis.lines
    assert list(zero.get_xdata()) == [0, 0]
    assert [line.get_xdata()[0] for line in lines[2::3]] == pytest.approx([-5, -10, -15])
    assert list(lines[0].get_xdata()) == pytest.approx([-7, -3])
    assert list(lines[1].get_xdata()) == pytest.approx([-7, -3])
    assert lines[2].get_color() == arm_styles(ARMS)["untrained"].colour
    assert axis.get_xlabel().replace("\n", "") == "macro-F1 minus that of imagenet (points)"
    assert axis.get_xlim() == figure.axes[1].get_xlim()


def test_the_margin_of_a_task_is_a_band():
    figure = differences(given(), "imagenet", ARMS)
    assert [len(axis.patches) for axis in figure.axes] == [0, 1]
    (band,) = figure.axes[1].patches
    assert (band.get_x(), band.get_width()) == pytest.approx((-10, 20))
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == [DIFFERENCE, OF_METHODS, OF_MODELS, MARGIN]


def test_an_arm_without_a_difference_is_called_missing():
    rows = given(tasks=("pocus",))
    rows.loc[rows["arm"] == "untrained", "difference"] = np.nan
    (axis,) = differences(rows, "imagenet", ARMS).axes
    assert names(axis) == ["simclr", "meta_uscl", "untrained"]
    assert [text.get_text() for text in axis.texts] == ["missing"]


def test_without_any_comparison_the_figure_says_so():
    figure = differences(given(), "another", ARMS)
    assert figure.axes == []
    assert [text.get_text() for text in figure.texts] == ["no arm could be compared with another"]


@pytest.mark.parametrize("arms", [ARMS[:2], ARMS, [ARMS[0], *(f"meta_uscl_variant_{k}_long_name" for k in range(40))]])
def test_all_texts_can_be_read(arms):
    assert_legible(differences(given(arms, ("pocus", "a_task_with_a_rather_long_name", "busi")), "imagenet", arms))


def test_equal_figures_are_equal_bytes(tmp_path):
    assert_same_bytes(lambda: differences(given(), "imagenet", ARMS), tmp_path)


def test_the_frame_of_claims_is_left_as_it_is():
    rows = given()
    before = rows.copy()
    differences(rows, "imagenet", ARMS)
    pd.testing.assert_frame_equal(rows, before)
