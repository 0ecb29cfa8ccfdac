"""What groups are called: the unit of every group, counted once however many rows it has."""

import numpy as np
import pandas as pd
import pytest

from uscl.data.units import NOUNS, counted_units, plural_units, singular_unit, unit_of_groups


def rows(*groups):
    return pd.DataFrame(groups, columns=["group", "unit"])


@pytest.mark.parametrize("seed", range(5))
def test_a_group_takes_the_first_of_its_units(seed):
    rng, order = np.random.default_rng(seed), list(NOUNS)
    table = rows(*((f"g{rng.integers(9)}", order[rng.integers(len(order))]) for _ in range(40)))
    expected = {}
    for group, unit in table.itertuples(index=False):
        expected[group] = min(expected.get(group, unit), unit, key=order.index)
    assert unit_of_groups(table).to_dict() == expected


def test_groups_are_counted_by_unit_not_by_row():
    table = rows(("a", "patient"), ("a", "patient"), ("b", "video"), ("c", "image"), ("d", "image"), ("d", "video"))
    assert counted_units(table) == "1 patient, 2 videos and 1 image"
    assert counted_units(table.head(2)) == "1 patient"
    assert counted_units(table.head(0)) == "none"
    assert plural_units(table) == "patients, videos and images"


@pytest.mark.parametrize(("unit", "nouns"), NOUNS.items())
def test_every_unit_has_both_nouns(unit, nouns):
    one, two = rows(("a", unit)), rows(("a", unit), ("b", unit))
    assert (counted_units(one), counted_units(two)) == (f"1 {nouns[0]}", f"2 {nouns[1]}")
    assert (singular_unit(two), plural_units(one)) == nouns
