"""The vectorised tests against the project's own, study by study, and against slow loops."""

from dataclasses import replace

import numpy as np
import pytest

from uscl.base.seeds import generator
from uscl.stats import many_studies as many
from uscl.stats import method_test
from uscl.stats.holm import holm
from uscl.stats.simulated_scores import World, simulated_scores

WORLD = World(trainings=(5, 3, 1, 5), luck=(2.0,) * 4, skill=(50.0,) * 4, strata=(3, 8, 6), frames=(1, 2, 5))


@pytest.fixture(scope="module")
def scores():
    return simulated_scores(WORLD, generator(0, "many"), 4)


def left_out_slowly(values, frames, strata, reweighted):
    """The mean without each patient in turn, [r, G], of one study."""
    stratum = np.repeat(np.arange(len(strata)), strata)
    found = np.empty(values.shape)
    for patient in range(len(frames)):
        weights = frames.astype(float)
        if reweighted:
            own = stratum == stratum[patient]
            weights[own] *= own.sum() / (own.sum() - 1)
        weights[patient] = 0
        found[:, patient] = (values * weights).sum(axis=1) / weights.sum()
    return found


def one_study(scores, study, reweighted, arms):
    """Scores of the trainings of each arm, and the covariances of all, by the project's functions."""
    frames, stratum = scores.frames[study], np.repeat(np.arange(len(WORLD.strata)), WORLD.strata)
    of_arms = [np.average(scores.arms[arm][study], axis=-1, weights=frames) for arm in arms]
    left_out = [left_out_slowly(scores.arms[arm][study], frames, WORLD.strata, reweighted) for arm in arms]
    return of_arms, method_test.jackknife(np.concatenate(left_out), stratum)


@pytest.mark.parametrize("reweighted", [False, True])
@pytest.mark.parametrize("arms", [(1, 0), (2, 0), (3, 0), (0, 2)])
def test_nested_is_the_projects_for_unequal_trainings_and_deterministic_arms(scores, arms, reweighted):
    first, second = (many.to_arm(scores.arms[arm], scores.frames, WORLD.strata, reweighted=reweighted) for arm in arms)
    found = many.nested(first, second, WORLD.strata)
    for study in range(4):
        of_arms, covariances = one_study(scores, study, reweighted, arms)
        expected = method_test.nested(*of_arms, covariances)
        assert found.value[study] == pytest.approx(expected.value)
        assert np.sqrt(found.variance[study]) == pytest.approx(expected.se)
        assert found.df[study] == pytest.approx(expected.df)
        assert many.p_value(found)[study] == pytest.approx(expected.p())
        assert many.within(found, 4)[study] == (expected.p_equal(4) < 0.05)


def test_crossed_and_the_interval_of_a_mean_are_the_projects(scores):
    arms = [many.to_arm(scores.arms[arm], scores.frames, WORLD.strata) for arm in (3, 0)]
    found, mean = many.crossed(*arms, WORLD.strata), many.mean_score(arms[0], WORLD.strata)
    low, high = many.logit_interval(mean)
    for study in range(4):
        of_arms, covariances = one_study(scores, study, True, (3, 0))
        expected = method_test.crossed(*of_arms, covariances)
        assert found.df[study] == pytest.approx(expected.df)
        assert many.p_value(found)[study] == pytest.approx(expected.p())
        own = covariances.of(slice(0, 5))
        alone = method_test.alone(of_arms[0] / 100, own._replace(by_stratum=own.by_stratum / 100**2))
        assert (low[study], high[study]) == pytest.approx(tuple(100 * end for end in alone.logit_interval()))


def test_without_variance_p_is_one_for_no_difference_and_undefined_for_any():
    nothing = many.Estimate(np.array([0.0, 1.0]), np.zeros(2), np.full(2, np.inf))
    assert many.p_value(nothing) == pytest.approx([1, np.nan], nan_ok=True)


def test_swap_p_is_the_limit_of_tossing_the_signs_of_patients(scores):
    arm, reference = scores.arms[0], scores.arms[3]
    d = (scores.frames * (arm.mean(axis=1) - reference.mean(axis=1)))[0]
    signs = generator(0, "signs").choice([-1.0, 1.0], size=(20_000, len(d)))
    tossed = (np.abs(signs @ d) >= abs(d.sum())).mean()
    assert many.swap_p(arm, reference, scores.frames)[0] == pytest.approx(tossed, abs=0.05)


def test_holm_of_many_families_is_holm_of_each():
    p = generator(0, "holm").uniform(size=(20, 5)) ** 3
    assert many.holm(p) == pytest.approx(np.stack([holm(family) for family in p]))


@pytest.mark.parametrize(("reweighted", "low", "high"), [(True, 0.97, 1.03), (False, 0.7, 0.9)])
def test_only_the_reweighted_jackknife_has_the_variance_of_small_strata(reweighted, low, high):
    world = replace(WORLD, trainings=(4, 4), luck=(0.0,) * 2, skill=(70.0,) * 2, strata=(4, 4, 8), frames=(1,))
    drawn = simulated_scores(world, generator(0, "small"), 8000)
    arms = [many.to_arm(arm, drawn.frames, world.strata, reweighted=reweighted) for arm in drawn.arms]
    found = many.nested(*arms, world.strata)
    assert low < found.variance.mean() / found.value.var() < high
