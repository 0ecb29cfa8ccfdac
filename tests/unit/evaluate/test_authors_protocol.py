"""The authors' protocol equals a plain loop with their settings, and departs from ours where theirs does."""

import copy

import numpy as np
import pandas as pd
import PIL.Image
import pytest
import torch
from kornia import augmentation as K
from sklearn.metrics import confusion_matrix
from stores import bright_or_dark_store
from torch import nn
from torch.nn import functional as F

from uscl.base.errors import UserError
from uscl.base.seeds import torch_stream
from uscl.data.decode.image import fit_image
from uscl.data.picture_box import picture_box
from uscl.data.splits import Fold
from uscl.data.store import FrameStore
from uscl.evaluate import authors_protocol
from uscl.evaluate.authors_protocol import best_on_test, finetune_fold, squashed, with_head, without_validation
from uscl.evaluate.cell import Cell, run_cell
from uscl.evaluate.finished_folds import FinishedFolds
from uscl.models.encoder import Encoder
from uscl.models.encoders import ULTRASOUND, encoder_spec
from uscl.training.device import start

STREAM = (0, "t/fold0")
EPOCHS = 3
# 17 rows to train on in batches of 8: the last batch has one frame. Classes are unequal: three bright, one dark.
FOLDS = [
    Fold(np.arange(0, 11), np.arange(11, 17), np.arange(17, 24)),
    Fold(np.arange(7, 20), np.arange(20, 24), np.arange(7)),
]


@pytest.fixture(scope="module")
def fabric():
    return start("cpu", "32-true", threads=1)


@pytest.fixture(scope="module")
def encoder():
    with torch_stream(0, "init"):
        return Encoder("resnet18", encoder_spec("resnet18").image_statistics)


@pytest.fixture(scope="module")
def store():
    found = bright_or_dark_store(groups=12, frames=2, size=64)
    found.manifest["label"] = np.where(np.arange(24) % 4, "bright", "dark")
    return found


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch):
    monkeypatch.setattr(authors_protocol, "BATCH", 8)


