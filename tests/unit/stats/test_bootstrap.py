import numpy as np
import pandas as pd
import pytest
from rescored import mean_scores, random_cases, random_images, resampled

from uscl.base.seeds import generator
from uscl.metrics.registry import names
from uscl.stats.bootstrap import bootstrap_means, drawn, interval
from uscl.stats.panel import to_panel
from uscl.stats.panel_scores import training_scores
from uscl.stats.simulated import simulated_cases


def images(dice, group, fold=0):
    table = pd.DataFrame({"dice": dice, "group": group, "fold": fold, "arm": "a", "seed": 0, "label": "lesion"})
    return table.assign(case=[f"c{i}" for i in range(len(table))], iou=table["dice"], hd95=0.0)


def test_two_groups_have_three_samples_of_known_probability():
    panel = to_panel(images([0.2, 0.6, 0.6, 0.6], ["a", "b", "b", "b"]), "segmentation")
    dice = bootstrap_means(panel, 8000, 0)[0, 0].round(9)
    values, times = np.unique(dice, return_counts=True)
    assert values.tolist() == [0.2, 0.5, 0.6]
    assert times / 8000 == pytest.approx([0.25, 0.5, 0.25], abs=0.02)


def test_groups_are_drawn_within_classes():
    weights = drawn(np.array([0, 1, 0, 1, 1]), 500, generator(0, "classes"))
    assert set(weights[:, [0, 2]].sum(axis=1)) == {2}
    assert set(weights[:, [1, 3, 4]].sum(axis=1)) == {3}


def test_one_group_never_varies_and_has_no_interval():
    panel = to_panel(images([0.1, 0.3], ["a", "a"]), "segmentation")
    dice = bootstrap_means(panel, 50, 0)[0, 0]
    assert set(dice.round(9)) == {0.2}
    assert np.isnan(interval(dice, 0.2)).all()


@pytest.mark.parametrize(("kind", "make"), [("classification", random_cases), ("segmentation", random_images)])
def test_means_over_trainings_are_those_of_the_resampled_cases(kind, make):
    cases = make(generator(3, "bootstrap"), groups=6, partitions=True)
    panel = to_panel(cases, kind)
    found = bootstrap_means(panel, 3, 7)
    weights = drawn(panel.strata, 3, generator(7, "bootstrap", 0))
    for d in range(3):
        times = dict(zip(panel.groups, weights[d].astype(int), strict=True))
        for a, arm in enumerate("ab"):
            slow = mean_scores(resampled(cases[cases["arm"] == arm], times), kind)
            assert found[:, a, d] == pytest.approx(slow, abs=1e-12, nan_ok=True)


def test_every_draw_has_as_many_groups_as_there_are():
    weights = drawn(np.zeros(7, dtype=int), 2000, generator(0, "drawn"))
    assert (weights.sum(axis=1) == 7).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(7), abs=0.1)
    assert weights.var() == pytest.approx(6 / 7, abs=0.05)


def test_arms_share_their_draws():
    cases = random_cases(generator(0, "shared"), arms=["a", "b"])
    same = pd.concat([cases[cases["arm"] == "a"].assign(arm=arm) for arm in "ab"])
    found = bootstrap_means(to_panel(same, "classification"), 20, 0)
    np.testing.assert_array_equal(found[:, 0], found[:, 1])


def test_the_interval_is_that_of_the_defined_draws_about_the_estimate():
    draws = np.array([*range(101), np.nan])
    assert interval(draws, 50) == pytest.approx((2.5, 97.5))
    assert interval(draws, 40) == pytest.approx((-7.5, 87.5))
    assert np.isnan(interval(np.full(3, np.nan), 0.5)).all()


def test_the_interval_of_a_metric_that_draws_inflate_still_holds_it():
    cases = simulated_cases(generator(0, "ece"), {"a": 1.0}, groups=60, cases=1, folds=5, seeds=2)
    panel = to_panel(cases, "classification")
    ece = names("classification", panel.classes).index("ece")
    estimate, drawn_means = training_scores(panel)[ece, 0].mean(), bootstrap_means(panel, 500, 0)[ece, 0]
    assert drawn_means.mean() > estimate + 0.02
    low, high = interval(drawn_means, estimate)
    assert low < estimate < high
