import logging
import re

import numpy as np
import pytest
from stores import bright_or_dark_store

from uscl.base.errors import UserError
from uscl.checks.feasible.pretraining import check_pool, plan
from uscl.pretrain.pairs.pool import Pool
from uscl.pretrain.pairs.pool_parts import Shares
from uscl.training.device import start

ARMS = {"ours": {"method": "meta_uscl", "batch_size": 4}, "simclr": {"method": "simclr", "batch_size": 4}}
SHARES = {"ours": Shares(0.1, 0.2), "simclr": Shares(0.1)}  # of a study of this arm alone
NOTHING_LEFT_OUT = frozenset()


def pool(groups=12, frames=3, patients=None):
    """The manifest of so many videos, of one patient each or of `patients` in all, and a mask of no blank frames."""
    manifest = bright_or_dark_store(groups=groups, frames=frames).manifest
    if patients:
        manifest["group"] = [f"p{int(video[1:]) % patients}" for video in manifest["video"]]
    return manifest, np.zeros(len(manifest), bool)


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("shares", SHARES.values(), ids=["with a meta set", "without"])
def test_the_plan_is_what_the_pool_is_divided_into(arm, shares):
    store, settings = bright_or_dark_store(groups=23), ARMS[arm]
    found = plan(settings, shares, 3, store.manifest, NOTHING_LEFT_OUT)
    real = Pool(store, start("cpu", "32-true", threads=1), 3, shares)
    assert (found.training, found.validation, found.meta) == tuple(
        len(real.of(part)) for part in ("train", "validation", "meta")
    )
    assert sum(found.steps) == found.training
    assert min(found.steps) >= 2
    assert found.meta_batch == (found.meta if arm == "ours" else 0)


def test_every_arm_trains_on_the_same_videos_even_if_one_alone_needs_the_meta_set():
    manifest, _ = pool(groups=23)
    ours, simclr = (plan(ARMS[arm], SHARES["ours"], 3, manifest, NOTHING_LEFT_OUT) for arm in ("ours", "simclr"))
    assert (ours.training, ours.validation, ours.meta, ours.steps) == simclr[:4]


def test_train_on_all_counts_the_videos_of_the_meta_set():
    manifest, blank = pool(groups=23)
    arms = ARMS | {"more": ARMS["simclr"] | {"train_on": "all"}}
    shared, more = (plan(arms[arm], SHARES["ours"], 3, manifest, NOTHING_LEFT_OUT) for arm in ("simclr", "more"))
    assert shared.meta > 0
    assert more.training == sum(more.steps) == shared.training + shared.meta
    assert more.validation == shared.validation
    lines = check_pool(arms, SHARES["ours"], [3], manifest, blank)
    assert lines[-1].startswith(f"methods.more: {more.training} videos to train on")


def test_dropping_the_remainder_leaves_full_batches_only():
    manifest, _ = pool(groups=23)
    kept = plan(ARMS["simclr"], SHARES["simclr"], 3, manifest, NOTHING_LEFT_OUT)
    dropped = plan(ARMS["simclr"] | {"remainder": "drop"}, SHARES["simclr"], 3, manifest, NOTHING_LEFT_OUT)
    assert kept.training == dropped.training == 21
    assert max(kept.steps) - min(kept.steps) == 1
    assert dropped.steps == [4] * 5


def test_the_lines_give_what_every_arm_is_trained_on():
    manifest, blank = pool(patients=6)
    lines = check_pool(ARMS, SHARES["ours"], [0], manifest, blank, frozenset(["v3"]))
    assert lines[0] == "pool: 11 videos (groups: 6 patients), 33 frames; 1 further video left out by the audit"
    assert len(lines) == 3
    assert lines[1].startswith("methods.ours: ")
    assert "in the meta set (batches of" in lines[1]
    assert "meta" not in lines[2]


@pytest.mark.parametrize("videos", [0, 1, 2, 3])
@pytest.mark.parametrize("arm", ARMS)
def test_too_few_videos_are_refused_with_the_arms_name(arm, videos):
    with pytest.raises(
        UserError, match=rf"methods\.{arm} can't be pretrained\. The pool has {videos} video.*Add videos"
    ):
        check_pool({arm: ARMS[arm]}, SHARES[arm], [0], *pool(groups=videos))


