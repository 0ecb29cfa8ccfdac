"""A kept model predicts the test part as its evaluation did, and its file says what it is."""

import functools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from stores import bright_or_dark_store

from uscl.base.errors import UserError
from uscl.base.files import file_sha256
from uscl.base.seeds import torch_stream
from uscl.data.splits import Fold, make_splits, task_cases
from uscl.evaluate import classification, knn, linear, segmentation
from uscl.evaluate.cell import Cell, run_cell
from uscl.evaluate.external import predict_external
from uscl.evaluate.features import frozen_features
from uscl.evaluate.finished_folds import FinishedFolds
from uscl.evaluate.kept_models import KeptModels, about_cell, training_cases
from uscl.metrics.temperature import scaled
from uscl.models.checkpoint import load_encoder, save_encoder
from uscl.models.encoder import Encoder
from uscl.models.model_file import FittedModel, read_record
from uscl.models.predictors import load_predictor, shared_encoder
from uscl.training.augment import as_float
from uscl.training.device import start

ARCH, CELL = "tf_efficientnet_lite0", Cell("simclr", "busi", "finetune", 100, 0)
BUDGET = {"epochs": 1, "batch_size": 8, "lr": 1e-3, "stream": (0, "t/fold0")}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """An encoder in its file, a store, its cases and a fold."""
    folder = tmp_path_factory.mktemp("results")
    with torch_stream(0, "init"):
        encoder = Encoder(ARCH)
    file = folder / "encoders/simclr/seed0/encoder.safetensors"
    save_encoder(encoder, file, method="simclr")
    store = bright_or_dark_store(groups=12, frames=2)
    cases = make_splits(task_cases(store, "classification"), folds=2, inner=3, seed=0)
    roles = ("train", "validation", "test")
    fold = Fold(*(cases["row"][cases["fold0"] == role].to_numpy() for role in roles))
    fabric = start("cpu", "32-true", threads=1)
    return SimpleNamespace(
        folder=folder, file=file, encoder=encoder, store=store, cases=cases, fold=fold, fabric=fabric
    )


def models_in(world, name):
    folder = world.folder / "cells" / name / "finetune/labels100/simclr/seed0"
    about = about_cell(
        CELL._asdict(), folder, world.file, file_sha256(world.file), precision="32-true", rate_hz=None, crop=[]
    )
    return folder, KeptModels(folder, about, world.store, world.cases)


@functools.cache
def evaluate(world_of, form, **scaling):
    """Predictions of an evaluation that keeps its model, and the file."""
    world = world_of()
    folder, models = models_in(world, form + "_scaled" * len(scaling))
    if form in ("classifier", "segmenter"):
        fit = {"classifier": classification, "segmenter": segmentation}[form].finetune_fold
        found = fit(
            world.encoder, world.store, world.cases, world.fold, world.fabric, keep=models.add, **BUDGET, **scaling
        )
    else:
        features = frozen_features(load_encoder(world.file), world.store, world.fabric)
        found = {"linear": linear, "knn": knn}[form].fit(features, world.cases, world.fold, keep=models.add, **scaling)
    models.keep(0, world.fold, *found)
    return found[0], folder / "models/fold0.safetensors"


@pytest.fixture(scope="module")
def evaluated(world):
    return functools.partial(evaluate, functools.cache(lambda: world))


def outputs(world, file):
    net, _ = load_predictor(file)
    net.to(memory_format=torch.channels_last)
    with torch.inference_mode():
        return net(as_float(torch.from_numpy(world.store.frames[world.fold.test]))).numpy()


