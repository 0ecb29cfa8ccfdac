"""Kept models in the store: each once, with its card and the run of its encoder, as references to the files."""

import json

import numpy as np
import pytest
from mlflow.models import Model

from tests.unit.tracking.result_folders import CELL_NAME, cell_record, encoder_record
from uscl.base.errors import UserError
from uscl.base.files import file_sha256
from uscl.models.logged_model import MODEL_FILE, file_in
from uscl.models.model_file import save_model
from uscl.tracking.find_models import files_of
from uscl.tracking.logged_models import fill
from uscl.tracking.run import KeptModel, Run
from uscl.tracking.store import experiment, opened
from uscl.tracking.write_runs import log_once

RECORD = {
    "form": "linear",
    "classes": ["benign", "malignant"],
    "size": 32,
    "precision": "32-true",
    "arm": "simclr",
    "task": "pocus",
    "seed": 0,
    "encoder": {"file": "encoder.safetensors", "sha256": "e"},
    "metrics": {"score": "balanced_accuracy", "validation_score": 0.75, "test_score": 0.5, "validation_loss": 0.6},
    "training_cases": {"count": 4, "sha256": "1f" * 32},
    "origin": {"commit": "abc", "data_sha256": "d" * 64},
    "seen": {"height": [300.0, 400.0], "width": [300.0, 400.0]},
}


@pytest.fixture
def model(tmp_path):
    """A model file."""
    file = tmp_path / "models/fold0.safetensors"
    save_model(file, {"weight": np.zeros((2, 3))}, RECORD)
    return KeptModel(file, file_sha256(file))


def training(model, started=1000.0):
    """The run of a training with one fold."""
    record = cell_record(started=started)
    params = record["params"] | {"fold": 0}
    fold = record | {"name": f"{CELL_NAME}/fold0", "params": params, "started": started, "ended": started + 1}
    return Run(record, children=(Run(fold, model=model),))


def log(results, run, name="pocus"):
    address = f"sqlite:///{results / 'mlflow.db'}"
    with opened(address) as client:
        ids, _ = log_once(client, experiment(client, address, f"study/{name}"), run)
        return client, ids


def models_of(client, run_id):
    return [client.get_logged_model(output.model_id) for output in client.get_run(run_id).outputs.model_outputs]


def test_a_model_is_logged_once_with_its_card_its_scores_and_its_encoder(results, model):
    _, encoder = log(results, Run(encoder_record("simclr")), "pretrain")
    client, ids = log(results, training(model))
    assert log(results, training(model))[1] == ids
    (logged,) = models_of(client, ids[f"{CELL_NAME}/fold0"])
    assert logged.status == "READY"
    assert logged.source_run_id == ids[f"{CELL_NAME}/fold0"]
    assert logged.tags["pretraining_run_id"] == encoder["pretrain/simclr/seed0"]
    card = logged.tags["mlflow.note.content"]
    assert "logistic regression on the features of a frozen encoder" in card
    assert "balanced accuracy 0.500 on the test part" in card
    assert f"run {encoder['pretrain/simclr/seed0']}" in card
    assert {metric.key: metric.value for metric in logged.metrics}["model/test_score"] == 0.5
    assert logged.params["classes"] == "benign, malignant"
    kept = Model.load(logged.artifact_location.removeprefix("file://"))
    assert kept.signature.outputs.input_names() == ["p_benign", "p_malignant"]
    assert not list((results / "mlartifacts").rglob("*.safetensors"))  # a reference, not a second file


def test_a_repeated_training_deletes_the_models_of_the_old_one(results, model):
    client, old = log(results, training(model))
    (before,) = models_of(client, old[f"{CELL_NAME}/fold0"])
    client, new = log(results, training(model, started=2000.0))
    assert new != old
    found = client.search_logged_models([before.experiment_id])
    assert [one.source_run_id for one in found] == [new[f"{CELL_NAME}/fold0"]]


def test_a_run_names_the_files_of_its_models(results, model, monkeypatch):
    client, ids = log(results, training(model))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{results / 'mlflow.db'}")
    (logged,) = models_of(client, ids[f"{CELL_NAME}/fold0"])
    for name in (f"runs:/{ids[f'{CELL_NAME}/fold0']}", f"runs:/{ids[CELL_NAME]}", f"models:/{logged.model_id}"):
        assert files_of(name) == [model.file.resolve()]
    with pytest.raises(UserError, match=r"^runs:/none can't be used \("):
        files_of("runs:/none")
    model.file.write_bytes(b"another")
    with pytest.raises(UserError, match="is not the one that was logged"):
        files_of(f"models:/{logged.model_id}")
    model.file.unlink()
    with pytest.raises(UserError, match="is missing: the results folder was moved or removed"):
        files_of(f"models:/{logged.model_id}")


def test_a_run_without_a_model_is_one_sentence(results, monkeypatch):
    _, ids = log(results, Run(encoder_record("simclr")), "pretrain")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{results / 'mlflow.db'}")
    with pytest.raises(UserError, match="has no model: its study did not keep any"):
        files_of(f"runs:/{ids['pretrain/simclr/seed0']}")


def test_a_server_gets_the_files_themselves_and_a_probe_brings_its_encoder(model, tmp_path):
    (model.file.parent / "encoder.safetensors").write_bytes(b"an encoder")
    data = tmp_path / "data"
    data.mkdir()
    fill(data, model, RECORD, local=False)
    assert file_in(data) == data / MODEL_FILE
    assert file_sha256(data / MODEL_FILE) == model.sha256
    assert (data / "encoder.safetensors").read_bytes() == b"an encoder"
    other = tmp_path / "other"
    other.mkdir()
    fill(other, model, RECORD, local=True)
    assert json.loads((other / "model.json").read_text())["file"] == str(model.file.resolve())
