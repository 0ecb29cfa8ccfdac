"""Scores of the validation part are scikit-learn's to the last bit."""

import warnings

import numpy as np
import pytest
from sklearn import metrics

from uscl.evaluate.choice import balanced_accuracy, log_loss


@pytest.mark.parametrize("seed", range(50))
def test_balanced_accuracy_is_that_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    classes, cases = rng.integers(2, 7), rng.integers(1, 60)
    labels, predicted = rng.integers(0, classes, cases), rng.integers(0, classes, cases)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes that are only predicted, and of a single class
        assert balanced_accuracy(labels, predicted) == metrics.balanced_accuracy_score(labels, predicted)


def test_a_class_without_cases_does_not_count():
    assert balanced_accuracy(np.array([0, 0, 2]), np.array([0, 1, 3])) == 0.25


@pytest.mark.parametrize("seed", range(50))
def test_log_loss_is_that_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    classes, cases = rng.integers(2, 7), rng.integers(1, 400)
    probabilities = rng.dirichlet(np.full(classes, 0.05), cases)  # most of them near 0 or 1
    labels = rng.integers(0, classes, cases)
    assert log_loss(labels, probabilities) == metrics.log_loss(labels, y_proba=probabilities, labels=range(classes))


def test_a_probability_of_zero_costs_much_and_not_infinitely_much():
    assert log_loss(np.array([1]), np.array([[1.0, 0.0]])) == pytest.approx(36.04, abs=0.01)
