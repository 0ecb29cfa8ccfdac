"""Known spreads come back from simulated studies, and the expected standard error from simulated differences."""

from dataclasses import replace

import numpy as np
import pytest

from uscl.base.seeds import generator
from uscl.stats.fitted_spreads import Evaluation, products, spreads, to_evaluation
from uscl.stats.simulated_power import expected_error, power
from uscl.stats.simulated_scores import World, simulated_scores
from uscl.stats.simulated_tables import world_table

THREE = {"skill": (70.0,) * 3, "luck": (4.0,) * 3, "trainings": (5,) * 3}
WORLD = World(**THREE, strata=(40, 60), arm_patient=20.0, training_patient=10.0, fold_model=6.0)


def evaluations(world, studies, trainings=None):
    drawn = simulated_scores(world, generator(0, "fit"), studies)
    label = np.repeat(np.arange(len(world.strata)), world.strata)
    for study in range(studies):
        scores = np.stack([arm[study, :trainings] for arm in drawn.arms])
        yield Evaluation(["a", "b", "c"], scores, drawn.fold[study], label, drawn.frames[study])


def mean_variances(found):
    """The sds of the mean variances, in the order of `Spreads`, and of the pairs of arms."""
    variances = [[*(sd**2 for sd in one[:5]), (one.pairs["patient"] ** 2).mean()] for one in found]
    return np.sqrt(np.mean(variances, axis=0))


def test_known_spreads_are_recovered():
    difficulty, *others = mean_variances([spreads(one) for one in evaluations(WORLD, 200)])
    assert difficulty == pytest.approx(30, rel=0.05)
    assert others == pytest.approx([20, 10, 6, 4, 20 * 2**0.5], rel=0.05)


def test_with_one_training_its_luck_is_unknown_and_its_patients_count_with_those_of_the_arm():
    _, arm, training, fold_model, luck, _ = mean_variances([spreads(one) for one in evaluations(WORLD, 400, 1)])
    assert arm == pytest.approx((20**2 + 10**2) ** 0.5, rel=0.05)
    assert fold_model == pytest.approx(6, rel=0.15)
    assert np.isnan([training, luck]).all()


def test_deterministic_arms_do_not_dilute_the_luck_of_others():
    one = next(evaluations(WORLD, 1))
    fixed = one.scores.copy()
    fixed[2] = fixed[2, :1]
    with_fixed, without = spreads(one._replace(scores=fixed)), spreads(one._replace(scores=fixed[:2], arms=["a", "b"]))
    assert with_fixed.luck == without.luck
    assert with_fixed.training_patient == without.training_patient


def test_stored_predictions_become_the_scores_of_patients():
    world = replace(WORLD, strata=(12, 18), frames=(1, 4), right_or_wrong=True, frame_noise=50.0)
    drawn = simulated_scores(world, generator(0, "table"), 1)
    shuffled = world_table(world, drawn, 0).sample(frac=1, random_state=0)
    found = to_evaluation(shuffled.assign(arm=shuffled["arm"].astype(str)).sort_values("arm", kind="stable"))
    assert found.scores == pytest.approx(np.stack([arm[0] for arm in drawn.arms]))
    assert (found.fold == drawn.fold[0]).all()
    assert (found.frames == drawn.frames[0]).all()
    assert np.bincount(found.label).tolist() == [12, 18]


def test_products_of_different_patients():
    values, fold = np.array([1.0, -2.0, 3.0, 5.0]), np.array([0, 0, 1, 1])
    slow = [(a * b, f == g) for i, (a, f) in enumerate(zip(values, fold, strict=True))
            for j, (b, g) in enumerate(zip(values, fold, strict=True)) if i != j]  # fmt: skip
    assert products(values) == pytest.approx(sum(product for product, _ in slow))
    assert products(values, fold) == pytest.approx(sum(product for product, same in slow if same))


def test_the_expected_error_is_that_of_simulated_differences_and_power_grows_with_trainings():
    world = replace(WORLD, frames=tuple(range(1, 11)))
    drawn = simulated_scores(world, generator(0, "error"), 3000)
    means = [(arm.mean(axis=1) * drawn.frames).sum(axis=1) / drawn.frames.sum(axis=1) for arm in drawn.arms[:2]]
    assert np.subtract(*means).std() == pytest.approx(expected_error(world), rel=0.05)
    one = next(evaluations(WORLD, 1))
    table = power(one, spreads(one), (3, 10), 10.0, 400, 0)
    shown = table.pivot(index="arms", columns="trainings", values="shown")
    assert (shown[10] > shown[3] + 0.1).all()
    assert (table["shown after Holm"] < table["shown"]).all()
