import numpy as np
import pandas as pd
import pytest
from rescored import random_cases, random_images, resampled, scores, training_scores

from uscl.base.seeds import generator
from uscl.metrics.classification import confidence_bin
from uscl.metrics.concordance import CountedPairs, SortedCases, concordance, counted_pairs, sorted_cases
from uscl.metrics.registry import names
from uscl.metrics.scores import score_cell
from uscl.metrics.segmentation import medians
from uscl.metrics.weights import Drawn
from uscl.stats.panel import to_panel
from uscl.stats.panel_scores import chunks, fold_scores, scorer, without_each_group

KINDS = {"classification": random_cases, "segmentation": random_images}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(2))
def test_scores_of_folds_and_seeds_are_those_of_scikit_learn(kind, seed):
    cases = KINDS[kind](generator(seed, "points"), groups=16)
    found = fold_scores(to_panel(cases, kind))
    for (arm, of_seed, fold), part in cases.groupby(["arm", "seed", "fold"]):
        slow = scores(part, kind)
        assert found[:, "ab".index(arm), of_seed, fold] == pytest.approx(slow, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("kind", KINDS)
def test_scores_have_the_names_and_values_of_a_cells_metrics(kind):
    cases = KINDS[kind](generator(9, "cell"), arms=["a"], groups=9, seeds=1)
    panel = to_panel(cases, kind)
    cell = score_cell(cases.assign(task="t", regime="r", labels=100), kind).set_index(["fold", "metric"])["value"]
    for fold in range(2):
        assert cell[fold].index.tolist() == names(kind, panel.classes)
        assert fold_scores(panel)[:, 0, 0, fold] == pytest.approx(cell[fold].to_numpy(), abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("partitions", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_every_metric_of_every_draw_is_that_of_the_resampled_cases(kind, partitions):
    random = generator(0, "draws")
    cases = KINDS[kind](random, folds=2, seeds=2, partitions=partitions)
    panel = to_panel(cases, kind)
    groups = sorted(cases["group"].unique())
    weights = random.multinomial(len(groups), np.ones(len(groups)) / len(groups), size=6)
    weights[0] = np.eye(len(groups))[3] * 2
    found = scorer(panel)(Drawn(weights.astype(float)))
    assert np.isnan(found).any() == (kind == "classification")
    for d, weight in enumerate(weights):
        drawn = resampled(cases, dict(zip(groups, weight, strict=True)))
        for a, arm in enumerate("ab"):
            for s in range(2):
                slow = training_scores(drawn[(drawn["arm"] == arm) & (drawn["seed"] == s)], kind)
                assert found[:, a, s, d] == pytest.approx(slow, abs=1e-12, nan_ok=True)


def test_the_scores_without_a_group_are_those_of_the_other_cases_if_its_class_keeps_its_share():
    cases = random_cases(generator(4, "left out"), groups=9, partitions=True)
    panel = to_panel(cases, "classification")
    found, groups = without_each_group(panel), np.array(sorted(cases["group"].unique()))
    for g in range(len(groups)):
        same = panel.strata == panel.strata[g]
        # n / (n - 1) times the others of the class, in whole numbers: scores depend on ratios of weights alone
        weight = np.where(same, same.sum(), same.sum() - 1) if same.sum() > 1 else np.ones(len(groups), dtype=int)
        weight[g] = 0
        others = resampled(cases, dict(zip(groups, weight, strict=True)))
        for (arm, seed), part in others.groupby(["arm", "seed"]):
            slow = training_scores(part, "classification")
            assert found[:, "ab".index(arm), seed, g] == pytest.approx(slow, abs=1e-12, nan_ok=True)


def test_metrics_of_an_absent_class_are_undefined_as_the_conventions_say():
    cases = random_cases(generator(0, "absent"), arms=["a"], folds=1, seeds=1)
    cases = cases.assign(label="x", predicted="y", correct=False)
    found = dict(
        zip(
            names("classification", list("xyz")),
            fold_scores(to_panel(cases, "classification"))[:, 0, 0, 0],
            strict=True,
        )
    )
    undefined = {name for name, value in found.items() if np.isnan(value)}
    assert undefined == {"auroc", "sensitivity_y", "sensitivity_z", "f1_z"}
    assert {found[name] for name in found if name not in undefined and name != "ece"} == {0}


def test_calibration_error_by_hand():
    frame = {
        "p_x": [0.95, 0.95, 0.3, 1.0],
        "p_y": [0.05, 0.05, 0.7, 0.0],
        "predicted": list("xxyx"),
        "label": list("xyyx"),
    }
    cases = pd.DataFrame({**frame, "case": list("abcd"), "group": list("abcd"), "fold": 0, "seed": 0, "arm": "a"})
    # Three cases in [0.9, 1]: 2 of 3 right at 0.9667; one in [0.7, 0.8): right at 0.7.
    ece = names("classification", ["x", "y"]).index("ece")
    assert fold_scores(to_panel(cases, "classification"))[ece, 0, 0, 0] == pytest.approx((0.9 + 0.3) / 4)


def test_a_confidence_on_an_edge_falls_in_the_bin_above_it_and_certainty_in_the_last():
    assert confidence_bin(np.array([0.0, 0.1, 0.3, 0.6, 0.7, 0.8999, 0.9, 1.0])).tolist() == [0, 1, 3, 6, 7, 8, 9, 9]


def test_pairs_by_hand():
    values = np.array([[[0.5, 0.2, 0.5, 0.4]]])
    found = concordance(values, np.array([True, False, False, True]), np.array([0, 0, 1, 1]))
    assert (found.positives.tolist(), found.negatives.tolist()) == ([1, 1], [1, 1])
    assert found.won[0, 0].tolist() == [[1, 0.5], [1, 0]]


@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_both_forms_of_pairs_are_those_of_every_pair(counted, seed):
    random = generator(seed, "pairs")
    group = np.sort(random.permutation(np.arange(30) % 7))
    positive, scores = random.random(30) < 0.4, random.integers(9, size=(2, 3, 30)) / 8  # with ties
    weights = random.random((5, 7)) * (random.random((5, 7)) < 0.8)
    pairs = sorted_cases(scores, positive, group)
    pairs = counted_pairs(pairs) if counted else pairs
    for a, s in np.ndindex(2, 3):
        above = np.sign(scores[a, s][:, None] - scores[a, s]) / 2 + 0.5
        every = above * positive[:, None] * ~positive
        by_group = np.array([[every[group == g][:, group == h].sum() for h in range(7)] for g in range(7)])
        for d, weight in enumerate(weights):
            assert pairs.won_in(weights)[a, s, d] == pytest.approx(weight @ by_group @ weight, abs=1e-12)
            assert pairs.won_with(weights)[a, s, d] == pytest.approx((by_group + by_group.T) @ weight, abs=1e-12)
        assert pairs.won_inside()[a, s].tolist() == np.diag(by_group).tolist()


@pytest.mark.parametrize(("cases", "form"), [(20, CountedPairs), (2000, SortedCases)])
def test_the_form_of_pairs_depends_on_the_number_of_groups(cases, form):
    random, group = generator(cases, "form"), np.arange(cases)
    assert isinstance(concordance(random.random((1, 1, cases)), random.random(cases) < 0.3, group), form)


def test_medians_of_odd_and_even_numbers_of_values():
    ascending, owner = np.array([0.1, 0.4, 0.6, 0.9]), np.array([0, 1, 0, 2])
    weights = np.array([[1, 1, 1], [1, 1, 0], [0, 3, 1], [0, 2, 2], [0, 0, 1]], dtype=float)
    assert medians(ascending, owner, weights).tolist() == pytest.approx([0.5, 0.4, 0.4, 0.65, 0.9])


def test_metrics_are_named_in_the_order_of_the_tables():
    whole, of_two = names("classification", []), names("classification", ["x", "y"])
    assert whole[0] == "accuracy"
    assert of_two[: len(whole)] == whole
    of_x, of_y = np.split(np.array(of_two[len(whole) :]), 2)
    assert of_x[:3].tolist() == ["sensitivity_x", "precision_x", "f1_x"]
    assert [name.replace("_x", "_y") for name in of_x] == of_y.tolist()
    assert names("segmentation", [])[:2] == ["dice", "median_dice"]


def test_chunks_hold_every_draw_once():
    assert sum(size for _, size in chunks(12_345)) == 12_345
    assert [number for number, _ in chunks(2_001)] == [0, 1, 2]
