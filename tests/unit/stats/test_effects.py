import numpy as np
import pytest

from uscl.stats.effects import probability_of_improvement, standardised_difference


def test_groups_count_the_same_however_many_cases_they_have():
    # Means of the groups: 0.1, 0.3, 0.5; mean 0.3, sd 0.2.
    differences, group = np.array([0.1, 0.2, 0.4, 0.5]), np.array([4, 7, 7, 2])
    assert standardised_difference(differences, group) == pytest.approx(1.5)
    assert standardised_difference(-differences, group) == pytest.approx(-1.5)


def test_an_effect_needs_groups_that_differ():
    assert np.isnan(standardised_difference(np.array([0.1, 0.3]), np.array([0, 0])))
    assert np.isnan(standardised_difference(np.array([0.1, 0.1]), np.array([0, 1])))


def test_ties_count_half_and_undefined_scores_not_at_all():
    scores, reference = np.array([0.5, 0.2, 0.7, np.nan, 0.9]), np.array([0.5, 0.1, 0.8, 0.1, 0.1])
    assert probability_of_improvement(scores, reference, lower_is_better=False) == 0.625
    assert probability_of_improvement(scores, reference, lower_is_better=True) == 0.375
    assert np.isnan(probability_of_improvement(scores[3:4], reference[3:4], lower_is_better=False))
