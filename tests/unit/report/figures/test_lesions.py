import numpy as np
import pandas as pd
import pytest
from legible import assert_legible, assert_same_bytes

from uscl.data.picture_box import Box
from uscl.report.figures.lesions import overlays_of_arms, ranked
from uscl.report.figures.style import plt

WHOLE = Box(0, 0, 16, 16)


def test_best_median_and_worst_are_each_shown_once():
    assert ranked(np.array([0.2, 0.9, 0.5, 0.1])) == [1, 0, 3]
    assert ranked(np.array([0.2, 0.9])) == [1, 0]
    assert ranked(np.array([0.4])) == [0]


def test_all_arms_are_shown_on_the_same_images():
    true = np.zeros((3, 16, 16), bool)
    true[:, 4:9, 4:9] = True
    predicted = {"random": {"": np.zeros_like(true)}, "meta_uscl": {"": true}}
    cases = pd.DataFrame({"case": ["u", "v", "w"], "random": [0.0, 0.2, 0.1], "meta_uscl": [1.0, 0.9, 0.1]})
    figure = overlays_of_arms(cases, predicted, {"": true}, np.full((3, 16, 16), 90, np.uint8), [WHOLE] * 3, seed=0)
    labels = [[axis.get_xlabel() for axis in figure.axes[k : k + 2]] for k in (0, 2, 4)]
    assert labels == [["Dice 0.20", "Dice 0.90"], ["Dice 0.00", "Dice 1.00"], ["Dice 0.10", "Dice 0.10"]]
    assert [axis.get_ylabel() for axis in figure.axes[::2]] == ["best\nv", "median\nu", "worst\nw"]
    # An empty prediction has no outline.
    assert [len(axis.collections) for axis in figure.axes[:2]] == [1, 2]
    assert_legible(figure)
    plt.close(figure)


def test_only_the_picture_is_shown_and_borders_are_no_part_of_it():
    true, frames = np.zeros((1, 16, 16), bool), np.zeros((1, 16, 16), np.uint8)
    true[:, 6:10, 5:9] = True
    frames[:, 4:12] = 90
    cases = pd.DataFrame({"case": ["u"], "uscl": [1.0]})
    figure = overlays_of_arms(cases, {"uscl": {"": true}}, {"": true}, frames, [Box(4, 0, 8, 16)], seed=0)
    (picture,) = figure.axes[0].images
    assert picture.get_array().shape == (8, 16)
    assert (picture.get_array() == 90).all()
    assert "black borders" in figure.get_suptitle()


def all_right(arms, images):
    """The figure of arms that find every lesion."""
    true = np.zeros((images, 16, 16), bool)
    true[:, 4:9, 4:9] = True
    cases = pd.DataFrame({"case": ["malignant (107)"] * images, **dict.fromkeys(arms, [1.0] * images)})
    frames = np.full((images, 16, 16), 90, np.uint8)
    return overlays_of_arms(cases, {arm: {"": true} for arm in arms}, {"": true}, frames, [WHOLE] * images, seed=0)


@pytest.mark.parametrize("images", [1, 3])
def test_eight_arms_of_long_names_stay_legible(images):
    assert_legible(all_right(["random", "imagenet", *(f"meta_uscl_variant_{k}" for k in range(6))], images))


def test_equal_figures_are_equal_bytes(tmp_path):
    assert_same_bytes(lambda: all_right(["random", "meta_uscl"], images=2), tmp_path)


def test_several_structures_have_a_colour_each_and_a_legend():
    true = {name: np.zeros((1, 16, 16), bool) for name in ("nerve", "vessel")}
    true["nerve"][:, 2:6, 2:6], true["vessel"][:, 9:14, 9:14] = True, True
    cases = pd.DataFrame({"case": ["u"], "uscl": [1.0]})
    figure = overlays_of_arms(cases, {"uscl": true}, true, np.full((1, 16, 16), 90, np.uint8), [WHOLE], seed=0)
    colours = [tuple(lines.get_edgecolor()[0]) for lines in figure.axes[0].collections]
    assert colours[0] == colours[1] != colours[2] == colours[3]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["nerve", "vessel"]
    assert_legible(figure)
    plt.close(figure)
