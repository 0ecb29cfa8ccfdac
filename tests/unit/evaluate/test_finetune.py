import inspect
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from stores import bright_or_dark_store
from torch.nn import functional as F

from uscl.data.splits import Fold, make_splits, task_cases
from uscl.device import start
from uscl.errors import UserError
from uscl.evaluate import classification, segmentation
from uscl.evaluate.cell import run_cell
from uscl.evaluate.classification import inverse_frequency
from uscl.evaluate.finetune import batches, finetune
from uscl.metrics import classification_metrics, masks_of, segmentation_metrics
from uscl.models.encoders import Encoder
from uscl.seeds import torch_stream

ROOT = Path(__file__).parents[3]


@pytest.fixture
def fabric():
    return start("cpu", "32-true", threads=1)


@pytest.fixture
def encoder():
    with torch_stream(0, "init"):
        return Encoder("resnet18")


def folds_of(store, kind, count=2):
    splits = make_splits(task_cases(store, kind), folds=count, inner=3, seed=0)
    roles = ("train", "validation", "test")
    folds = [Fold(*(splits["row"][splits[f"fold{k}"] == r].to_numpy() for r in roles)) for k in range(count)]
    return splits, folds


def test_classification_learns_an_easy_task_and_repeats(fabric, encoder):
    store = bright_or_dark_store()
    cases, folds = folds_of(store, "classification")
    settings = {"epochs": 8, "batch_size": 8, "lr": 1e-3, "stream": (0, "t/fold0")}
    predictions, history = classification.finetune_fold(encoder, store, cases, folds[0], fabric, **settings)
    again, _ = classification.finetune_fold(encoder, store, cases, folds[0], fabric, **settings)
    assert classification_metrics(predictions)["accuracy"] > 0.9
    assert list(predictions["case"]) == list(cases.set_index("row").loc[folds[0].test, "case"])
    np.testing.assert_allclose(predictions[["p_bright", "p_dark"]].sum(axis=1), 1, rtol=1e-6)
    assert predictions.equals(again)
    assert history["chosen"].sum() == 1


def test_the_encoder_given_is_left_as_it_was(fabric, encoder):
    store = bright_or_dark_store()
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
        encoder, store, cases, folds[0], fabric, epochs=12, batch_size=4, lr=3e-3, stream=(0, "t")
    )
    assert segmentation_metrics(predictions)["dice"] > 0.6
    np.testing.assert_array_equal(masks_of(predictions, "true_mask"), store.masks[folds[0].test].astype(bool))
    assert history["validation_score"].max() == history.loc[history["chosen"], "validation_score"].item()


def test_a_cell_tests_every_case_once(fabric, encoder):
    store = bright_or_dark_store(groups=12)
    cases, folds = folds_of(store, "classification", count=3)
    predictions, history, times = run_cell(
        classification.finetune_fold,
        encoder,
        store,
        cases,
        folds,
        fabric,
        arm="random",
        task="easy",
        seed=4,
        epochs=1,
        batch_size=8,
        lr=1e-3,
    )
    assert sorted(predictions["case"]) == sorted(cases["case"])
    assert set(predictions["fold"]) == set(history["fold"]) == {0, 1, 2}
    assert set(predictions[["arm", "task", "seed"]].itertuples(index=False, name=None)) == {("random", "easy", 4)}
    assert all(before["ended"] <= after["started"] for before, after in pairwise(times))


@pytest.mark.parametrize("task", [classification, segmentation])
def test_a_diverging_training_stops_and_names_the_place(fabric, encoder, task):
    store = bright_or_dark_store(groups=12, frames=2)
    cases, folds = folds_of(store, task.__name__.rpartition(".")[2])
    settings = {"epochs": 3, "batch_size": 8, "lr": 1e30, "stream": (0, "busi/fold0")}
    with pytest.raises(UserError, match=r"nan in .*busi/fold0, epoch \d: lower the learning rate"):
        task.finetune_fold(encoder, store, cases, folds[0], fabric, **settings)


@pytest.mark.parametrize("task", [classification, segmentation])
def test_every_setting_of_the_config_is_taken(task):
    schema = json.loads((ROOT / "workflow/schemas/config.schema.json").read_text())
    settings = schema["properties"]["tasks"]["additionalProperties"]["properties"]["finetune"]["properties"]
    assert set(settings) <= set(inspect.signature(task.finetune_fold).parameters)


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
