import numpy as np
import pytest

from uscl.base.seeds import generator
from uscl.stats.same_arm import divided, rate, same_arm_rates
from uscl.stats.simulated import simulated_images


@pytest.mark.parametrize(("luck", "often"), [(0.0, False), (0.6, True)])
def test_luck_makes_the_swap_test_wrong_and_not_the_method_test(luck, often):
    cases = simulated_images(generator(0, "same"), {"a": 0.5}, images=60, folds=3, seeds=12, luck=luck)
    found = same_arm_rates(cases, "segmentation", "dice", divisions=40, draws=100)
    assert found["method test"].share < 0.2
    assert (found["these models"].share > 0.3) == often


def test_a_division_has_no_training_twice_and_needs_enough():
    chosen = divided(8, 3, 50, 0)
    assert chosen.shape == (50, 6)
    assert all(len(set(one)) == 6 for one in chosen.tolist())
    with pytest.raises(ValueError, match="5 trainings can't be divided into two arms of 3"):
        divided(5, 3, 1, 0)


def test_the_interval_is_that_of_the_jackknife_over_trainings():
    # Divisions of four trainings into one and one; the first is in every difference.
    chosen = np.array([[0, 1], [0, 2], [1, 2], [1, 3], [2, 3], [0, 3]])
    different = np.array([True, True, False, False, False, True])
    without = np.array([0.0, 2 / 3, 2 / 3, 2 / 3])
    se = np.sqrt(3 / 4 * ((without - 0.5) ** 2).sum())
    found = rate(different, chosen, 4)
    assert found.share == 0.5
    assert (found.low, found.high) == (0.0, 1.0)
    assert 3.182 * se > 0.5
