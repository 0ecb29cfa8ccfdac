import pytest
from studies import embedded

from tests.unit.checks.doctor.test_jobs import amounts_of
from uscl.checks.doctor.amounts import Amount
from uscl.checks.doctor.disk_space import room


def test_the_embedded_study_takes_what_it_was_seen_to_take(tmp_path):
    config = embedded()
    need = room(config, amounts_of(config, tmp_path), cores=2)
    # Of a finished study, which has no checkpoints any more; in MB.
    for part, megabytes in {"encoders": 108, "frames": 8, "features": 9, "simulated files": 38, "MLflow": 116}.items():
        assert need[part] / 1e6 == pytest.approx(megabytes, rel=0.3), part
    assert sum(need.values()) - need["checkpoints"] == pytest.approx(303e6, rel=0.2)


def test_masks_double_the_frames_and_unknown_sets_take_none():
    config = embedded()
    amounts = dict.fromkeys(config["datasets"], Amount()) | {"sim_lung": Amount(1, 1000, 1000, 1000, 0, False)}
    plain = room(config, amounts, 2)["frames"]
    amounts["sim_lung"] = amounts["sim_lung"]._replace(masks=True)
    assert room(config, amounts, 2)["frames"] - plain == 1000 * 64**2


def test_checkpoints_are_those_of_the_pretrainings_that_run_at_once(tmp_path):
    config = embedded()
    amounts = amounts_of(config, tmp_path)
    one, two, many = (room(config, amounts, cores)["checkpoints"] for cores in (1, 2, 64))
    assert two == 2 * one
    assert many == 4 * one  # four arms are pretrained
    assert room(config | {"device": "cuda"}, amounts, 64)["checkpoints"] == one


def test_without_mlflow_nothing_is_kept_twice(tmp_path):
    config = embedded()
    assert "MLflow" not in room(config | {"tracking": "none"}, amounts_of(config, tmp_path), 2)
