"""Kept models predict as their evaluations did: by `uscl predict`, through MLflow, and as ONNX."""

import json
import os
import subprocess
import sys

import mlflow
import numpy as np
import onnxruntime
import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

from tests.integration.calls import ROOT
from uscl.data.picture_box import boxes_of, inside
from uscl.data.store import FrameStore

pytestmark = pytest.mark.e2e

CLASSIFIED = [("pocus", "finetune", "sim_lung"), ("pocus", "linear", "sim_lung"), ("busi", "knn", "sim_breast")]
SEGMENTED = ("segmentation", "finetune", "sim_breast")
classified = pytest.mark.parametrize(("task", "regime", "dataset"), CLASSIFIED)
everything = pytest.mark.parametrize(("task", "regime", "dataset"), [*CLASSIFIED, SEGMENTED])


def cell(project, task, regime):
    return project / f"results/cells/{task}/{regime}/labels100/imagenet/seed0"


def uscl(project, *words):
    """A call of the command from the project's folder; what it prints."""
    code = "from uscl.command.main import main; main()"
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    run = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        cwd=project,
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def stored(project, task, regime, dataset, fold=0):
    """The store, and the predictions of a fold's test part with their rows in it."""
    predictions = pd.read_parquet(cell(project, task, regime) / "predictions.parquet")
    store = FrameStore.open(project / "results/frames" / dataset)
    known = store.manifest[["case", "row", "file", "frame"]]
    return store, predictions[predictions["fold"] == fold].merge(known, on="case", validate="one_to_one")


def model(project, task, regime, fold=0):
    return cell(project, task, regime) / f"models/fold{fold}.safetensors"


@everything
def test_the_models_of_every_fold_are_kept_and_belong_to_the_outcome(project, task, regime, dataset):
    names = {f"models/fold{fold}.safetensors" for fold in (0, 1)}
    outcome = json.loads((cell(project, task, regime) / "outcome.json").read_text())
    assert names <= outcome["files"].keys()
    assert {f"models/{path.name}" for path in (cell(project, task, regime) / "models").iterdir()} == names


@classified
def test_predict_on_the_source_files_gives_the_stored_predictions(project, tmp_path, task, regime, dataset):
    uscl(
        project, "predict", f"results/raw/{dataset}", "--model", model(project, task, regime), "--out", tmp_path / "out"
    )
    found = pd.read_csv(tmp_path / "out/frames.csv")
    _, expected = stored(project, task, regime, dataset)
    both = expected.merge(found, on=["file", "frame"], suffixes=("", "_again"), validate="one_to_one")
    assert len(both) == len(expected)
    for name in (column for column in expected if column.startswith("p_")):
        np.testing.assert_allclose(both[f"{name}_again"], both[name], rtol=0, atol=1e-6)


def test_predict_gives_the_stored_lesions_as_tables_and_pictures(project, tmp_path):
    task, regime, dataset = SEGMENTED
    uscl(
        project, "predict", f"results/raw/{dataset}", "--model", model(project, task, regime), "--out", tmp_path / "out"
    )
    found = pd.read_csv(tmp_path / "out/frames.csv")
    store, expected = stored(project, task, regime, dataset)
    both = expected.merge(found, on=["file", "frame"], suffixes=("", "_again"), validate="one_to_one")
    assert len(both) == len(expected)
    pixels = [np.unpackbits(np.frombuffer(mask, np.uint8)).sum() for mask in both["predicted_mask"]]
    areas = [box.height * box.width for box in boxes_of(store.manifest.iloc[both["row"]])]
    np.testing.assert_allclose(both["lesion_share"], np.array(pixels) / areas, rtol=0, atol=1e-6)
    assert all((tmp_path / "out" / name).stat().st_size for name in [*both["mask"], *both["overlay"]])


def logged(project, name):
    """The models that a run of the study's store has, and the client."""
    address = f"sqlite:///{project / 'results/mlflow.db'}"
    mlflow.set_tracking_uri(address)
    client = MlflowClient(address)
    ids = [one.experiment_id for one in client.search_experiments()]
    (run,) = client.search_runs(ids, filter_string=f"tags.`uscl.key` = '{name}'")
    return client, run


@everything
def test_mlflow_loads_every_model_and_it_gives_the_stored_predictions(project, task, regime, dataset):
    client, run = logged(project, f"{task}/{regime}/imagenet/seed0/fold0")
    (output,) = run.outputs.model_outputs
    known = client.get_logged_model(output.model_id)
    _, pretraining = logged(project, "pretrain/imagenet/seed0")
    assert known.status == "READY"
    assert known.source_run_id == run.info.run_id
    assert known.tags["pretraining_run_id"] == pretraining.info.run_id
    assert f"**{task}/{regime}/imagenet/seed0/fold0**" in known.tags["mlflow.note.content"]
    loaded = mlflow.pyfunc.load_model(f"models:/{output.model_id}")
    assert loaded.metadata.signature.inputs.inputs[0].type == np.uint8
    place = known.artifact_location.removeprefix("file://")
    assert loaded.metadata.load_input_example(place).shape == (1, 64, 64)
    store, expected = stored(project, task, regime, dataset)
    # In the batches of the evaluation, since rounding depends on the size of a batch (1e-6 of a probability).
    found = loaded.predict(np.array(store.frames))
    found = found.iloc[expected["row"]].reset_index(drop=True) if task != "segmentation" else found[expected["row"]]
    if task != "segmentation":
        columns = [column for column in expected if column.startswith("p_")]
        np.testing.assert_allclose(found[columns], expected[columns], rtol=0, atol=1e-6)
        return
    found &= inside(store.manifest.iloc[expected["row"]], 64)
    assert [np.packbits(mask.astype(bool)).tobytes() for mask in found] == expected["predicted_mask"].tolist()


def test_a_run_in_mlflow_names_the_models_of_all_its_folds(project, tmp_path):
    task, regime, dataset = CLASSIFIED[1]
    _, run = logged(project, f"{task}/{regime}/imagenet/seed0")
    for name, out in ((f"runs:/{run.info.run_id}", "a"), (cell(project, task, regime), "b")):
        uscl(project, "predict", f"results/frames/{dataset}", "--model", name, "--out", tmp_path / out)
    assert (tmp_path / "a/frames.csv").read_bytes() == (tmp_path / "b/frames.csv").read_bytes()


@everything
def test_onnx_gives_the_stored_predictions(project, tmp_path, task, regime, dataset):
    file = tmp_path / "model.onnx"
    uscl(project, "export", model(project, task, regime), "--format", "onnx", "--out", file)
    store, expected = stored(project, task, regime, dataset)
    frames = np.array(store.frames[expected["row"]])[:, None].astype(np.float32) / 255
    (found,) = onnxruntime.InferenceSession(file).run(None, {"frames": frames})
    if task != "segmentation":
        columns = [column for column in expected if column.startswith("p_")]
        np.testing.assert_allclose(found, expected[columns], rtol=0, atol=1e-4)
        return
    masks = (found[:, 0] > 0.5) & inside(store.manifest.iloc[expected["row"]], 64)
    before = np.stack([np.unpackbits(np.frombuffer(mask, np.uint8)) for mask in expected["predicted_mask"]])
    differing = masks.reshape(len(masks), -1) != before.astype(bool)
    assert (np.abs(found.reshape(len(masks), -1)[differing] - 0.5) < 1e-4).all()
