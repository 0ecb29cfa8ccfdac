import numpy as np
import pandas as pd
import pytest
from legible import assert_legible

from uscl.report.map import POINTS, flat_map, nearest_of, representation_map, same, whole_groups
from uscl.report.style import plt


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def clouds(n=40, dim=8, seed=0):
    rng = np.random.default_rng(seed)
    label = np.arange(n) % 2
    x = rng.normal(size=(n, dim))
    x[:, 0] += 30 * label
    x[:, 1] += 30 * (1 - label)
    cases = pd.DataFrame({"group": [f"p{i // 4}" for i in range(n)], "label": np.array(["a", "b"])[label]})
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
    assert len(figure.axes) == 12
    assert_legible(figure)
