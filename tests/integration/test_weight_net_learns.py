"""Can the weight net learn to tell bad pairs at all? The positive control of benchmarks/weight_net.py, three seeds."""

import pytest

from benchmarks.weight_net import measure
from uscl.report.pair_weights import weight_difference

pytestmark = pytest.mark.learning

SEEDS = [0, 1, 2]


@pytest.fixture(scope="module")
def control():
    return measure("picture", SEEDS, epochs=60)


@pytest.mark.parametrize("seed", SEEDS)
def test_pairs_that_pull_all_videos_together_get_lower_weights(control, seed):
    pairs = control[control["seed"] == seed]
    found = weight_difference(pairs, pairs["change"].to_numpy())
    assert found.high < 0, found


@pytest.mark.parametrize("seed", SEEDS)
def test_a_step_on_such_pairs_helps_the_meta_set_less(control, seed):
    pairs = control[control["seed"] == seed]
    found = weight_difference(pairs.assign(weight=pairs["usefulness"]), pairs["change"].to_numpy())
    assert found.high < 0, found
