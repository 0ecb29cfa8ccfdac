import numpy as np
import pytest
from scipy.stats import t as student

from uscl.base.seeds import generator
from uscl.stats.method_test import Covariances, Estimate, alone, crossed, jackknife, nested

# Van Dyke et al. (1993): two treatments, five readers, 69 + 45 cases; AUC by the trapezoidal rule, jackknife
# covariances. The output of OR-DBM MRMC 2.5 (University of Iowa), as printed there.
SPIN_ECHO = np.array([0.91964573, 0.85877617, 0.90386473, 0.97310789, 0.82979066])
CINE = np.array([0.94782609, 0.90531401, 0.92173913, 0.99935588, 0.92995169])
VARIANCE, COV1, COV2, COV3 = 0.00080229, 0.00034661, 0.00034407, 0.00023903


def reader_covariances():
    """The printed covariances as a matrix of ten scores, one stratum with so many groups that nu has no effect."""
    same_reader = np.eye(5, dtype=bool)
    same_treatment = np.where(same_reader, VARIANCE, COV2)
    other_treatment = np.where(same_reader, COV1, COV3)
    matrix = np.block([[same_treatment, other_treatment], [other_treatment, same_treatment]])
    return Covariances(matrix[None], np.array([10**12]))


def test_the_crossed_form_gives_the_published_analysis_of_van_dyke():
    found = crossed(SPIN_ECHO, CINE, reader_covariances())
    assert found.value == pytest.approx(-0.04380032, abs=1e-6)
    mean_square = 5 / 2 * found.se**2  # MS(T*R) + r max(Cov2 - Cov3, 0)
    assert mean_square == pytest.approx(0.00107626, abs=1e-6)
    assert 5 / 2 * found.from_trainings == pytest.approx(0.00055103, abs=1e-6)
    assert found.df == pytest.approx(15.26, abs=5e-3)
    assert (found.value / found.se) ** 2 == pytest.approx(4.46, abs=5e-3)
    assert found.p() == pytest.approx(0.0517, abs=5e-5)
    assert found.interval() == pytest.approx((-0.08796, 0.00036), abs=1e-5)


@pytest.mark.parametrize(
    ("scores", "cov2", "se", "df", "interval"),
    [
        (SPIN_ECHO, 0.00048396, 0.03317360, 12.74, (0.82522360, 0.96885048)),
        (CINE, 0.00020419, 0.02156637, 12.71, (0.89413783, 0.98753689)),
    ],
)
def test_an_arm_alone_gives_the_published_intervals_of_van_dyke(scores, cov2, se, df, interval):
    # The published interval is symmetric on the scale of the AUC itself.
    found = alone(scores, Covariances(np.full((1, 5, 5), cov2), np.array([10**12])))
    assert found.se == pytest.approx(se, abs=1e-6)
    assert found.df == pytest.approx(df, abs=5e-3)
    assert found.interval() == pytest.approx(interval, abs=1e-6)


def test_unequal_trainings_and_a_deterministic_arm_by_hand():
    # Arm 1: three trainings; arm 2: one, deterministic. Two strata of 11 and 21 groups, in units of 1e-4.
    first, second = np.array([0.70, 0.74, 0.78]), np.array([0.68])
    one = np.array([[9, 4, 2, 1], [4, 9, 3, 2], [2, 3, 9, 3], [1, 2, 3, 5]])
    two = np.array([[6, 2, 2, 1], [2, 6, 2, 1], [2, 2, 6, 1], [1, 1, 1, 4]])
    found = nested(first, second, Covariances(np.stack([one, two]) * 1e-4, np.array([11, 21])))
    # S_1^2 = 0.0016; c_1 = 3 + 2, c_2 = 5 + 4, x = 2 + 1: C_1 = 3 + 5 - 4 = 4, C_2 = 2 + 4 - 2 = 4, C = 8.
    luck, patients, nu = 0.0016 / 3, 8e-4, 8**2 / (4**2 / 10 + 4**2 / 20)
    assert found.value == pytest.approx(0.06, abs=1e-12)
    assert (found.from_trainings, found.from_patients) == pytest.approx((luck, patients), abs=1e-12)
    assert found.df == pytest.approx((luck + patients) ** 2 / (luck**2 / 2 + patients**2 / nu), abs=1e-9)
    # V = 4/3000, nu = 80/3, df = 10.695187, t = 0.06 / sqrt(4/3000) = 1.643168.
    assert found.df == pytest.approx(10.695187, abs=1e-6)
    assert found.p() == pytest.approx(2 * student.sf(1.643167673, 10.695187), abs=1e-6)


