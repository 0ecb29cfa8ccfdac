import inspect
import json
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from stores import bright_or_dark_store
from torch.nn import functional as F

from uscl.base.errors import UserError
from uscl.base.seeds import torch_stream
from uscl.data.splits import Fold, make_splits, task_cases
from uscl.evaluate import classification, segmentation
from uscl.evaluate.cell import Cell, run_cell, write_cell
from uscl.evaluate.classification import inverse_frequency
from uscl.evaluate.finetune import batches, finetune, predict
from uscl.jobs.run_record import RunRecord
from uscl.metrics.scores import case_scores, masks_of, scores
from uscl.models.encoder import Encoder
from uscl.study.schema import Finetuning
from uscl.training.device import start

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def fabric():
    return start("cpu", "32-true", threads=1)


@pytest.fixture(scope="module")
def encoder():
    """Shared, because every training copies it (a separate test asserts that)."""
    with torch_stream(0, "init"):
        return Encoder("resnet18")


def folds_of(store, kind, count=2):
    splits = make_splits(task_cases(store, kind), folds=count, inner=3, seed=0)
    roles = ("train", "validation", "test")
    folds = [Fold(*(splits["row"][splits[f"fold{k}"] == r].to_numpy() for r in roles)) for k in range(count)]
    return splits, folds


EASY = {"epochs": 5, "batch_size": 8, "lr": 1e-3, "stream": (0, "t/fold0")}


@pytest.fixture(scope="module")
def learned(fabric, encoder):
    """An easy task of 12 patients, and the results of its training on fold 0."""
    store = bright_or_dark_store(groups=12)
    cases, folds = folds_of(store, "classification")
    return store, cases, folds[0], *classification.finetune_fold(encoder, store, cases, folds[0], fabric, **EASY)


def test_classification_learns_an_easy_task(learned):
    _, cases, fold, predictions, history = learned
    assert scores(case_scores(predictions, "classification"), "classification")["accuracy"] > 0.9
    assert list(predictions["case"]) == list(cases.set_index("row").loc[fold.test, "case"])
    np.testing.assert_allclose(predictions[["p_bright", "p_dark"]].sum(axis=1), 1, rtol=1e-6)
    assert history["chosen"].sum() == 1


def test_every_epoch_is_reported_as_it_comes(fabric, encoder, learned):
    store, cases, fold, predictions, history = learned
    rows = []
    again, _ = classification.finetune_fold(encoder, store, cases, fold, fabric, report=rows.append, **EASY)
    assert pd.DataFrame(rows).equals(history.drop(columns="chosen"))
    assert again.equals(predictions)


def test_the_encoder_given_is_left_as_it_was(fabric, encoder):
    store = bright_or_dark_store(groups=12, frames=2)
    cases, folds = folds_of(store, "classification")
    before = [tensor.clone() for tensor in encoder.state_dict().values()]
    classification.finetune_fold(
        encoder, store, cases, folds[0], fabric, epochs=1, batch_size=8, lr=1e-3, stream=(0, "t")
    )
    assert all(torch.equal(a, b) for a, b in zip(before, encoder.state_dict().values(), strict=True))


def test_segmentation_learns_an_easy_task(fabric, encoder):
    store = bright_or_dark_store(groups=12, frames=2)
    cases, folds = folds_of(store, "segmentation")
    predictions, history = segmentation.finetune_fold(
        encoder, store, cases, folds[0], fabric, epochs=10, batch_size=4, lr=2e-3, stream=(0, "t")
    )
    assert scores(case_scores(predictions, "segmentation"), "segmentation")["dice"] > 0.6
    np.testing.assert_array_equal(masks_of(predictions, "true_mask"), store.masks[folds[0].test].astype(bool))
    assert history["validation_score"].max() == history.loc[history["chosen"], "validation_score"].item()


def test_no_lesion_is_predicted_in_the_border_of_a_frame():
    store = bright_or_dark_store(groups=2, frames=1)
    store.manifest = store.manifest.assign(box_top=8, box_height=16)
    _, masks = segmentation.load(store, np.array([0, 1]))
    found = segmentation.lesions(torch.ones(2, 1, 32, 32), masks)
    assert found[:, :, 8:24].all()
    assert not found[:, :, :8].any()
    assert not found[:, :, 24:].any()


def with_permuted_test_labels(cases, fold):
    permuted = cases.set_index("row")
    permuted.loc[fold.test, "label"] = np.roll(permuted.loc[fold.test, "label"], 5)
    permuted = permuted.reset_index()[cases.columns]
    assert not permuted.equals(cases)
    return permuted


def test_the_test_labels_play_no_part_in_the_choice_of_the_epoch(learned, fabric, encoder):
    store, cases, fold, predictions, history = learned
    permuted = with_permuted_test_labels(cases, fold)
    # Everything else is the same to the bit.
    again, history_again = classification.finetune_fold(encoder, store, permuted, fold, fabric, **EASY)
    assert history_again.equals(history)
    assert again.drop(columns="label").equals(predictions.drop(columns="label"))


@pytest.mark.parametrize("task", [classification, segmentation])
def test_with_the_last_block_alone_the_rest_of_the_encoder_stays(fabric, encoder, task, monkeypatch):
    store = bright_or_dark_store(groups=12, frames=2)
    cases, folds = folds_of(store, task.__name__.rpartition(".")[2])
    kept = []
    monkeypatch.setattr(
        task, "finetune", lambda fabric, model, *a, **k: kept.append(model) or finetune(fabric, model, *a, **k)
    )
    settings = {"epochs": 1, "batch_size": 8, "lr": 1e-2, "stream": (0, "t")}
    task.last_block(encoder, store, cases, folds[0], fabric, **settings)
    trained = {
        name.removeprefix("encoder.backbone.").removeprefix("net.encoder."): w
        for name, w in kept[0].state_dict().items()
    }
    before = encoder.backbone.state_dict()
    moved = {name for name, tensor in before.items() if not torch.equal(tensor, trained[name])}
    assert moved
    assert all(name.startswith("layer4.1.") for name in moved)


