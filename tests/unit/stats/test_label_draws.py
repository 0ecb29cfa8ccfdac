import numpy as np
import pandas as pd
import pytest
from rescored import mean_scores, random_cases
from scipy import stats

from uscl.base.seeds import generator
from uscl.metrics.registry import names
from uscl.stats.label_draws import DRAWS, intervals_over_draws, numbered, scores_of_draws
from uscl.stats.method_test import alone, jackknife, nested
from uscl.stats.panel import to_panel
from uscl.stats.panel_scores import training_scores, without_each_group
from uscl.stats.summary import INTERVALS, comparisons, intervals

SETTINGS = {"draws": 100, "seed": 0}
SEEDS, COUNT = (3, 8), 3


@pytest.fixture
def of_draws():
    """The cases of three draws: the same test cases and folds, other probabilities."""
    first = random_cases(generator(0, "draws"), ("a", "b"), groups=14)
    found = []
    for draw in range(COUNT):
        other = random_cases(generator(0, "draws"), ("a", "b"), groups=14)
        probabilities = [f"p_{name}" for name in "xyz"]
        p = generator(draw, "probabilities").dirichlet(np.ones(3), size=len(other))
        other[probabilities] = p
        other["predicted"] = np.array(list("xyz"))[p.argmax(axis=1)]
        other = other.assign(correct=other["predicted"] == other["label"], seed=first["seed"].map({0: 3, 1: 8}))
        found.append(other)
    return found


def accuracy(of_draws):
    """The accuracy of arm b by seed and draw."""
    return np.array(
        [
            [cases[(cases["arm"] == "b") & (cases["seed"] == seed)]["correct"].mean() for cases in of_draws]
            for seed in SEEDS
        ]
    )


def test_a_training_scores_the_mean_over_its_draws(of_draws):
    table = intervals_over_draws(numbered(of_draws), "classification", COUNT, **SETTINGS)
    assert list(table) == [*INTERVALS, *DRAWS]
    row = table.set_index(["arm", "metric"]).loc[("b", "accuracy")]
    scores = accuracy(of_draws)
    assert (row["mean"], row["sd"]) == pytest.approx((scores.mean(), scores.mean(axis=1).std(ddof=1)))
    assert (row["trainings"], row["label_draws"]) == (2, 3)
    expected = np.mean([mean_scores(cases[cases["arm"] == "b"], "classification") for cases in of_draws], axis=0)
    assert table.loc[table["arm"] == "b", "mean"].to_numpy() == pytest.approx(expected)


def test_the_interval_over_draws_is_that_of_student_within_trainings(of_draws):
    table = intervals_over_draws(numbered(of_draws), "classification", COUNT, **SETTINGS)
    row = table.set_index(["arm", "metric"]).loc[("b", "accuracy")]
    scores = accuracy(of_draws)
    # A model with one mean per training: its residuals have 2 * (3 - 1) degrees of freedom.
    residuals = scores - scores.mean(axis=1, keepdims=True)
    sd = np.sqrt((residuals**2).sum() / 4)
    low, high = stats.t.interval(0.95, 4, loc=scores.mean(), scale=sd / np.sqrt(6))
    assert (row["sd_draws"], row["draws_ci_low"], row["draws_ci_high"]) == pytest.approx((sd, max(low, 0), high))


def test_intervals_and_tests_over_trainings_take_the_means_over_draws(of_draws):
    cases = numbered(of_draws)
    panel = to_panel(cases, "classification")
    place = names("classification", list("xyz")).index("macro_f1")
    scores = training_scores(panel)[place].reshape(2, 2, 3).mean(axis=2)
    left_out = without_each_group(panel)[place].reshape(2, 2, 3, -1).mean(axis=2)
    row = intervals_over_draws(cases, "classification", COUNT, **SETTINGS).set_index(["arm", "metric"])
    own = alone(scores[1], jackknife(left_out[1], panel.strata))
    assert tuple(row.loc[("b", "macro_f1"), ["ci_low", "ci_high"]]) == pytest.approx(own.logit_interval())
    test = nested(scores[1], scores[0], jackknife(np.concatenate([left_out[1], left_out[0]]), panel.strata))
    compared = comparisons(cases, "classification", [("b", "a")], **SETTINGS, label_draws=COUNT)
    found = compared.set_index("metric").loc["macro_f1"]
    assert (found["difference"], found["p"]) == pytest.approx((scores[1].mean() - scores[0].mean(), test.p()))
    assert (found["trainings"], found["reference_trainings"]) == (2, 2)


def test_one_draw_of_one_training_each_is_the_usual_table(of_draws):
    usual = intervals(of_draws[0], "classification", **SETTINGS)
    pd.testing.assert_frame_equal(usual, intervals(of_draws[0], "classification", **SETTINGS, label_draws=1))


def test_the_scores_of_draws_have_their_seed_and_number(of_draws):
    table = scores_of_draws(numbered(of_draws), "classification", [8, 3], COUNT)
    found = table[(table["arm"] == "b") & (table["metric"] == "accuracy")].pivot(
        index="seed", columns="draw", values="value"
    )
    assert found.index.tolist() == [3, 8]
    assert found.to_numpy() == pytest.approx(accuracy(of_draws))


def test_without_a_complete_arm_the_table_is_empty(of_draws):
    empty = numbered([cases.iloc[:0] for cases in of_draws])
    assert list(intervals_over_draws(empty, "classification", COUNT, **SETTINGS)) == [*INTERVALS, *DRAWS]
