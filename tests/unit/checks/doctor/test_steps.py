import pytest
from stores import bright_or_dark_store, sound_manifest

from uscl.checks.doctor.findings import note, ok
from uscl.checks.doctor.steps import step_findings, steps_of_epoch, videos_of
from uscl.checks.feasible.pretraining import all_settings, plan
from uscl.data.manifest import write_manifest
from uscl.pretrain.pairs.pool_parts import Shares

ARMS = {"short": {"method": "simclr", "epochs": 30}, "long": {"method": "simclr", "epochs": 300}}
SHARES = {"validation": 0.1, "meta": 0.2}


def test_an_arm_of_too_few_steps_is_noted():
    (found,) = step_findings(ARMS, SHARES, 72)  # 50 to train on, two steps per epoch
    assert found == note(
        "methods.short: 60 steps in all (`epochs: 30`) may teach it nothing, because SimCLR from random weights needs"
        " up to 100 to leave chance: raise `epochs` to 50 or more, or add videos to the pool."
    )


def test_enough_steps_an_unknown_pool_and_nothing_to_train():
    assert step_findings({"long": ARMS["long"]}, SHARES, 72) == [
        ok("every arm that starts from random weights takes 100 steps or more")
    ]
    from_imagenet = {"short": ARMS["short"] | {"init": "imagenet"}}
    assert [found.mark for found in step_findings(from_imagenet, SHARES, 72)] == ["ok"]
    assert step_findings(ARMS, SHARES, None) == [note("steps per arm: unknown until the pool is read")]
    assert step_findings({"start": {"method": "untrained"}}, SHARES, 72) == []


@pytest.mark.parametrize("groups", [8, 23, 60])
@pytest.mark.parametrize("given", [{}, {"train_on": "all"}, {"remainder": "drop"}])
def test_the_estimate_agrees_with_the_divided_pool(groups, given):
    settings = {"method": "simclr", "batch_size": 8} | given
    exact = plan(settings, Shares(**SHARES), 0, bright_or_dark_store(groups=groups).manifest, frozenset())
    assert steps_of_epoch(all_settings(settings), SHARES, groups) == len(exact.steps)


def test_the_number_of_videos_comes_from_the_store_else_the_settings_else_the_registry(tmp_path):
    entry = {"expected": {"videos": 40}}
    simulated = {"simulate": {"kind": "pool", "patients": 24, "videos": 3}}
    assert videos_of(simulated, None, tmp_path) == 72
    assert videos_of({"simulate": {"kind": "pool", "patients": 24}}, None, tmp_path) is None
    assert videos_of({"reader": "covid_blues"}, entry, tmp_path) == 40
    assert videos_of({"reader": "covid_blues", "partial": True}, entry, tmp_path) is None
    assert videos_of({"kind": "video_folder"}, None, tmp_path) is None
    write_manifest(sound_manifest(5, video=list("abcde")), tmp_path)
    assert videos_of(simulated, entry, tmp_path) == 5
