import numpy as np
import pytest

from uscl.stats.ranks import average_ranks, critical_difference, friedman, nemenyi_q

# Demsar 2006, table 6: AUC of C4.5, C4.5+m, C4.5+cf and C4.5+m+cf on 14 data sets. One tie is
# broken (0.9751) as the ranks that the table prints have it.
DEMSAR = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ]
)


def test_average_ranks_of_the_textbook():
    assert average_ranks(DEMSAR) == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    assert average_ranks(-DEMSAR, lower_is_better=True).tolist() == average_ranks(DEMSAR).tolist()


def test_ties_share_the_mean_of_their_ranks():
    assert average_ranks(np.array([[0.3, 0.1, 0.3, 0.2]])).tolist() == [1.5, 4, 1.5, 3]


def test_a_missing_score_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        average_ranks(np.array([[0.3, np.nan]]))


def test_friedman_of_the_textbook():
    # Demsar's 9.28 does not correct for ties, which shrink the variance of the ranks; SciPy does.
    statistic, p = friedman(DEMSAR)
    ties = 1 - (3 * (2**3 - 2) + (4**3 - 4)) / (14 * (4**3 - 4))
    assert statistic * ties == pytest.approx(9.28, abs=0.02)
    assert 0.01 < p < 0.05


def test_friedman_if_there_is_nothing_to_test():
    assert friedman(np.ones((5, 3))) == (0, 1)
    assert np.isnan(friedman(DEMSAR[:, :2])).all()
    assert np.isnan(friedman(DEMSAR[:1])).all()


@pytest.mark.parametrize(
    ("arms", "q"),
    [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850), (7, 2.949), (8, 3.031), (9, 3.102), (10, 3.164)],
)
def test_critical_values_are_those_of_demsars_table(arms, q):
    assert nemenyi_q(arms) == pytest.approx(q, abs=1e-3)


def test_the_critical_difference_of_the_textbook():
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)
    assert critical_difference(4, 14, alpha=0.1) == pytest.approx(2.291 * (20 / 84) ** 0.5, abs=1e-3)