def test_a_cell_tests_every_case_once(fabric, encoder, tmp_path):
    store = bright_or_dark_store(groups=12, frames=2)
    cases, folds = folds_of(store, "classification", count=3)

    def run_fold(fold, stream):
        return classification.finetune_fold(
            encoder, store, cases, fold, fabric, stream=stream, epochs=2, batch_size=8, lr=1e-3
        )

    cell = Cell("random", "easy", "finetune", 100, 4)
    evaluated = run_cell(cell, run_fold, folds)
    predictions, history, times, images = evaluated
    assert sorted(predictions["case"]) == sorted(cases["case"])
    assert set(predictions["fold"]) == set(history["fold"]) == {0, 1, 2}
    assert (predictions[["arm", "task", "regime", "labels", "seed"]] == list(cell)).all(axis=None)
    assert all(before["ended"] <= after["started"] for before, after in pairwise(times))
    assert images == 2 * sum(len(fold.train) for fold in folds)

    write_cell(evaluated, tmp_path, RunRecord(cell.name, params={}, config={}, data=[], tags={}))
    assert pd.read_parquet(tmp_path / "predictions.parquet").equals(predictions)
    assert json.loads((tmp_path / "run.json").read_text())["images"] == images


def test_an_error_in_a_fold_is_raised_with_the_cells_name():
    def fails(fold, stream):
        raise UserError(f"nothing works in {stream[1]}.")

    fold = Fold(*(np.arange(1) for _ in range(3)))
    with pytest.raises(UserError, match=r"busi/linear/simclr/seed0: nothing works in busi/fold0\."):
        run_cell(Cell("simclr", "busi", "linear", 100, 0), fails, [fold])


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_outputs_that_are_not_finite_stop_and_name_the_place(fabric, value):
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2))
    torch.nn.init.constant_(model[1].bias, value)
    with pytest.raises(UserError, match=r"outputs became NaN or infinite in the test part of busi/fold0: lower"):
        predict(fabric, model, torch.zeros(3, 2, 2, dtype=torch.uint8), 2, "the test part of busi/fold0")


def test_a_cells_name_has_the_labels_if_not_all_are_used():
    assert Cell("simclr", "busi", "linear", 100, 0).name == "busi/linear/simclr/seed0"
    assert Cell("simclr", "busi", "linear", 25, 0).name == "busi/linear/labels25/simclr/seed0"


@pytest.mark.parametrize("task", [classification, segmentation])
def test_a_diverging_training_stops_and_names_the_place(fabric, encoder, task):
    store = bright_or_dark_store(groups=12, frames=2)
    cases, folds = folds_of(store, task.__name__.rpartition(".")[2])
    settings = {"epochs": 3, "batch_size": 8, "lr": 1e30, "stream": (0, "busi/fold0")}
    with pytest.raises(UserError, match=r"(?i)nan .*in .*busi/fold0, epoch \d.*: lower the learning rate"):
        task.finetune_fold(encoder, store, cases, folds[0], fabric, **settings)


@pytest.mark.parametrize("task", [classification, segmentation])
def test_every_setting_of_the_config_is_taken(task):
    assert set(Finetuning.model_fields) <= set(inspect.signature(task.finetune_fold).parameters)


class Constant(torch.nn.Module):
    """Two logits that don't depend on the frames."""

    def __init__(self):
        super().__init__()
        self.logits = torch.nn.Parameter(torch.zeros(2))

    def forward(self, frames):
        return self.logits.expand(len(frames), 2)


def test_the_weights_of_the_best_validation_epoch_come_back(fabric):
    # Training pulls towards class 1 while the validation part is all class 0: the first epoch is the best one.
    part = torch.zeros(8, 4, 4, dtype=torch.uint8), torch.ones(8, dtype=torch.int64)
    validation = part[0], torch.zeros(8, dtype=torch.int64)
    model = Constant()
    history = finetune(
        fabric,
        model,
        part,
        validation,
        loss_of=F.cross_entropy,
        score_of=lambda logits, labels: 0.5,
        augment=lambda frames, labels: (frames, labels),
        epochs=4,
        batch_size=4,
        lr=0.1,
        weight_decay=0.0,
        stream=(0, "t"),
    )
    assert history["validation_loss"].is_monotonic_increasing
    assert list(history["chosen"]) == [True, False, False, False]
    restored = F.cross_entropy(model(torch.zeros(8, 1)), validation[1]).item()
    assert restored == pytest.approx(history["validation_loss"][0])


@pytest.mark.parametrize(
    ("count", "size", "lengths"), [(9, 4, [4, 5]), (8, 4, [4, 4]), (3, 16, [3]), (10, 4, [4, 4, 2])]
)
def test_batches_cover_all_cases_once_and_none_is_single(count, size, lengths):
    drawn = batches(count, size)
    assert [len(batch) for batch in drawn] == lengths
    assert sorted(torch.cat(drawn).tolist()) == list(range(count))


def test_class_weights_balance_the_classes():
    labels = torch.tensor([0, 0, 0, 1])
    weight = inverse_frequency(labels, 2)
    assert (weight[labels] * (labels == 0)).sum() == pytest.approx((weight[labels] * (labels == 1)).sum().item())
    assert weight[labels].mean().item() == pytest.approx(1)
