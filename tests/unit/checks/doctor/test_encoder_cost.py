"""What the doctor knows about the cost of each arm's encoder."""

import subprocess
import sys

import pytest

from uscl.checks.doctor import encoder_cost
from uscl.checks.doctor.encoder_cost import cost_finding, inputs_of, measured, step_seconds, weights

SMALL, LARGE = "tf_efficientnet_lite0", "timm/resnet50"
CONFIG = {
    "encoder": SMALL,
    "frame_size": 64,
    "methods": {
        "imagenet": {"method": "imagenet"},
        "simclr": {"method": "simclr", "epochs": 10},
        "untrained": {"method": "untrained", "epochs": 3},
        "byol": {"method": "byol", "epochs": 10, "encoder": LARGE, "input_size": 96},
        "feats": {"method": "features", "file": "features.parquet"},
    },
}


def test_every_arm_with_an_encoder_has_its_architecture_and_size():
    small, large = (SMALL, 64), (LARGE, 96)
    assert inputs_of(CONFIG) == {"imagenet": small, "simclr": small, "untrained": small, "byol": large}


def test_costs_are_measured_only_if_the_arms_differ(monkeypatch):
    monkeypatch.setattr(encoder_cost, "step_seconds", lambda arch, size: {SMALL: 0.5, LARGE: 2.0}[arch])
    seconds = measured(inputs_of(CONFIG))
    assert seconds == {(SMALL, 64): 0.5, (LARGE, 96): 2.0}
    (finding,) = cost_finding(seconds)
    assert finding.text.endswith("on one core: tf_efficientnet_lite0 at 64 px 1.0, timm/resnet50 at 96 px 4.0.")
    alike = measured({"a": (SMALL, 64), "b": (SMALL, 64)})
    assert alike == {(SMALL, 64): 1.0}
    assert cost_finding(alike) == []


def test_a_pretraining_costs_its_epochs_steps_and_encoder_and_other_jobs_the_encoder():
    found = weights(CONFIG, {(SMALL, 64): 0.5, (LARGE, 96): 2.0})
    assert found["pretrain"] == pytest.approx({"simclr": 5.0, "untrained": 0.5, "byol": 2.0 * 10 * 1.3})
    for rule in ("features", "finetune", "authors_protocol"):
        assert found[rule] == {"imagenet": 0.5, "simclr": 0.5, "untrained": 0.5, "byol": 2.0}


def test_a_step_is_timed_and_nothing_heavy_is_imported_otherwise():
    assert 0 < step_seconds("resnet18", 32) < 60
    code = (
        "import sys; from uscl.checks.doctor.encoder_cost import measured; measured({'a': ('resnet18', 64)});"
        " sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