@pytest.fixture(scope="module")
def result(fabric, encoder, store):
    """Predictions and history of the first fold."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(authors_protocol, "BATCH", 8)
        return run(fabric, encoder, store, FOLDS[0])


def run(fabric, encoder, store, fold, stream=STREAM):
    return finetune_fold(encoder, store, store.manifest, without_validation(fold), fabric, stream=stream, epochs=EPOCHS)


def twin(encoder, store, fold, stream):
    """The released protocol as a plain loop.

    Returns the test probabilities [n, 2] and the confusion matrix of the best epoch, and every epoch's training loss.
    """
    frames = torch.from_numpy(store.frames).unsqueeze(1).float() / 255
    labels = torch.from_numpy((store.manifest["label"] == "dark").to_numpy().astype(np.int64))
    train, test = torch.from_numpy(np.concatenate([fold.train, fold.validation])), torch.from_numpy(fold.test)
    with torch_stream(*stream, "authors_protocol", "head"):
        fc = nn.Linear(512, 2)
    net = nn.Sequential(copy.deepcopy(encoder.backbone), fc).to(memory_format=torch.channels_last)
    for name, parameter in net.named_parameters():
        parameter.requires_grad = name.startswith(("0.layer4.1", "1."))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS, eta_min=0)
    crop, flip = K.RandomResizedCrop((64, 64), scale=(0.8, 1.0), ratio=(0.8, 1.25)), K.RandomHorizontalFlip()
    mean, sd = torch.full((1, 3, 1, 1), 0.18), torch.full((1, 3, 1, 1), 0.24)
    max_acc, best, losses = 0.0, None, []
    for epoch in range(EPOCHS):
        net.train()
        of_epoch = []
        with torch_stream(*stream, "authors_protocol", epoch):
            order = torch.randperm(len(train))
            for place in range(0, len(train), 8):
                rows = train[order[place : place + 8]]
                loss = nn.CrossEntropyLoss()(net((flip(crop(frames[rows])) - mean) / sd), labels[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                of_epoch.append(loss.item())
        losses.append(np.mean(of_epoch))
        scheduler.step()
        net.eval()
        with torch.no_grad():
            logits = net((frames[test] - mean) / sd)
        acc = (logits.argmax(1) == labels[test]).float().mean().item()
        if acc > max_acc:
            matrix = np.zeros((2, 2), int)
            np.add.at(matrix, (labels[test].numpy(), logits.argmax(1).numpy()), 1)
            max_acc, best = acc, (logits.softmax(1).numpy(), matrix)
    return *best, losses


def test_predictions_and_the_pooled_matrix_are_those_of_a_plain_loop(fabric, encoder, store):
    matrix, tables = 0, []
    for number, fold in enumerate(FOLDS):
        stream = (4, f"t/fold{number}")
        predictions, history = run(fabric, encoder, store, fold, stream=stream)
        probabilities, of_fold, losses = twin(encoder, store, fold, stream)
        np.testing.assert_allclose(history["train_loss"], losses, rtol=1e-6)
        np.testing.assert_array_equal(predictions[["p_bright", "p_dark"]], probabilities)
        assert predictions["case"].tolist() == store.manifest["case"].iloc[fold.test].tolist()
        matrix, tables = matrix + of_fold, [*tables, predictions]
    found = pd.concat(tables)
    decided = np.where(found["p_dark"] > found["p_bright"], "dark", "bright")
    assert confusion_matrix(found["label"], decided, labels=["bright", "dark"]).tolist() == matrix.tolist()


def test_only_the_last_block_and_the_head_learn_and_every_running_statistic_moves(fabric, encoder, store):
    model = with_head(encoder, 2, STREAM)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    part = torch.from_numpy(store.frames), torch.arange(24) % 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(authors_protocol, "BATCH", 8)
        best_on_test(fabric, model, part, part, nn.Identity(), stream=STREAM, epochs=1)
    moved = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    parameters = {name for name, _ in model.named_parameters()}
    assert moved & parameters == {name for name in parameters if name.startswith(("0.backbone.layer4.1.", "1."))}
    assert moved - parameters == {name for name in before if "running_" in name or "num_batches" in name}


def test_one_normalisation_serves_every_encoder_and_the_given_one_stays_as_it_was(fabric, encoder, store, result):
    other = copy.deepcopy(encoder)
    other.normalise_with(ULTRASOUND)
    predictions, history = run(fabric, other, store, FOLDS[0])
    assert predictions.equals(result[0])
    assert history.equals(result[1])
    assert encoder.stats == encoder_spec("resnet18").image_statistics


def test_the_validation_part_is_trained_on_and_the_test_part_is_not(fabric, encoder, store, result):
    fold = without_validation(FOLDS[0])
    assert fold.train.tolist() == list(range(17))
    assert len(fold.validation) == 0

    def losses(row):
        frames = store.frames.copy()
        frames[row] = 255 - frames[row]
        changed = FrameStore(frames, None, store.manifest)
        return run(fabric, encoder, changed, FOLDS[0])[1]["train_loss"]

    assert not losses(FOLDS[0].validation[0]).equals(result[1]["train_loss"])
    assert losses(FOLDS[0].test[0]).equals(result[1]["train_loss"])


def test_the_test_labels_choose_the_epoch_and_nothing_else(fabric, encoder, store, monkeypatch):
    accuracies, labels = [0.2, 0.6, 0.4, 0.6], np.arange(5) % 2
    decided = [np.where(np.arange(5) < round(5 * share), labels, 1 - labels) for share in accuracies]
    logits = [(1.0 + epoch) * F.one_hot(torch.from_numpy(found), 2) for epoch, found in enumerate(decided)]
    found = iter(logits)
    monkeypatch.setattr(authors_protocol, "outputs", lambda *_: next(found))
    part = torch.from_numpy(store.frames[:5]), torch.from_numpy(labels)
    model = nn.Sequential(nn.Conv2d(1, 2, 64), nn.Flatten())
    history, probabilities = best_on_test(fabric, model, part, part, nn.Identity(), stream=STREAM, epochs=4)
    assert history["test_accuracy"].tolist() == accuracies
    assert history["chosen"].tolist() == [False, True, False, False]
    np.testing.assert_array_equal(probabilities, logits[1].softmax(1))
    assert history["lr"].tolist() == pytest.approx([0.01 * (1 + np.cos(np.pi * epoch / 4)) / 2 for epoch in range(4)])


def test_every_arm_has_the_same_head(encoder):
    other = copy.deepcopy(encoder)
    nn.init.zeros_(other.backbone.conv1.weight)
    ours, theirs = (with_head(each, 3, STREAM)[1].weight for each in (encoder, other))
    assert torch.equal(ours, theirs)
    assert not torch.equal(ours, with_head(encoder, 3, (1, STREAM[1]))[1].weight)


@pytest.mark.parametrize(("height", "width"), [(48, 64), (64, 20), (31, 64), (64, 64)])
def test_a_picture_is_stretched_to_the_square_without_its_borders(height, width):
    picture = np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)
    boxes = [picture_box(64, 64, 64), picture_box(height, width, 64)]
    manifest = pd.DataFrame(boxes).add_prefix("box_")
    whole = np.random.default_rng(1).integers(0, 256, (64, 64), dtype=np.uint8)
    frames = np.stack([whole, fit_image(picture, 64)])
    store = FrameStore(frames.copy(), None, manifest)
    expected = PIL.Image.fromarray(picture).resize((64, 64), PIL.Image.Resampling.BILINEAR)
    assert np.abs(squashed(store, np.array([1]))[0].numpy().astype(int) - np.asarray(expected).astype(int)).max() <= 1
    np.testing.assert_array_equal(squashed(store, np.array([0]))[0], whole)
    np.testing.assert_array_equal(store.frames, frames)


def test_a_training_that_diverges_is_named(fabric, encoder, store, monkeypatch):
    monkeypatch.setattr(authors_protocol, "LR", 1e30)
    with pytest.raises(UserError, match=r"authors' protocol became NaN or infinite in t/fold0, epoch 1: its settings"):
        run(fabric, encoder, store, FOLDS[0])


def test_a_run_goes_on_after_its_finished_folds(fabric, encoder, store, tmp_path):
    calls, folds = [], [without_validation(fold) for fold in FOLDS]

    def run_fold(fold, stream):
        calls.append(stream[1])
        if len(calls) == 2:
            raise KeyboardInterrupt
        return run(fabric, encoder, store, fold, stream=stream)

    cell, finished = Cell("simclr", "t", "authors_protocol", 100, 0), FinishedFolds(tmp_path, "k")
    with pytest.raises(KeyboardInterrupt):
        run_cell(cell, run_fold, folds, finished)
    evaluated = run_cell(cell, run_fold, folds, finished)
    assert calls == ["t/fold0", "t/fold1", "t/fold1"]
    assert {"fold", "case", "label", "p_bright", "p_dark", "epoch"} <= set(evaluated.predictions)
    assert evaluated.images == EPOCHS * sum(len(fold.train) for fold in folds)
    assert evaluated.history.groupby("fold")["chosen"].sum().tolist() == [1, 1]
