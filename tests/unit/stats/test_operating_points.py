import numpy as np
import pandas as pd
import pytest
from rescored import random_cases
from sklearn.metrics import roc_curve

from uscl.base.seeds import generator
from uscl.stats.operating_points import COLUMNS, operating_points

ASKED = {"specificity": [0.8], "sensitivity": [0.9]}
SETTINGS = {"draws": 200, "seed": 0}


@pytest.fixture
def cases():
    return random_cases(generator(0, "points"), groups=40)


def test_each_class_has_a_row_per_point_and_arm(cases):
    table = operating_points(cases, ASKED, **SETTINGS)
    assert list(table) == COLUMNS
    keys = table[["arm", "class", "fixed", "metric"]].itertuples(index=False, name=None)
    points = [("specificity", "sensitivity"), ("sensitivity", "specificity")]
    assert list(keys) == [(arm, name, *point) for arm in "ab" for name in "xyz" for point in points]
    assert set(table["trainings"]) == {2}
    assert (table["models_ci_low"] < table["models_ci_high"]).all()
    assert table[["models_ci_low", "models_ci_high"]].stack().between(0, 1).all()


def test_a_training_scores_the_mean_over_its_folds_each_at_its_own_threshold(cases):
    found = operating_points(cases, ASKED, **SETTINGS).set_index(["arm", "class", "fixed"]).loc[("b", "y")]
    by_training = []
    for _, training in cases[cases["arm"] == "b"].groupby("seed"):
        of_folds = []
        for _, fold in training.groupby("fold"):
            missed, sensitivity, _ = roc_curve(fold["label"] == "y", fold["p_y"], drop_intermediate=False)
            of_folds.append(
                (sensitivity[1 - missed >= 0.8 - 1e-12].max(), (1 - missed)[sensitivity >= 0.9 - 1e-12].max())
            )
        by_training.append(np.mean(of_folds, axis=0))
    for number, fixed in enumerate(ASKED):
        values = [one[number] for one in by_training]
        expected = (np.mean(values), np.std(values, ddof=1))
        assert (found.loc[fixed, "mean"], found.loc[fixed, "sd"]) == pytest.approx(expected)


def test_one_list_is_enough_and_no_complete_arm_leaves_an_empty_table(cases):
    assert set(operating_points(cases, {"specificity": [0.9, 0.95]}, **SETTINGS)["at"]) == {0.9, 0.95}
    assert list(operating_points(pd.DataFrame(columns=cases.columns), ASKED, **SETTINGS)) == COLUMNS
