"""Can the weight net learn to tell bad pairs at all? The positive control of benchmarks/weight_net.py, three seeds."""

import pytest

from benchmarks.weight_net import measure
from uscl.report.pair_weights import weight_difference

pytestmark = pytest.mark.learning

SEEDS = [0, 1, 2]


@pytest.fixture(scope="module")
def control():
    """Pairs of videos that all change to one and the same picture, weighed after 40 epochs."""
    return measure("picture", SEEDS, epochs=40)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_step_on_pairs_that_pull_all_videos_together_helps_the_meta_set_less(control, seed):
    pairs = control[control["seed"] == seed]
    found = weight_difference(pairs.assign(weight=pairs["usefulness"]), pairs["change"].to_numpy())
    assert found.high < 0, found


def test_over_the_seeds_such_pairs_get_lower_weights(control):
    standard = control.groupby("seed")["weight"].transform(lambda weights: weights / weights.std())
    found = weight_difference(control.assign(weight=standard), control["change"].to_numpy())
    assert found.high < 0, found