def test_four_videos_are_enough_for_simclr_and_six_for_a_meta_set():
    check_pool({"simclr": ARMS["simclr"]}, SHARES["simclr"], [0], *pool(groups=4))
    for arm in ARMS:
        with pytest.raises(UserError, match="and for the meta set"):
            check_pool({arm: ARMS[arm]}, SHARES["ours"], [0], *pool(groups=5))
    check_pool(ARMS, SHARES["ours"], [0], *pool(groups=6))


def test_one_patient_is_not_enough_however_many_videos():
    with pytest.raises(UserError, match=r"The pool has 30 videos \(groups: 1 patient\): too few to hold out whole"):
        check_pool(ARMS, SHARES["ours"], [0], *pool(groups=30, patients=1))


def test_what_the_audit_leaves_out_counts():
    manifest, blank = pool(groups=8)
    check_pool(ARMS, SHARES["ours"], [0], manifest, blank)
    with pytest.raises(UserError, match=r"The pool has 3 videos \(groups: 3 patients\)"):
        check_pool(ARMS, SHARES["ours"], [0], manifest, blank, frozenset(f"v{number}" for number in range(5)))


def test_of_several_seeds_the_one_with_the_fewest_videos_is_listed():
    manifest, blank = pool(groups=30)
    manifest["group"] = [f"p{int(int(video[1:]) ** 0.5)}" for video in manifest["video"]]  # 3, 5, 7 ... videos
    trained = {
        seed: plan(ARMS["ours"], SHARES["ours"], seed, manifest, NOTHING_LEFT_OUT).training for seed in range(10)
    }
    assert len(set(trained.values())) > 1
    listed = check_pool({"ours": ARMS["ours"]}, SHARES["ours"], range(10), manifest, blank)[1]
    assert listed.startswith(f"methods.ours: {min(trained.values())} videos to train on")


def others(caplog):
    """The warnings, except for those of batches that are small for BatchNorm, which most pools here have."""
    return [message for message in caplog.messages if "BatchNorm takes its statistics" not in message]


@pytest.mark.parametrize(("videos", "batch_size", "few"), [(30, 32, False), (30, 5, True), (9, 32, True)])
def test_batches_that_are_small_for_batchnorm_give_a_warning(caplog, videos, batch_size, few):
    with caplog.at_level(logging.WARNING):
        check_pool({"ours": {"method": "simclr", "batch_size": batch_size}}, Shares(0.1), [0], *pool(videos))
    found = [message for message in caplog.messages if "BatchNorm takes its statistics" in message]
    assert bool(found) == few
    if few:
        assert found[0].startswith("methods.ours: a batch has only ")


def test_devices_without_a_pair_give_a_warning(caplog):
    with caplog.at_level(logging.WARNING):
        check_pool(ARMS, SHARES["ours"], [0], *pool(groups=20), devices=2)
        assert others(caplog) == []
        check_pool({"ours": ARMS["ours"]}, SHARES["ours"], [0], *pool(groups=20), devices=8)
    assert others(caplog) == [
        "methods.ours: a batch has 3 pairs, fewer than `devices: 8`: the other devices only wait."
    ]


def test_a_pool_of_blank_frames_stops_and_a_few_give_a_warning(caplog):
    manifest, blank = pool()
    blank[[4, 5]] = True
    with caplog.at_level(logging.WARNING):
        check_pool(ARMS, SHARES["ours"], [0], manifest, blank)
    assert others(caplog) == ["pool: 2 of 36 frames are blank (one colour, or nearly), such as v1#1."]
    with pytest.raises(UserError, match="pool: all 36 frames are blank"):
        check_pool(ARMS, SHARES["ours"], [0], manifest, np.ones(len(manifest), bool))


@pytest.mark.parametrize(
    ("arms", "pool_of", "warning"),
    [
        ({"ours": {"method": "meta_uscl"}}, {}, "methods.ours: the pool leaves 8 videos to train on, fewer than"),
        (ARMS, {"frames": 1}, "Every video of the pool has a single frame: .* interpolated \\(ours\\)"),
    ],
)
def test_settings_that_are_probably_unintended_give_a_warning(caplog, arms, pool_of, warning):
    with caplog.at_level(logging.WARNING):
        check_pool(arms, SHARES["ours"], [0], *pool(**pool_of))
    assert len(others(caplog)) == 1
    assert re.match(warning, others(caplog)[0])


