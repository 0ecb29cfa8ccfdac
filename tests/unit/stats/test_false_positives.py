import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from uscl.base.seeds import generator
from uscl.stats.false_positives import claims_and_coverage, rates, share
from uscl.stats.simulated import simulated_cases, simulated_images
from uscl.stats.simulated_scores import simulated_scores
from uscl.stats.simulated_tables import both_forms, null_rejections
from uscl.stats.simulation_grid import grid

REPETITIONS = 100


@pytest.fixture(scope="module")
def rejections():
    return null_rejections(REPETITIONS, 0, arms=2, groups=30, cases=6, folds=2, seeds=3, draws=20, luck=0.05).mean()


def test_the_shipped_test_is_wrong_in_about_one_null_of_twenty(rejections):
    low, high = binom.interval(0.99, REPETITIONS, 0.05)
    for metric in ("accuracy", "macro-F1", "AUROC"):
        assert low <= REPETITIONS * rejections[f"method test, {metric}"] <= high


def test_tests_that_treat_cases_as_independent_are_wrong_far_more_often(rejections):
    assert rejections["McNemar, accuracy"] > 0.2


@pytest.mark.parametrize(
    "name", ["luck 3, 98 patients, r 5", "deterministic reference, luck 3, r 5", "1-30 frames, r 5"]
)
def test_the_method_test_holds_its_level_and_intervals_cover(name):
    rate = rates(grid()[name], 2000, 0, claims_and_coverage).set_index("what")["rate"]
    assert 0.04 < rate["nested: comparison"] < 0.065
    assert rate["nested: study"] < 0.06
    assert rate[["covered: difference", "covered: mean"]].between(0.93, 0.97).all()


def test_a_test_of_these_models_says_nothing_about_the_method():
    rate = rates(grid()["luck 3, 200 patients, r 3"], 1000, 0, claims_and_coverage).set_index("what")["rate"]
    assert rate["swap: comparison"] > 0.15
    assert rate["nested: comparison"] < 0.07


@pytest.mark.parametrize(
    "name", ["deterministic reference, luck 1.5, r 3", "right or wrong, 1-30 frames, 11/46/41, r 3"]
)
def test_the_shipped_statistics_give_the_p_of_the_vectorised_form(name):
    shipped, vectorised = both_forms(grid()[name], 2, 0)
    assert shipped == pytest.approx(vectorised, abs=1e-9)


@pytest.mark.parametrize("name", ["deterministic reference, luck 3, r 5", "right or wrong, 1 frame, r 5"])
def test_the_expected_score_is_the_mean_of_simulated_ones(name):
    world = grid()[name]
    drawn = simulated_scores(world, generator(0, "mean"), 4000)
    means = [(arm.mean(axis=1) * drawn.frames).sum() / drawn.frames.sum() for arm in drawn.arms]
    assert means == pytest.approx(world.expected(), abs=0.3)


def test_rates_of_dependent_events_have_the_intervals_of_independent_studies():
    happened = generator(0, "share").random((400, 1)) < 0.05
    alone, copied = share(happened), share(np.repeat(happened, 5, axis=1))
    exact = binom.cdf(happened.sum(), 400, alone["high"])
    assert exact == pytest.approx(0.025, abs=0.001)  # Clopper and Pearson
    assert copied == pytest.approx(alone)
    assert share(np.zeros((400, 5), dtype=bool))["high"] == pytest.approx(1 - 0.025 ** (1 / 400))


def test_simulated_tables_have_every_case_once_a_cell_and_every_class_in_every_fold():
    cases = simulated_cases(generator(0, "s"), {"a": 0.0, "b": 2.0}, groups=30, cases=4, folds=5, seeds=2)
    assert (cases.groupby(["arm", "seed"])["case"].nunique() == 120).all()
    assert len(cases) == 480
    assert (cases.groupby("fold")["label"].nunique() == 3).all()
    assert (cases.groupby("group")["fold"].nunique() == 1).all()
    assert cases.groupby("arm")["correct"].mean().diff().iloc[1] > 0.1
    assert cases[["p_class0", "p_class1", "p_class2"]].sum(axis=1).to_numpy() == pytest.approx(1)
    images = simulated_images(generator(0, "s"), {"a": 0.0}, images=20, folds=5, seeds=2)
    assert images["dice"].between(0, 1).all()
    assert images["group"].nunique() == 20


def test_simulated_trainings_have_luck_and_partitions_of_their_own():
    size = {"groups": 300, "cases": 2, "folds": 5, "seeds": 4}
    cases = simulated_cases(generator(0, "s"), {"a": 1.0, "b": 1.0}, **size, luck=2.0, per_training=True)
    folds = cases.groupby(["group", "seed"])["fold"].nunique()
    assert (folds == 1).all()
    assert cases.groupby("group")["fold"].nunique().mean() > 2
    assert set(pd.crosstab(cases["fold"], [cases["seed"], cases["label"]]).to_numpy().ravel()) == {80}
    assert cases.groupby(["arm", "seed"])["correct"].mean().std() > 0.1
    plain = simulated_cases(generator(0, "s"), {"a": 1.0, "b": 1.0}, **size)
    assert plain.groupby(["arm", "seed"])["correct"].mean().std() < 0.05
