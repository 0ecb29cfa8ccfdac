import numpy as np
import pytest
from sklearn.metrics import roc_curve

from uscl.base.seeds import generator
from uscl.metrics.thresholds import at_fixed, net_benefit


def slow(positive, score, fixed, share):
    """The best other share among all thresholds, from scikit-learn's curve."""
    one_minus_specificity, sensitivity, _ = roc_curve(positive, score, drop_intermediate=False)
    shares = {"sensitivity": sensitivity, "specificity": 1 - one_minus_specificity}
    (other,) = set(shares) - {fixed}
    return shares[other][shares[fixed] >= share - 1e-12].max()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("fixed", "share"), [("specificity", 0.9), ("specificity", 0.5), ("sensitivity", 0.95)])
def test_cases_that_count_several_times_are_as_if_they_were_there_so_often(seed, fixed, share):
    random = generator(seed, "cases")
    positive, score = random.random(40) < 0.4, random.random(40).round(1)  # many are equal
    weights = random.integers(0, 4, size=(6, 40)).astype(float)
    found = at_fixed(positive, score, fixed, share, weights)
    for draw, value in zip(weights.astype(int), found, strict=True):
        assert value == pytest.approx(slow(positive.repeat(draw), score.repeat(draw), fixed, share))


def test_without_a_positive_or_without_a_negative_there_is_no_value():
    score, weights = np.array([0.2, 0.4]), np.array([[1.0, 1.0], [0.0, 1.0]])
    assert np.isnan(at_fixed(np.array([True, True]), score, "specificity", 0.9, weights)).all()
    assert np.isnan(at_fixed(np.array([True, False]), score, "specificity", 0.9, weights)).tolist() == [False, True]


def test_the_net_benefit_is_that_of_counting_cases():
    random = generator(0, "benefit")
    positive, probability = random.random(50) < 0.3, random.random(50)
    for at, found in zip((0.1, 0.5, 0.8), net_benefit(positive, probability, np.array([0.1, 0.5, 0.8])), strict=True):
        right = sum(p >= at and is_one for p, is_one in zip(probability, positive, strict=True))
        wrong = sum(p >= at and not is_one for p, is_one in zip(probability, positive, strict=True))
        assert found == pytest.approx(right / 50 - wrong / 50 * at / (1 - at))