@pytest.mark.parametrize(("epochs", "few"), [(33, True), (34, False)])
def test_an_arm_of_too_few_steps_gives_a_warning_with_the_epochs_that_it_takes(caplog, epochs, few):
    # Twelve videos, one of them held out: three steps per epoch.
    arms = {"short": {"method": "simclr", "batch_size": 4, "epochs": epochs}, "control": {"method": "untrained"}}
    with caplog.at_level(logging.WARNING):
        check_pool(arms, SHARES["simclr"], [0], *pool())
    found = [message for message in others(caplog) if "methods.short" in message]
    assert bool(found) == few
    if few:
        assert found == [
            "methods.short: 99 steps in all (`epochs: 33`) may teach it nothing, because SimCLR from random weights"
            " needs up to 100 to leave chance: raise `epochs` to 34 or more, or add videos to the pool."
        ]
    assert not any("methods.control" in message and "steps" in message for message in caplog.messages)


@pytest.mark.parametrize(
    ("settings", "long"), [({"warmup_epochs": 40}, True), ({"warmup_epochs": 39}, False), ({}, False)]
)
def test_a_warm_up_as_long_as_the_training_gives_a_warning(caplog, settings, long):
    arms = {"slow": {"method": "simclr", "batch_size": 4, "epochs": 40} | settings}
    with caplog.at_level(logging.WARNING):
        check_pool(arms, SHARES["simclr"], [0], *pool())
    assert [message.startswith("methods.slow: the warm-up of 40 epochs") for message in others(caplog)] == [True] * long


@pytest.mark.parametrize(("label", "classes"), [("", "no labels"), ("bright", "one class only, bright")])
def test_uscl_without_classes_gives_a_warning(caplog, label, classes):
    manifest, blank = pool()
    manifest["label"] = label
    with caplog.at_level(logging.WARNING):
        check_pool({"semi": {"method": "uscl", "batch_size": 4}}, SHARES["simclr"], [0], manifest, blank)
    assert others(caplog) == [f"The pool has {classes}: semi learns nothing from the labels."]


@pytest.mark.parametrize("label", ["", "bright"])
def test_supervised_pretraining_without_classes_is_refused(label):
    manifest, blank = pool()
    arms = {"classes": {"method": "supervised", "batch_size": 4}}
    check_pool(arms, SHARES["simclr"], [0], manifest, blank)
    manifest["label"] = label
    with pytest.raises(UserError) as caught:
        check_pool(arms, SHARES["simclr"], [0], manifest, blank)
    assert str(caught.value) == (
        "methods.classes can't be pretrained. It learns the pool's classes and needs two or more; the videos to train"
        f" on have {1 if label else 0}."
    )


def test_supervised_pretraining_counts_the_labelled_videos_to_train_on():
    manifest, _ = pool(groups=23)
    manifest.loc[manifest["video"].isin(["v0", "v1", "v2", "v3"]), "label"] = ""
    found = plan({"method": "supervised"}, Shares(0.1), 0, manifest, NOTHING_LEFT_OUT)
    every = plan({"method": "simclr"}, Shares(0.1), 0, manifest, NOTHING_LEFT_OUT)
    assert every.training - 4 <= found.training < every.training


@pytest.mark.parametrize("weights", ["oracle", "oracle_shuffled", "anti_oracle"])
def test_true_weights_need_the_truth_about_every_frame(weights):
    manifest, blank = pool()
    arms = {"best": {"method": "meta_uscl", "batch_size": 4, "weights": weights}}
    refused = (
        r"^methods\.best can't be pretrained\. Oracle weights come from the simulator's truth .* or other `weights`\.$"
    )
    known_but_one = np.where(np.arange(len(manifest)) == 7, np.nan, 1.0)
    for states in (np.full(len(manifest), np.nan), known_but_one):
        for known in (manifest.assign(state=states, second_state=states), manifest.assign(state=states)):
            with pytest.raises(UserError, match=refused):
                check_pool(arms, SHARES["simclr"], [0], known, blank)
    check_pool(arms, SHARES["simclr"], [0], manifest.assign(state=1.0, second_state=0.0), blank)
