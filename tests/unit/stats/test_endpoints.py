"""Means over tasks, against formulas written out for single groups."""

import numpy as np
import pytest
from rescored import random_cases, training_scores

from uscl.metrics.registry import names
from uscl.stats.endpoints import COLUMNS, OnTask, combined, endpoint
from uscl.stats.method_test import jackknife, nested
from uscl.stats.panel import to_panel
from uscl.stats.scored_trainings import ScoredTrainings
from uscl.stats.summary import comparisons

KIND, CLASSES = "classification", ["x", "y", "z"]
PLACE = names(KIND, CLASSES).index("macro_f1")


def two_tasks(seeds=3):
    """Cases of two tasks whose groups have one class each."""
    found = []
    for number, groups in ((1, 12), (2, 15)):
        cases = random_cases(np.random.default_rng(number), groups=groups, seeds=seeds)
        label = cases["group"].map({name: CLASSES[i % 3] for i, name in enumerate(sorted(set(cases["group"])))})
        found.append(cases.assign(label=label, correct=cases["predicted"] == label))
    return found


def on(cases, dataset="d", task="t"):
    return OnTask(task, dataset, KIND, cases)


def test_the_score_of_a_training_is_the_mean_over_tasks():
    tables = two_tasks()
    found = combined([to_panel(cases, KIND) for cases in tables], ["one", "two"], "macro_f1")
    for arm in ("a", "b"):
        for seed in range(3):
            own = [cases[(cases["arm"] == arm) & (cases["seed"] == seed)] for cases in tables]
            expected = np.mean([training_scores(part, KIND)[PLACE] for part in own])
            assert found.scores[0, found.arms.index(arm), seed] == pytest.approx(expected)


def test_a_group_of_another_data_set_changes_the_score_of_its_task_alone():
    tables = two_tasks()
    panels = [to_panel(cases, KIND) for cases in tables]
    found = combined(panels, ["one", "two"], "macro_f1")
    alone = [ScoredTrainings.of_panel(panel) for panel in panels]
    first, second = (each.left_out[PLACE] for each in alone)
    whole = [each.scores[PLACE][..., None] for each in alone]
    expected = np.concatenate([(first + whole[1]) / 2, (whole[0] + second) / 2], axis=-1)
    assert found.left_out[0] == pytest.approx(expected)
    assert len(found.strata) == 27
    assert len(set(found.strata)) == 6
    # Independent data sets: the variance of the mean is a quarter of the sum of both variances.
    parts = [jackknife(each.left_out[PLACE].reshape(6, -1), each.strata).by_stratum.sum(axis=0) for each in alone]
    assert found.covariances(0, [0, 1]).by_stratum.sum(axis=0) == pytest.approx(sum(parts) / 4)


def test_tasks_on_one_data_set_leave_a_group_out_of_both():
    cases = two_tasks()[0]
    panel = to_panel(cases, KIND)
    found = combined([panel, panel], ["one", "one"], "macro_f1")
    alone = ScoredTrainings.of_panel(panel)
    assert found.scores[0] == pytest.approx(alone.scores[PLACE])
    assert found.left_out[0] == pytest.approx(alone.left_out[PLACE])
    row = endpoint([on(cases), on(cases)], ("a", "b"), "macro_f1", "nested")
    of_task = comparisons(cases, KIND, [("a", "b")], draws=100, seed=0).set_index("metric").loc["macro_f1"]
    for column in ("difference", "ci_low", "ci_high", "df", "p", "se_trainings", "se_patients"):
        assert row[column] == pytest.approx(of_task[column])


def test_a_row_is_the_method_test_of_the_means():
    tables = two_tasks()
    row = endpoint([on(tables[0], "one", "u"), on(tables[1], "two", "v")], ("a", "b"), "auroc", "nested")
    found = combined([to_panel(cases, KIND) for cases in tables], ["one", "two"], "auroc")
    expected = nested(found.of(0, 0), found.of(0, 1), found.covariances(0, [0, 1]))
    assert (row["difference"], row["p"], row["df"]) == pytest.approx((expected.value, expected.p(), expected.df))
    assert row["groups"] == "12 patients (u) and 15 patients (v)"
    assert (row["n_groups"], row["trainings"]) == (27, 3)
    assert set(row) | {"task", "regime", "level"} == set(COLUMNS)


def test_a_group_in_one_of_two_tasks_on_a_data_set_is_left_out_of_that_alone():
    cases = two_tasks()[0]
    fewer = cases[~cases["group"].isin(["g00", "g01", "g02"])]
    found = combined([to_panel(cases, KIND), to_panel(fewer, KIND)], ["one", "one"], "accuracy")
    assert len(found.strata) == 12
    assert len(set(found.strata)) == 6


def test_a_missing_arm_gives_no_row_and_other_seeds_are_refused():
    tables = two_tasks()
    assert endpoint([on(tables[0]), on(tables[1][tables[1]["arm"] == "a"])], ("a", "b"), "auroc", "nested") is None
    few = tables[1][tables[1]["seed"] < 2]
    with pytest.raises(ValueError, match="same arms and seeds"):
        endpoint([on(tables[0]), on(few)], ("a", "b"), "auroc", "nested")