@pytest.mark.parametrize("form", ["classifier", "linear", "knn"])
def test_a_kept_model_gives_the_stored_probabilities(world, evaluated, form):
    predictions, file = evaluated(form)
    columns = [f"p_{name}" for name in read_record(file)["classes"]]
    np.testing.assert_allclose(outputs(world, file), predictions[columns].to_numpy(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("form", ["classifier", "linear", "knn"])
def test_a_kept_model_scales_its_probabilities_as_the_stored_ones_are(world, evaluated, form):
    raw, _ = evaluated(form)
    predictions, file = evaluated(form, temperature_scaling=True)
    record = read_record(file)
    columns = [f"p_{name}" for name in record["classes"]]
    assert set(predictions["temperature"]) == {record["temperature"]}
    assert "temperature" not in raw
    expected = scaled(raw[columns].to_numpy(), record["temperature"])
    np.testing.assert_allclose(predictions[columns].to_numpy(), expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(outputs(world, file), expected, rtol=0, atol=1e-5)


def test_a_kept_segmenter_gives_the_stored_masks(world, evaluated):
    predictions, file = evaluated("segmenter")
    masks = (outputs(world, file) > 0.5)[:, 0]
    assert [np.packbits(mask).tobytes() for mask in masks] == predictions["predicted_mask"].tolist()


def test_a_file_says_what_its_model_is(world, evaluated):
    predictions, file = evaluated("classifier")
    record = read_record(file)
    assert record["classes"] == ["bright", "dark"]
    assert (record["form"], record["arch"], record["size"], record["fold"]) == ("classifier", ARCH, 32, 0)
    assert (record["arm"], record["task"], record["seed"]) == ("simclr", "busi", 0)
    assert record["mean"] == list(world.encoder.stats.mean)
    assert record["training_cases"]["count"] == len(world.fold.train)
    decided = predictions[["p_bright", "p_dark"]].to_numpy().argmax(axis=1)
    recalls = [(decided == k)[predictions["label"] == name].mean() for k, name in enumerate(("bright", "dark"))]
    assert record["metrics"]["test_score"] == pytest.approx(np.mean(recalls))
    means = world.store.frames[world.fold.train].mean(axis=(1, 2))
    assert record["seen"]["grey"] == pytest.approx([means.min(), means.max()], abs=1e-3)
    assert record["seen"]["height"] == [32, 32]


def test_the_hash_of_the_training_cases_depends_on_the_cases_and_their_labels_alone(world):
    known = training_cases(world.cases, world.fold)
    shuffled = world.fold._replace(train=world.fold.train[::-1])
    assert training_cases(world.cases.sample(frac=1, random_state=0), shuffled) == known
    assert training_cases(world.cases, world.fold._replace(train=world.fold.train[1:])) != known
    assert training_cases(world.cases.assign(label="bright"), world.fold)["sha256"] != known["sha256"]


def test_keeping_a_model_changes_no_prediction_and_the_same_model_is_the_same_bytes(world, evaluated):
    predictions, file = evaluated("classifier")
    folder, models = models_in(world, "again")
    arguments = (world.encoder, world.store, world.cases, world.fold, world.fabric)
    found = classification.finetune_fold(*arguments, keep=models.add, **BUDGET)
    models.keep(0, world.fold, *found)
    assert (folder / "models/fold0.safetensors").read_bytes() == file.read_bytes()
    without, _ = classification.finetune_fold(*arguments, **BUDGET)
    pd.testing.assert_frame_equal(without, predictions)


def test_a_probe_of_an_encoder_that_has_changed_or_is_gone_is_refused(world, evaluated, tmp_path):
    _, file = evaluated("linear")
    alone = tmp_path / "models/fold0.safetensors"
    alone.parent.mkdir()
    alone.write_bytes(file.read_bytes())
    with pytest.raises(UserError, match=r"probe of the encoder .*encoder.safetensors, which is missing"):
        load_predictor(alone)
    save_encoder(Encoder(ARCH), alone.with_name("encoder.safetensors"), method="other")
    with pytest.raises(UserError, match="is a probe of another encoder than the present"):
        load_predictor(alone)
    alone.with_name("encoder.safetensors").write_bytes(world.file.read_bytes())
    shared_encoder.cache_clear()
    assert np.allclose(outputs(world, alone), outputs(world, file))


def test_a_file_that_is_no_model_is_refused_in_one_sentence(world, tmp_path):
    (tmp_path / "text.safetensors").write_text("no")
    with pytest.raises(UserError, match="can't be read as a model file"):
        load_predictor(tmp_path / "text.safetensors")
    with pytest.raises(UserError, match="is an encoder, which predicts nothing: name a file in the folder `models`"):
        load_predictor(world.file)


# What a cell does with the models of its folds, without training.

FOLDS = [Fold(np.array([0, 1]), np.array([2]), np.array([3])), Fold(np.array([2, 3]), np.array([0]), np.array([1]))]


def run(folder, tmp_path, about=None, folds=FOLDS, identity="a"):
    store = bright_or_dark_store(groups=4, frames=1)
    models, seen = KeptModels(folder, about, store, store.manifest), []

    def run_fold(fold, stream):
        seen.append(stream[1])
        if models.add:
            models.add(FittedModel("linear", ["bright", "dark"], {"bias": np.array([float(len(seen)), 0.0])}, {}))
        label = store.manifest["label"].to_numpy()[fold.test]
        predictions = pd.DataFrame({"case": "c", "label": label, "p_bright": 0.4, "p_dark": 0.6})
        history = pd.DataFrame({"epoch": [0], "validation_score": 0.5, "validation_loss": 0.7, "chosen": True})
        return predictions, history

    run_cell(CELL, run_fold, folds, FinishedFolds(tmp_path / "checkpoints", identity), models=models)
    return seen, models.finish(len(folds))


def test_a_finished_fold_whose_model_is_missing_is_evaluated_again(tmp_path):
    cell = tmp_path / "cell"
    names = ["models/fold0.safetensors", "models/fold1.safetensors"]
    assert run(cell, tmp_path, {}) == (["busi/fold0", "busi/fold1"], names)
    assert run(cell, tmp_path, {}) == ([], names)
    (cell / names[1]).unlink()
    assert run(cell, tmp_path, {}) == (["busi/fold1"], names)


def test_models_of_earlier_folds_and_models_that_are_not_kept_any_more_are_removed(tmp_path):
    cell = tmp_path / "cell"
    run(cell, tmp_path, {})
    _, names = run(cell, tmp_path, {}, FOLDS[:1], identity="b")
    assert names == ["models/fold0.safetensors"]
    assert [path.name for path in (cell / "models").iterdir()] == ["fold0.safetensors"]
    assert run(cell, tmp_path, None, identity="c") == (["busi/fold0", "busi/fold1"], [])
    assert not (cell / "models").exists()


@pytest.mark.parametrize("form", ["classifier", "segmenter", "linear", "knn"])
def test_an_external_test_on_the_test_part_itself_predicts_what_the_cell_did(world, evaluated, form):
    predictions, file = evaluated(form)
    test = world.cases.set_index("row").loc[world.fold.test].reset_index()
    found = predict_external([file, file], world.store, test, world.fabric)
    assert found["fold"].tolist() == [0] * len(test) + [1] * len(test)
    for _, of_model in found.groupby("fold"):
        same = of_model.drop(columns="fold").reset_index(drop=True)
        pd.testing.assert_frame_equal(same, predictions, check_exact=False, rtol=1e-4, check_dtype=False)
