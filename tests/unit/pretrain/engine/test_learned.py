import math

import pandas as pd
import pytest

from uscl.pretrain.engine.learned import Learned, learned
from uscl.training.losses import cross_entropy_levels, nt_xent_levels

CHANCE, IDEAL = nt_xent_levels(32)


def history(losses, **changed):
    columns = {"loss": losses, "chance_loss": CHANCE, "ideal_loss": IDEAL, "validation_loss": 2.0}
    columns |= {"validation_chance_loss": 2.5, "movement": 0.3, "start_loss": CHANCE, "uniformity": -2.0}
    return pd.DataFrame(columns | changed)


def test_the_losses_are_means_over_the_last_tenth_of_the_epochs():
    found = learned(history([4.0] * 18 + [3.0, 2.0]))
    assert found.loss == 2.5
    assert (found.chance, found.ideal, found.movement) == (pytest.approx(CHANCE), pytest.approx(IDEAL), 0.3)
    assert learned(history([4.0, 3.0])).loss == 3.0


def test_three_epochs_of_a_warm_up_are_at_chance():
    # A Meta-USCL pretraining of a public study, whose chance is 4.143.
    found = learned(history([4.138, 4.143, 4.132]))
    assert found.fault == "at chance: training loss 4.13, chance 4.14"
    assert found.verdict == found.fault


@pytest.mark.parametrize(("way", "fault"), [(0.09, True), (0.11, False)])
def test_a_tenth_of_the_way_from_chance_to_the_ideal_counts_as_learned(way, fault):
    found = learned(history([CHANCE - way * (CHANCE - IDEAL)]))
    assert found.way == pytest.approx(way)
    assert bool(found.fault) == fault


@pytest.mark.parametrize(("gain", "fault"), [(0.09, True), (0.11, False)])
def test_what_the_starting_weights_bring_along_is_not_learned(gain, fault):
    # Weights from a file that have covered a third of the way.
    start = CHANCE - (CHANCE - IDEAL) / 3
    found = learned(history([start - gain * (CHANCE - IDEAL)], start_loss=start))
    assert found.gain == pytest.approx(gain)
    assert found.way == pytest.approx(1 / 3 + gain)
    assert bool(found.fault) == fault


def test_imagenet_weights_that_were_not_trained_are_at_their_start():
    # A batch of 12 simulated videos at a temperature of 0.1, the same weights before and after.
    chance, ideal = nt_xent_levels(12, 0.1)
    start = chance - 0.2 * (chance - ideal)
    found = learned(history([start], chance_loss=chance, ideal_loss=ideal, start_loss=start, validation_loss=2.2))
    assert found.verdict == f"at its start: training loss {start:.2f}, before training {start:.2f}"


def test_a_start_above_chance_gains_from_chance_only():
    assert learned(history([CHANCE], start_loss=CHANCE + 1)).gain == 0


# Last epochs of SimCLR (60 steps), interpolated pairs (90 steps) and USCL (60 steps) on the embedded pool: mean loss of
# the batches, their number of pairs, the loss of the first epoch, validation loss at the end; 6 validation videos.
@pytest.mark.parametrize(
    ("loss", "batches", "first", "validation", "verdict"),
    [
        (3.552, [27, 27], 3.973, 2.066, "learned: training loss 3.55, chance 3.97, ideal 2.08"),
        (3.129, [32, 32, 2], 3.149, 2.394, "at chance: training loss 3.13, chance 3.13"),
        (3.568, [27, 27], 3.845, 2.674, "at chance on held-out videos: validation loss 2.67, chance 2.40"),
    ],
)
def test_trainings_of_the_embedded_study_have_the_verdicts_that_their_losses_give(
    loss, batches, first, validation, verdict
):
    chance, ideal = (sum(level) / len(batches) for level in zip(*map(nt_xent_levels, batches), strict=True))
    levels = {"chance_loss": chance, "ideal_loss": ideal, "start_loss": first}
    held_out = {"validation_loss": validation, "validation_chance_loss": nt_xent_levels(6).chance}
    assert learned(history([loss], **levels, **held_out)).verdict == verdict


def test_a_training_that_helps_with_no_other_video_is_at_chance_there():
    found = learned(history([2.5], validation_loss=2.6))
    assert found.verdict == "at chance on held-out videos: validation loss 2.60, chance 2.50"
    assert learned(history([2.5])).verdict == "learned: training loss 2.50, chance 4.14, ideal 2.24"


def test_a_perfect_loss_of_projections_that_are_all_alike_is_a_collapse():
    byol = {"chance_loss": 4.0, "ideal_loss": 0.0, "start_loss": 3.9, "validation_loss": 2.499}
    assert learned(history([0.1], **byol)).fault is None
    found = learned(history([0.1], **byol, uniformity=-0.002))
    assert found.verdict == "collapsed: all projections are alike (uniformity -0.002)"


def test_the_class_terms_of_uscl_do_not_count():
    assert learned(history([4.3], contrastive_loss=2.5)).loss == 2.5


def test_an_arm_that_was_not_trained_has_no_verdict():
    assert learned(pd.DataFrame({"epoch": [0], "validation_loss": [2.5]})) is None


def test_levels_are_those_of_equal_views_and_of_orthogonal_pairs():
    import torch

    from uscl.training.losses import nt_xent_per_view

    same = torch.ones(5, 8)
    assert nt_xent_per_view(same, same, 0.2).mean().item() == pytest.approx(nt_xent_levels(5, 0.2).chance, rel=1e-5)
    apart = torch.eye(5)
    assert nt_xent_per_view(apart, apart, 0.2).mean().item() == pytest.approx(nt_xent_levels(5, 0.2).ideal, rel=1e-5)
    assert nt_xent_levels(32).chance == pytest.approx(math.log(63))
    assert cross_entropy_levels([3, 1, 0]).chance == pytest.approx(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))


def test_the_way_needs_no_history():
    assert Learned(3.0, 4.0, 2.0, 4.0, 1.0, 2.0, 0.1).way == 0.5
