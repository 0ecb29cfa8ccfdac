"""What a call refuses when it reads the study, before Snakemake plans anything."""

from pathlib import Path

import pytest
import yaml

from uscl.base.errors import UserError
from uscl.checks.call import check_machine
from uscl.study.planning import plan

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # which `plan` sets for the processes of jobs


def tiny(**changes):
    return yaml.safe_load((ROOT / "tests/integration/tiny.yaml").read_text()) | changes


def test_results_that_cannot_be_written_to_are_one_sentence(tmp_path):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(UserError, match=rf"^Config: {file} can't be written to: .*`results`"):
        plan(tiny(results=str(file)), [], ROOT)


def test_a_call_from_a_folder_that_cannot_be_written_to_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".snakemake").touch()  # as root, any folder can be written to
    with pytest.raises(UserError, match=rf"{tmp_path}/\.snakemake can't be written to: .*--snakefile {ROOT}/Snakefile"):
        plan(tiny(results=str(tmp_path / "results")), [], ROOT)


def test_an_encoder_that_the_study_itself_makes_may_come_later(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = tiny()
    config["methods"]["uscl"]["init"] = "results/encoders/simclr/seed0/encoder.safetensors"
    study = plan(config, [], ROOT)
    assert study.initial_weights("uscl") == ["results/encoders/simclr/seed0/encoder.safetensors"]
    assert study.initial_inputs("uscl") == ["results/encoders/simclr/seed0/outcome.json"]
    assert study.initial_inputs("simclr") == []


def test_a_folder_with_a_brace_in_its_name_is_refused(tmp_path, monkeypatch):
    (tmp_path / "a{b").mkdir()
    monkeypatch.chdir(tmp_path / "a{b")
    with pytest.raises(UserError, match="a brace in its path"):
        plan(tiny(), [], ROOT)


@pytest.mark.e2e
def test_a_study_for_the_gpu_on_a_machine_without_one_is_one_sentence(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    study = plan(tiny(device="cuda"), [], ROOT)
    with pytest.raises(UserError, match="torch finds no usable GPU here: set `device: cpu`"):
        check_machine(study, ["simclr"], 1)