def test_with_equal_trainings_and_endless_groups_the_nested_form_is_that_of_hillis():
    # Hillis (2014), unpaired readers: V = (2 / r) [MS + r (Cov2 - Cov3)], MS the mean of both arms' variances.
    found = nested(SPIN_ECHO, CINE, reader_covariances())
    mean_square = (SPIN_ECHO.var(ddof=1) + CINE.var(ddof=1)) / 2
    x = (5 * COV1 + 20 * COV3) / 25  # the readers are in fact the same
    assert found.se**2 == pytest.approx(2 / 5 * (mean_square + 5 * (COV2 - x)), abs=1e-12)


def test_equal_arms_have_p_1_and_no_variance_gives_no_p():
    nothing = Covariances(np.zeros((1, 4, 4)), np.array([30]))
    same = np.array([0.5, 0.5])
    assert nested(same, same, nothing).p() == 1
    assert np.isnan(nested(same + 0.1, same, nothing).p())
    assert np.isnan(nested(same + 0.1, same, nothing).interval()).all()
    luck = np.array([0.4, 0.6])
    assert nested(luck, luck, reader_covariances().of(slice(4))).p() == 1


def test_a_negative_part_of_the_patients_counts_as_0():
    covariances = np.full((1, 4, 4), 1e-4)
    covariances[0, :2, 2:] = covariances[0, 2:, :2] = 2e-4
    found = nested(np.array([0.5, 0.6]), np.array([0.5, 0.7]), Covariances(covariances, np.array([50])))
    assert found.from_patients == 0
    assert found.df == pytest.approx((0.0025 + 0.01) ** 2 / (0.0025**2 + 0.01**2))


def test_the_jackknife_of_means_is_the_variance_of_a_mean():
    scores = generator(0, "jackknife").normal(size=(2, 30))
    without = (scores.sum(axis=1, keepdims=True) - scores) / 29
    found = jackknife(without, np.zeros(30, dtype=int))
    assert found.by_stratum[0] == pytest.approx(np.cov(scores) / 30, abs=1e-12)
    assert found.groups.tolist() == [30]


def test_the_jackknife_of_a_mean_over_two_classes_adds_their_variances():
    random, stratum = generator(1, "jackknife"), np.repeat([0, 1], [8, 20])
    scores = random.normal(size=28) + 5 * stratum  # far apart, which must not count
    means = [scores[stratum == h].mean() for h in (0, 1)]
    without = [np.mean([scores[(stratum == h) & (np.arange(28) != g)].mean() for h in (0, 1)]) for g in range(28)]
    found = jackknife(np.array([without]), stratum)
    expected = [scores[stratum == h].var(ddof=1) / n / 4 for h, n in enumerate((8, 20))]
    assert np.mean(means) == pytest.approx(np.mean(without), abs=0.05)
    assert found.by_stratum[:, 0, 0] == pytest.approx(expected, rel=1e-9)


def test_a_stratum_of_one_group_leaves_nothing_to_compare():
    found = jackknife(generator(2, "jackknife").normal(size=(2, 4)), np.array([0, 0, 0, 1]))
    assert np.isnan(nested(np.array([0.5]), np.array([0.6]), found).p())


def test_equivalence_and_ruling_out_are_one_sided_tests():
    found = Estimate(0.01, 1e-4, 0.0, 12.0)
    assert found.p_below(0.03) == pytest.approx(student.sf(2, 12))
    assert found.p_equal(0.03) == pytest.approx(student.sf(2, 12))
    assert found._replace(value=-0.01).p_equal(0.03) == pytest.approx(student.sf(2, 12))
    assert found._replace(value=-0.01).p_below(0.03) == pytest.approx(student.sf(4, 12))


def test_the_interval_of_a_share_stays_inside_and_is_symmetric_on_the_logit_scale():
    low, high = Estimate(0.97, 4e-4, 0.0, 10.0).logit_interval()
    assert 0 < low < 0.97 < high < 1
    assert low / (1 - low) * high / (1 - high) == pytest.approx((0.97 / 0.03) ** 2)
    half = student.ppf(0.975, 10) * 0.02
    assert np.log(high / (1 - high)) - np.log(0.97 / 0.03) == pytest.approx(half / (0.97 * 0.03))
    assert np.isnan(Estimate(1.0, 1e-4, 0.0, 10.0).logit_interval()).all()
