"""Kept models as MLflow's logged models: signature, input example, card, and the run of the encoder's pretraining.

On this machine a logged model refers to its file in the results, since a copy would double what models take on the
disk; a store on a server gets the file itself.
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow.entities import LoggedModelOutput, Metric
from mlflow.entities import Run as Logged
from mlflow.models import ModelSignature
from mlflow.tracking import MlflowClient
from mlflow.types import ColSpec, Schema, TensorSpec
from mlflow.utils import mlflow_tags

from uscl.models.logged_model import DATA, ENCODER_FILE, LOADER, MODEL_FILE, REFERENCE
from uscl.models.model_file import PROBES, SEGMENTER, read_record
from uscl.tracking.model_card import card
from uscl.tracking.run import KeptModel, Run

LOCAL = ("file:", "/")  # how the addresses of artifacts on this machine begin
NEEDED = (
    "torch",
    "torchvision",
    "timm",
    "segmentation_models_pytorch",
    "numpy",
    "pandas",
    "opencv-python-headless",
    "av",
)
PRETRAIN, KEY = "pretrain", "uscl.key"


def log_model(client: MlflowClient, run_id: str, run: Run, model: KeptModel) -> None:
    """Log the model of a fold's run."""
    record, params = read_record(model.file), run.record["params"]
    number = client.get_run(run_id).info.experiment_id
    above = pretraining(client, number, f"{PRETRAIN}/{params['arm']}/seed{params['seed']}")
    tags = {name: str(params[name]) for name in ("arm", "task", "regime", "labels", "seed", "fold")}
    tags |= {"sha256": model.sha256, mlflow_tags.MLFLOW_RUN_NOTE: card(record, run.name, above)}
    if above:
        tags |= {"pretraining_run": above.data.tags[KEY], "pretraining_run_id": above.info.run_id}
    name = run.name.replace("/", "-")
    logged = client.create_logged_model(number, name, run_id, tags, params_of(record), model_type=record["form"])
    with tempfile.TemporaryDirectory() as folder:
        data, whole = Path(folder, Path(DATA).name), Path(folder, "logged")
        data.mkdir()
        fill(data, model, record, local=logged.artifact_location.startswith(LOCAL))
        save(whole, data, record, run.record)
        (whole / "README.md").write_text(card(record, run.name, above), encoding="utf-8")
        client.log_model_artifacts(logged.model_id, str(whole))
    client.finalize_logged_model(logged.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
    client.log_batch(run_id, metrics=metrics_of(record, run, logged.model_id, run_id))


def metrics_of(record: dict[str, Any], run: Run, model_id: str, run_id: str) -> list[Metric]:
    """The model's own scores, as metrics of the model."""
    when = run.ended or run.started
    found = {f"model/{name}": value for name, value in record["metrics"].items() if isinstance(value, float)}
    return [Metric(name, value, when, 0, model_id=model_id, run_id=run_id) for name, value in found.items()]


def pretraining(client: MlflowClient, experiment: str, name: str) -> Logged | None:
    """The run of an encoder in the same study; None if it isn't logged."""
    study = client.get_experiment(experiment).name.rpartition("/")[0]
    found = client.get_experiment_by_name(f"{study}/{PRETRAIN}")
    if found is None:
        return None
    runs = client.search_runs([found.experiment_id], filter_string=f"tags.`{KEY}` = '{name}'")
    return next(iter(runs), None)


def params_of(record: dict[str, Any]) -> dict[str, str]:
    """What a model is, for MLflow's table of models."""
    found = {name: record[name] for name in ("form", "size", "precision")}
    found |= {"classes": ", ".join(record["classes"]), "training_cases": record["training_cases"]["count"]}
    return {name: str(value) for name, value in found.items()}


def fill(data: Path, model: KeptModel, record: dict[str, Any], *, local: bool) -> None:
    """Write what the loader needs: a reference to the file, or the file, and with a probe its encoder."""
    if local:
        reference = {"file": str(model.file.resolve()), "sha256": model.sha256}
        (data / REFERENCE).write_text(json.dumps(reference, indent=1), encoding="utf-8")
        return
    shutil.copyfile(model.file, data / MODEL_FILE)
    if record["form"] in PROBES:
        shutil.copyfile(model.file.parent / record["encoder"]["file"], data / ENCODER_FILE)


def save(folder: Path, data: Path, record: dict[str, Any], run: dict[str, Any]) -> None:
    """Write a model in MLflow's format. The example is a gradient: no patient's picture leaves the results."""
    example = np.linspace(0, 255, record["size"] ** 2).astype(np.uint8).reshape(1, record["size"], record["size"])
    mlflow.pyfunc.save_model(
        str(folder),
        loader_module=LOADER,
        data_path=str(data),
        signature=signature(record),
        input_example=example,
        pip_requirements=[
            f"{name}=={run['packages'][name].partition('+')[0]}" for name in NEEDED if name in run.get("packages", {})
        ],
    )


def signature(record: dict[str, Any]) -> ModelSignature:
    """Grey images in; probabilities by class, or masks out."""
    images = Schema([TensorSpec(np.dtype(np.uint8), (-1, -1, -1))])
    if record["form"] == SEGMENTER:
        return ModelSignature(images, images)
    return ModelSignature(images, Schema([ColSpec("double", f"p_{name}") for name in record["classes"]]))


def delete_models(client: MlflowClient, run: Logged) -> None:
    """Delete the models of a run that is deleted."""
    for output in run.outputs.model_outputs if run.outputs else []:
        client.delete_logged_model(output.model_id)
