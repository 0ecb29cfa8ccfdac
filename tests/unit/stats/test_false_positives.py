import pytest
from scipy.stats import binom

from uscl.base.seeds import generator
from uscl.stats.false_positives import null_rejections
from uscl.stats.simulated import simulated_cases, simulated_images

REPETITIONS = 100


@pytest.fixture(scope="module")
def rates():
    found = null_rejections(REPETITIONS, 0, arms=2, groups=30, cases=8, folds=2, seeds=1, draws=200)
    return found.mean()


def test_the_shipped_test_is_wrong_in_about_one_null_of_twenty(rates):
    low, high = binom.interval(0.99, REPETITIONS, 0.05)
    for metric in ("accuracy", "macro-F1"):
        assert low <= REPETITIONS * rates[f"groups permuted, {metric}"] <= high


def test_tests_that_treat_cases_as_independent_are_wrong_far_more_often(rates):
    assert rates["cases permuted, accuracy"] > 0.2
    assert rates["McNemar, accuracy"] > 0.2


def test_without_clustering_cases_may_be_permuted():
    found = null_rejections(40, 0, arms=2, groups=30, cases=4, folds=2, seeds=1, draws=100, clustering=0)
    assert found["cases permuted, accuracy"].mean() < 0.15


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
