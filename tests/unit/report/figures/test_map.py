import numpy as np
import pandas as pd
import pytest
from legible import assert_legible, assert_same_bytes

from uscl.report.figures.map import POINTS, flat_map, hues, nearest_of, representation_map, same, whole_groups


def clouds(n=40, dim=8, seed=0):
    rng = np.random.default_rng(seed)
    label = np.arange(n) % 2
    x = rng.normal(size=(n, dim))
    x[:, 0] += 30 * label
    x[:, 1] += 30 * (1 - label)
    cases = pd.DataFrame({"group": [f"p{i // 4}" for i in range(n)], "label": np.array(["a", "b"])[label]}).assign(
        unit="patient"
    )
    return x.astype(np.float32), cases


@pytest.mark.parametrize("n", [8, 40])
def test_the_map_repeats_and_keeps_clouds_apart(n):
    x, cases = clouds(n)
    found = flat_map(x)
    assert found.shape == (n, 2)
    assert np.array_equal(found, flat_map(x))
    first, second = (found[(cases["label"] == name).to_numpy()].mean(axis=0) for name in "ab")
    assert np.linalg.norm(first - second) > found.std()


def test_nearest_neighbours_are_others():
    x, cases = clouds()
    nearest = nearest_of(np.concatenate([x, x[:1]]))  # a twin at distance 0
    assert (nearest != np.arange(len(nearest))).all()
    assert nearest[0] == len(x)
    assert same(cases["label"], nearest_of(x)) == "100 %"


def test_whole_groups_are_shown_up_to_the_limit():
    groups = pd.Series(np.repeat(np.arange(50), 40))
    rows = whole_groups(groups)
    assert len(rows) <= POINTS
    assert set(groups[rows].value_counts()) == {40}
    assert len(whole_groups(pd.Series(["one"] * 1000))) == 1000


def test_every_arm_has_two_panels_and_its_figures():
    x, cases = clouds()
    arms = ["random", "imagenet", "simclr", "uscl", "simclr_ppi", "meta_uscl"]
    figure = representation_map(dict.fromkeys(arms, x), cases)
    assert figure.axes[0].get_title() == "random\nclass: 100 %"
    assert [axis.get_title().split(":")[0] for axis in figure.axes[6:]] == ["patient"] * 6
    assert [axis.get_ylabel() for axis in figure.axes[::6]] == ["by class", "by patient"]
    assert len(figure.axes) == 12
    assert_legible(figure)


def test_groups_of_one_case_each_have_no_panel_of_their_own():
    x, cases = clouds()
    cases = cases.assign(group=[f"image{k}" for k in range(len(cases))], unit="image")
    figure = representation_map({"random": x, "simclr": x}, cases)
    assert [axis.get_title() for axis in figure.axes] == ["random\nclass: 100 %", "simclr\nclass: 100 %"]
    assert "image" not in figure.get_suptitle()
    assert_legible(figure)


def test_eight_arms_of_long_names_stay_legible():
    x, cases = clouds()
    arms = ["random", "imagenet", *(f"meta_uscl_variant_{k}" for k in range(6))]
    assert_legible(representation_map(dict.fromkeys(arms, x), cases))


@pytest.mark.parametrize("n", [8, 40])
def test_the_figure_names_its_method_and_is_the_same_every_time(n, tmp_path):
    x, cases = clouds(n)
    title = representation_map({"random": x, "simclr": -x}, cases).get_suptitle()
    assert title.startswith("t-SNE" if n == 40 else "principal components")
    assert_same_bytes(lambda: representation_map({"random": x, "simclr": -x}, cases), tmp_path)


def test_cases_of_a_group_share_a_hue_and_groups_that_follow_each_other_differ():
    found = hues(pd.Series(np.repeat([f"p{k}" for k in range(30)], 3))).reshape(30, 3)
    assert (found == found[:, :1]).all()
    assert ((found >= 0) & (found < 1)).all()
    apart = np.abs(np.diff(found[:, 0]))
    assert np.minimum(apart, 1 - apart).min() > 0.3
