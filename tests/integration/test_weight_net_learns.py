"""Does the weight net give pairs that span a change of organ a lower weight? benchmarks/weight_net.py, three seeds."""

import pytest

from benchmarks.weight_net import measure
from uscl.report.figures.pair_weights import weight_difference

pytestmark = pytest.mark.learning

SEEDS = [0, 1, 2]


@pytest.fixture(scope="module")
def weighed():
    """New pairs of the pool's videos, in half of which the organ changes, weighed after 150 epochs."""
    return measure("organ", SEEDS, epochs=150)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("figure", ["weight", "usefulness"])
def test_pairs_that_span_a_change_of_organ_get_a_lower_weight_and_deserve_it(weighed, seed, figure):
    pairs = weighed[weighed["seed"] == seed]
    found = weight_difference(pairs.assign(weight=pairs[figure]), pairs["change"].to_numpy())
    assert found.high < 0, found
