import numpy as np
import pandas as pd
import pytest
from rescored import random_cases

from uscl.base.seeds import generator
from uscl.metrics.weights import Drawn
from uscl.stats.panel import to_panel
from uscl.stats.panel_scores import scorer, training_scores


@pytest.fixture
def cases():
    return random_cases(generator(0, "panel"))


def test_every_row_is_in_its_place(cases):
    panel = to_panel(cases, "classification")
    assert (panel.arms, panel.seeds, panel.classes) == (["a", "b"], [0, 1], ["x", "y", "z"])
    part = panel.cases
    assert panel.groups == sorted(cases["group"].unique())
    assert part.groups == len(panel.groups)
    assert (np.diff(part.group) >= 0).all()
    for arm in range(2):
        rows = cases[(cases["arm"] == "ab"[arm]) & (cases["seed"] == 1)].sort_values(["group", "case"])
        assert part.values["probabilities"][2, arm, 1].tolist() == rows["p_z"].tolist()
        assert ["xyz"[c] for c in part.values["predicted"][arm, 1]] == rows["predicted"].tolist()
        assert ["xyz"[c] for c in part.label] == rows["label"].tolist()
        assert panel.folds[1].tolist() == rows["fold"].tolist()


def test_every_training_may_have_its_own_folds():
    cases = random_cases(generator(0, "panel"), partitions=True)
    panel = to_panel(cases, "classification")
    for seed in range(2):
        rows = cases[(cases["arm"] == "a") & (cases["seed"] == seed)].sort_values(["group", "case"])
        assert panel.folds[seed].tolist() == rows["fold"].tolist()
    assert (panel.folds[0] != panel.folds[1]).any()


def test_a_groups_stratum_is_the_most_frequent_class_of_its_cases(cases):
    panel = to_panel(cases, "classification")
    by_group = cases[(cases["arm"] == "a") & (cases["seed"] == 0)].groupby("group")["label"]
    expected = by_group.agg(lambda label: label.mode()[0])
    assert ["xyz"[stratum] for stratum in panel.strata] == expected[panel.groups].tolist()


def test_an_arm_whose_trainings_agree_in_every_prediction_is_deterministic(cases):
    first = cases[cases["seed"] == 0]
    same = pd.concat([first, first.assign(seed=1)])
    mixed = pd.concat([same[same["arm"] == "a"], cases[cases["arm"] == "b"]])
    panel = to_panel(mixed, "classification")
    assert [panel.deterministic(arm) for arm in range(2)] == [True, False]
    assert not to_panel(first, "classification").deterministic(0)  # one training shows nothing


def test_an_arm_that_lacks_a_case_is_named_with_it(cases):
    gone = (cases["arm"] == "b") & (cases["case"] == "c003") & (cases["seed"] == 1)
    with pytest.raises(ValueError, match="Arm b lacks case c003 with seed 1"):
        to_panel(cases[~gone], "classification")


def test_an_arm_that_lacks_a_seed_is_named(cases):
    gone = (cases["arm"] == "a") & (cases["seed"] == 1)
    with pytest.raises(ValueError, match="Arm a lacks case c000 with seed 1"):
        to_panel(cases[~gone], "classification")


def test_a_case_that_is_there_twice_is_named(cases):
    twice = cases.loc[[*cases.index, cases.index[cases["case"] == "c002"][0]]]
    with pytest.raises(ValueError, match="Arm a has case c002 twice with seed 0"):
        to_panel(twice, "classification")


def test_arms_that_differ_in_a_fold_are_refused(cases):
    changed = (cases["arm"] == "b") & (cases["case"] == "c000")
    with pytest.raises(ValueError, match="Arms differ in the fold of case c000"):
        to_panel(cases.assign(fold=cases["fold"].where(~changed, 1)), "classification")


@pytest.mark.parametrize(("column", "value"), [("group", "g99"), ("label", "y")])
def test_arms_that_differ_in_a_case_are_refused(cases, column, value):
    cases["label"] = cases["label"].where(cases["case"] != "c000", "x")
    changed = (cases["arm"] == "b") & (cases["case"] == "c000")
    with pytest.raises(ValueError, match="differ in group or label of case c000"):
        to_panel(cases.assign(**{column: cases[column].where(~changed, value)}), "classification")


def test_a_group_in_two_folds_of_a_given_split_is_one_group(cases):
    group = cases["group"].where(cases["group"] != "g01", "g00")
    apart, joined = (to_panel(found, "classification") for found in (cases, cases.assign(group=group)))
    assert joined.cases.groups == apart.cases.groups - 1
    assert np.array_equal(training_scores(joined), training_scores(apart), equal_nan=True)
    # Without the group, neither of its parts is left in any fold.
    g00 = joined.groups.index("g00")
    both = [apart.groups.index(name) for name in ("g00", "g01")]
    weights = np.ones((1, apart.cases.groups))
    weights[0, both] = 0
    of_joined = np.ones((1, joined.cases.groups))
    of_joined[0, g00] = 0
    expected = scorer(apart)(Drawn(weights))
    assert np.array_equal(scorer(joined)(Drawn(of_joined)), expected, equal_nan=True)


def test_a_label_that_is_not_a_class_is_refused(cases):
    with pytest.raises(ValueError, match="'w' is none of the classes x, y, z"):
        to_panel(cases.assign(label=cases["label"].replace("x", "w")), "classification")
