from itertools import chain, combinations

import numpy as np
import pytest
from rescored import mean_scores, random_cases, random_images, swapped
from scipy.stats import chi2

from uscl.base.seeds import generator
from uscl.metrics.registry import names
from uscl.stats.panel import to_panel
from uscl.stats.panel_scores import scorer
from uscl.stats.tests import (
    corrected_resampled_t,
    mcnemar,
    permuted_trainings,
    ratio_tested,
    stacked,
    swap_test,
    swapped_differences,
)

KINDS = {"classification": random_cases, "segmentation": random_images}


def difference(cases, kind, groups=()):
    cases = swapped(cases, "a", "b", groups)
    return np.subtract(*(mean_scores(cases[cases["arm"] == arm], kind) for arm in "ab"))


@pytest.mark.parametrize("partitions", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_every_metric_after_a_swap_is_that_of_the_swapped_predictions(kind, partitions):
    random = generator(1, "swaps")
    cases = KINDS[kind](random, ("c", "a", "b"), groups=10, partitions=partitions)
    panel = to_panel(cases, kind)
    coins = random.integers(2, size=(4, panel.cases.groups)).astype(float)
    found = swapped_differences(scorer(stacked(panel, 1, 2)), coins)
    for d in range(4):
        groups = [group for group, coin in zip(panel.groups, coins[d], strict=True) if coin]
        assert found[:, d] == pytest.approx(difference(cases, kind, groups), abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_p_is_that_of_all_swaps_of_a_few_groups(kind):
    cases = KINDS[kind](generator(5, "exact"), groups=5, folds=1, seeds=1)
    all_groups = sorted(cases["group"].unique())
    # The first group stays: swapping all groups only changes the sign of the difference.
    subsets = chain.from_iterable(combinations(all_groups[1:], size) for size in range(5))
    every = np.abs([difference(cases, kind, groups) for groups in subsets])
    exact = (every >= every[0] - 1e-10).mean(axis=0)
    found = swap_test(to_panel(cases, kind), 0, 1, 4000, 0)
    assert len(every) == 16
    assert found == pytest.approx(exact, abs=4 * 0.5 / 4000**0.5)
    assert len(set(exact)) > 3


def test_equal_arms_have_p_1_and_arms_change_places_without_changing_p():
    cases = random_cases(generator(0, "equal"), ("a", "b"))
    panel = to_panel(cases, "classification")
    assert (swap_test(panel, 0, 0, 50, 0) == 1).all()
    assert permuted_trainings(np.array([0.5, 0.6]), np.array([0.6, 0.5])) == 1
    assert swap_test(panel, 0, 1, 50, 0).tolist() == swap_test(panel, 1, 0, 50, 0).tolist()


def test_p_is_never_0():
    cases = random_images(generator(0, "never"), groups=40, folds=1, seeds=1)
    better = cases["arm"] == "a"
    panel = to_panel(cases.assign(dice=np.where(better, 0.9, 0.1)), "segmentation")
    assert swap_test(panel, 0, 1, 99, 0)[0] == 0.01


def test_an_undefined_metric_has_no_p():
    cases = random_cases(generator(0, "undefined"))
    p = swap_test(to_panel(cases.assign(label="x"), "classification"), 0, 1, 20, 0)
    by_name = dict(zip(names("classification", list("xyz")), p, strict=True))
    assert np.isnan(by_name["auroc"])
    assert not np.isnan(by_name["accuracy"])


def test_the_permutation_of_trainings_counts_all_divisions():
    arm, reference = np.array([0.8, 0.7, 0.9]), np.array([0.3, 0.5, 0.4])
    assert permuted_trainings(arm, reference) == pytest.approx(2 / 20)
    assert permuted_trainings(np.arange(5) + 10.0, np.arange(5.0)) == pytest.approx(2 / 252)
    # Unequal numbers: of the 10 divisions, {0, 1} and {3, 4} against the rest differ at least as much.
    assert permuted_trainings(np.array([3.0, 4.0]), np.array([0.0, 1.0, 2.0])) == pytest.approx(2 / 10)
    assert np.isnan(permuted_trainings(np.array([0.8]), reference))


def test_mcnemar_is_the_binomial_test_of_the_discordant_cases():
    correct, reference = np.zeros(30, dtype=bool), np.zeros(30, dtype=bool)
    correct[:1], reference[1:7] = True, True
    assert mcnemar(correct, reference) == pytest.approx(2 * (1 + 7) / 2**7)
    assert mcnemar(reference, correct) == pytest.approx(0.125)
    assert mcnemar(correct, correct) == 1


def test_mcnemar_on_the_approval_ratings_of_agresti_is_near_the_large_sample_test():
    # Categorical Data Analysis (2002), table 10.1: 86 and 150 discordant of 1,600; z^2 = 17.36.
    approve, again = np.zeros(1600, dtype=bool), np.zeros(1600, dtype=bool)
    approve[:150], again[150:236] = True, True
    assert mcnemar(approve, again) == pytest.approx(chi2.sf((149 - 86) ** 2 / 236, 1), rel=0.1)


def test_corrected_t_by_hand():
    # t = 0.2 / sqrt((1/2 + 1/4) 0.02) with one degree of freedom, whose distribution is Cauchy's.
    t = 0.2 / (0.75 * 0.02) ** 0.5
    assert corrected_resampled_t(np.array([0.1, 0.3, np.nan]), 0.25) == pytest.approx(1 - 2 * np.arctan(t) / np.pi)


def test_corrected_t_without_spread_or_scores():
    assert corrected_resampled_t(np.zeros(4), 0.25) == 1
    assert corrected_resampled_t(np.full(4, 0.1), 0.25) == 0
    assert np.isnan(corrected_resampled_t(np.array([0.1]), 0.25))


def test_the_ratio_of_tested_to_other_cases_is_the_mean_over_folds():
    cases = random_cases(generator(0, "ratio"), groups=10, folds=5)
    sizes = cases[(cases["arm"] == "a") & (cases["seed"] == 0)].groupby("fold").size()
    assert ratio_tested(to_panel(cases, "classification")) == pytest.approx((sizes / (sizes.sum() - sizes)).mean())
    assert np.isnan(ratio_tested(to_panel(cases.assign(fold=0), "classification")))
