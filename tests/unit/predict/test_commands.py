"""`uscl predict`, `uscl features` and `uscl export` on models with random weights."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner

from uscl.command.main import main
from uscl.data.decode.image import fit_image, read_image
from uscl.models.checkpoint import load_encoder
from uscl.models.predictors import load_predictor
from uscl.training.augment import as_float

CELL = "cells/busi/finetune/labels100/simclr/seed0"
ROOT = Path(__file__).parents[3]


def uscl(*words):
    return CliRunner().invoke(main, list(map(str, words)))


def succeeds(*words):
    run = uscl(*words)
    assert run.exit_code == 0, run.output
    return run.output


def refused(*words):
    """The one sentence in which a call ends."""
    run = uscl(*words)
    assert run.exit_code == 1, run.output
    assert isinstance(run.exception, SystemExit)
    (line,) = [line for line in run.output.splitlines() if line.startswith("Error: ")]
    return line.removeprefix("Error: ")


def frames_of(paths, size=32):
    return as_float(torch.from_numpy(np.stack([fit_image(read_image(path), size) for path in paths])))


def test_predict_gives_the_mean_over_the_folds_of_a_cell_by_frame_and_by_file(results, images, tmp_path):
    said = succeeds("predict", images, "--model", results / CELL, "--out", tmp_path / "out")
    assert "5 frames of 5 files predicted" in said
    frames = pd.read_csv(tmp_path / "out/frames.csv")
    assert frames["case"].tolist() == ["below/p4.png", "p0.png", "p1.png", "p2.png", "p3.png"]
    each = []
    for fold in range(2):
        net, _ = load_predictor(results / CELL / f"models/fold{fold}.safetensors")
        with torch.inference_mode():
            each.append(net(frames_of(images / case for case in frames["case"])).numpy())
    columns = ["p_benign", "p_malignant"]
    np.testing.assert_allclose(frames[columns], np.mean(each, axis=0), atol=1e-6)
    decided = np.array(["benign", "malignant"])[frames[columns].to_numpy().argmax(axis=1)]
    assert frames["predicted"].tolist() == decided.tolist()
    videos = pd.read_csv(tmp_path / "out/videos.csv")
    np.testing.assert_allclose(videos[columns], frames[columns], atol=1e-9)
    assert videos["frames"].tolist() == [1] * 5
    assert not (tmp_path / "out/problems.csv").exists()


def test_a_file_below_a_folder_that_cannot_be_read_is_listed_and_one_that_is_named_stops(results, images, tmp_path):
    folder = tmp_path / "pictures"
    shutil.copytree(images, folder)
    (folder / "bad.png").write_bytes(b"\x89PNG\r\n not really")
    model = ["--model", results / CELL / "models/fold0.safetensors"]
    said = succeeds("predict", folder, *model, "--out", tmp_path / "out")
    assert "1 file could not be read" in said
    assert pd.read_csv(tmp_path / "out/problems.csv")["file"].tolist() == ["bad.png"]
    line = refused("predict", folder / "bad.png", *model, "--out", tmp_path / "other")
    assert line.startswith(f"{folder / 'bad.png'} can't be used: ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "pictures"]


def test_pictures_of_another_kind_are_predicted_and_remarked(results, images, tmp_path):
    cv2.imwrite(str(tmp_path / "white.png"), np.full((300, 40), 250, np.uint8))
    usual = images / "p0.png"
    model = ["--model", results / CELL / "models/fold0.safetensors"]
    said = succeeds("predict", tmp_path / "white.png", usual, *model, "--out", tmp_path / "out")
    assert "1 frame is unlike the training pictures" in said
    remarks = pd.read_csv(tmp_path / "out/frames.csv", keep_default_na=False)["remark"].tolist()
    assert remarks == ["brighter, less contrast, higher than the training pictures", ""]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["no.png", "--model", "{cell}"], "There is no no.png: name an image"),
        (["{images}", "--model", "nowhere"], "There is no nowhere: name a cell"),
        (["{images}", "--model", "{results}/encoders"], "holds no model: name a cell whose models are kept"),
        (["{images}", "--model", "{results}/cells"], "holds the models of 3 cells: name one of them"),
        (
            ["{images}", "--model", "{results}/encoders/simclr/seed0/encoder.safetensors"],
            "is an encoder, which predicts",
        ),
        (["{images}/notes.txt", "--model", "{cell}"], "its ending .txt is none of these"),
        (["{images}", "--model", "{cell}", "--out", "{images}"], "exists already: name another place with --out"),
        (["{images}", "--model", "runs:/123"], "is in an MLflow store, but there is no results/mlflow.db here"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(results, images, tmp_path, monkeypatch, words, sentence):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    given = [word.format(images=images, results=results, cell=results / CELL) for word in words]
    assert sentence in refused("predict", *given)
    assert list(tmp_path.iterdir()) == []


def test_features_are_those_of_the_encoder_with_the_names_of_the_cases(results, images, tmp_path):
    file = results / "encoders/simclr/seed0/encoder.safetensors"
    succeeds("features", images, "--encoder", file.parent, "--size", 32, "--out", tmp_path / "f.parquet")
    table = pd.read_parquet(tmp_path / "f.parquet")
    assert list(table) == ["case", "vector"]
    assert table["case"].tolist() == ["below/p4.png", "p0.png", "p1.png", "p2.png", "p3.png"]
    with torch.inference_mode():
        expected = load_encoder(file).eval()(frames_of(images / case for case in table["case"])).numpy()
    np.testing.assert_allclose(np.stack(table["vector"]), expected, atol=1e-4)
    line = refused("features", images, "--encoder", file, "--out", tmp_path / "g.parquet")
    assert "says which size of frames it was trained on: give --size" in line
    assert "exists already" in refused("features", images, "--encoder", file, "--out", tmp_path / "f.parquet")


def model_of(results, form):
    return results / CELL.replace("finetune", form) / "models/fold0.safetensors"


@pytest.mark.parametrize("form", ["finetune", "linear", "knn"])
def test_an_exported_torchscript_needs_no_code_and_gives_the_same(results, tmp_path, form):
    out = tmp_path / "model.pt"
    succeeds("export", model_of(results, form), "--format", "torchscript", "--out", out)
    frames = torch.rand(3, 1, 32, 32)
    net, _ = load_predictor(model_of(results, form))
    with torch.inference_mode():
        np.testing.assert_allclose(torch.jit.load(str(out))(frames).numpy(), net(frames).numpy(), atol=1e-6)


@pytest.mark.parametrize("form", ["linear", "knn"])
def test_an_exported_probe_holds_its_encoder(results, tmp_path, form):
    out = tmp_path / "model.safetensors"
    succeeds("export", model_of(results, form), "--format", "safetensors", "--out", out)
    frames = torch.rand(3, 1, 32, 32)
    nets = [load_predictor(path).net for path in (model_of(results, form), out)]
    with torch.inference_mode():
        assert torch.equal(nets[0](frames), nets[1](frames))


@pytest.mark.parametrize("form", ["finetune", "linear"])
def test_timm_loads_the_exported_folder_with_the_head(results, tmp_path, form):
    import timm

    out = tmp_path / "folder"
    succeeds("export", model_of(results, form), "--format", "timm", "--out", out)
    theirs = timm.create_model(f"local-dir:{out}", pretrained=True).eval()
    net, record = load_predictor(model_of(results, form))
    frames = torch.rand(3, 1, 32, 32)
    mean, std = (torch.tensor(theirs.pretrained_cfg[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    with torch.inference_mode():
        found = theirs((frames.expand(-1, 3, -1, -1) - mean) / std).softmax(1)
        np.testing.assert_allclose(found.numpy(), net(frames).numpy(), atol=1e-5)
    assert theirs.pretrained_cfg["label_names"] == record["classes"]


def test_what_cannot_be_exported_is_one_sentence(results, tmp_path):
    line = refused("export", model_of(results, "knn"), "--format", "timm", "--out", tmp_path / "a")
    assert line.startswith("timm has no network with a knn on its features")
    line = refused("export", results / CELL, "--format", "onnx", "--out", tmp_path / "a")
    assert "holds the models of 2 folds: export one of them" in line
    assert list(tmp_path.iterdir()) == []


def test_without_onnx_its_export_is_one_sentence(results, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    line = refused("export", model_of(results, "linear"), "--format", "onnx", "--out", tmp_path / "a.onnx")
    assert line.startswith("ONNX needs the package onnxscript, which is not installed: pip install")


def test_help_imports_nothing_heavy_and_comes_at_once():
    code = (
        "import sys, uscl.command.main; from click.testing import CliRunner;"
        "CliRunner().invoke(uscl.command.main.main, ['predict', '--help']);"
        "assert not {'torch', 'pandas', 'numpy', 'mlflow', 'pydantic', 'yaml', 'cv2', 'av'} & set(sys.modules)"
    )
    before = time.process_time()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    assert time.process_time() - before < 0.5
