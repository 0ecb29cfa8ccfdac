"""The authors' POCUS protocol as it is: what their script reports for an encoder.

The test fold chooses the epoch, so its scores are too good. They are for the comparison with published figures only
(`uscl.report.tables.published`). Every setting is that of eval_pretrained_model_on_POCUS/train.py in
github.com/Schuture/Meta-USCL (Chen et al., IEEE TMI 42(5), 2023, arXiv 2212.04097); a comment names the place there.
What remains different: frames are grey, and were scaled to the study's frame size before they are squashed; the
arithmetic is that of the study's `precision`; kornia draws the augmentation.
"""

from __future__ import annotations

import copy
import logging
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from uscl.base.errors import UserError
from uscl.base.progress import shown
from uscl.base.seeds import torch_stream
from uscl.data.picture_box import Box
from uscl.data.splits import Fold
from uscl.data.store import FrameStore
from uscl.evaluate.finetune import Part, outputs
from uscl.evaluate.predictions import class_numbers, predicted
from uscl.models.encoder import Encoder
from uscl.models.encoders import ULTRASOUND
from uscl.models.freezing import freeze_below_last_block
from uscl.training.augment import as_float

if TYPE_CHECKING:
    import kornia.augmentation as K
    from lightning_fabric import Fabric

PURPOSE = "authors_protocol"  # of its random streams
EPOCHS = 30  # hyper-parameters: MAX_EPOCH
BATCH = 128  # hyper-parameters: BATCH_SIZE
LR = 1e-2  # hyper-parameters: LR; step 4: Adam, CosineAnnealingLR to 0 over all epochs
WEIGHT_DECAY = 1e-4  # hyper-parameters: weight_decay; step 4: Adam's own, so an L2 penalty
STATISTICS = ULTRASOUND  # step 1: Normalize, the same for every encoder, also for ImageNet's
CROP, RATIO = (0.8, 1.0), (0.8, 1.25)  # step 1: RandomResizedCrop, then a flip; no jitter

log = logging.getLogger(__name__)


def without_validation(fold: Fold) -> Fold:
    """The fold as the authors divide it: what isn't tested is trained on."""
    return Fold(np.sort(np.concatenate([fold.train, fold.validation])), fold.validation[:0], fold.test)


def finetune_fold(
    encoder: Encoder,
    store: FrameStore,
    cases: pd.DataFrame,
    fold: Fold,
    fabric: Fabric,
    *,
    stream: tuple[int, str],
    epochs: int = EPOCHS,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fine-tune the encoder's last block and a head on `fold.train`, and predict the test part in its best epoch.

    `cases` has row and IDENTITY (of `uscl.data.splits`). The best epoch is the first one of the highest accuracy on the
    test part. Returns the predictions of that epoch (IDENTITY, `p_<class>`, epoch) and the history: epoch, lr,
    train_loss, test_accuracy, chosen. Raises UserError if the training diverges.
    """
    classes, target = class_numbers(cases)
    train, test = (
        (squashed(store, rows), torch.tensor(target.loc[rows].to_numpy(np.int64))) for rows in (fold.train, fold.test)
    )
    model = with_head(encoder, len(classes), stream)
    history, probabilities = best_on_test(
        fabric, model, train, test, augmentation(store.frames.shape[1]), stream=stream, epochs=epochs
    )
    epoch = history.loc[history["chosen"], "epoch"].item()
    return predicted(cases, fold, classes, probabilities).assign(epoch=epoch), history


def best_on_test(
    fabric: Fabric,
    model: nn.Module,
    train: Part,
    test: Part,
    augment: K.AugmentationSequential,
    *,
    stream: tuple[int, str],
    epochs: int,
) -> tuple[pd.DataFrame, np.ndarray]:
    """Train `model` in place; returns the history and the test probabilities [n, classes] of its best epoch."""
    # Convolutions run up to twice as fast in this memory layout (see `uscl.evaluate.finetune`).
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(
        (parameter for parameter in model.parameters() if parameter.requires_grad), lr=LR, weight_decay=WEIGHT_DECAY
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    model, optimizer = fabric.setup(model, optimizer)
    history: list[dict[str, float]] = []
    best, chosen, probabilities = -1.0, 0, np.empty((0, 0))
    for epoch in shown(range(epochs), epochs, stream[1]):
        row: dict[str, float] = {"epoch": epoch, "lr": float(schedule.get_last_lr()[0])}
        with torch_stream(*stream, PURPOSE, epoch):
            row["train_loss"] = train_epoch(fabric, model, optimizer, train, augment)
        schedule.step()
        found = outputs(fabric, model, test[0], BATCH).softmax(1).numpy()
        check_finite(row["train_loss"], found, f"{stream[1]}, epoch {epoch + 1}")
        row["test_accuracy"] = float((found.argmax(axis=1) == test[1].numpy()).mean())
        history.append(row)
        log.info("%s, epoch %d of %d: test accuracy %.3f", stream[1], epoch + 1, epochs, row["test_accuracy"])
        if row["test_accuracy"] > best:
            best, chosen, probabilities = row["test_accuracy"], epoch, found
    table = pd.DataFrame(history)
    return table.assign(chosen=table["epoch"] == chosen), probabilities


def with_head(encoder: Encoder, classes: int, stream: tuple[int, str]) -> nn.Module:
    """A copy of the encoder with a linear head; only its last block and the head can be trained."""
    body = copy.deepcopy(encoder)
    body.normalise_with(STATISTICS)
    freeze_below_last_block(body.backbone, body.arch)
    with torch_stream(*stream, PURPOSE, "head"):
        return nn.Sequential(body, nn.Linear(body.dim, classes))


def squashed(store: FrameStore, rows: np.ndarray) -> Tensor:
    """Frames uint8 [n, size, size] of some store rows, each picture stretched to the whole square."""
    frames = torch.from_numpy(store.frames[rows])
    size = frames.shape[1]
    boxes = store.manifest.iloc[rows][[f"box_{side}" for side in Box._fields]]
    for frame, (top, left, height, width) in zip(frames, boxes.to_numpy(), strict=True):
        if (height, width) != (size, size):
            inner = frame[None, None, top : top + height, left : left + width].float()
            stretched = F.interpolate(inner, (size, size), mode="bilinear", antialias=True)
            frame.copy_(stretched[0, 0].round_().clamp_(0, 255))
    return frames


def augmentation(size: int) -> K.AugmentationSequential:
    """Random crops and flips of frames [batch, 1, size, size]."""
    import kornia.augmentation as K

    return K.AugmentationSequential(
        K.RandomResizedCrop((size, size), scale=CROP, ratio=RATIO), K.RandomHorizontalFlip(p=0.5), data_keys=["input"]
    )


def train_epoch(
    fabric: Fabric, model: nn.Module, optimizer: torch.optim.Optimizer, part: Part, augment: K.AugmentationSequential
) -> float:
    """One pass over the training part in random order, with every layer in training mode; returns the mean loss.

    BatchNorm takes batch statistics and moves its running ones also where its layer is frozen (step 5: net.train()).
    The last batch has what is left over. Every class counts by its frequency (step 3).
    """
    model.train()
    losses = []
    for batch in torch.randperm(len(part[0])).split(BATCH):
        frames, labels = (fabric.to_device(tensor[batch]) for tensor in part)
        loss = F.cross_entropy(model(augment(as_float(frames))), labels)
        optimizer.zero_grad()
        fabric.backward(loss)
        optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses).mean().item()


def check_finite(loss: float, probabilities: np.ndarray, place: str) -> None:
    """Raise UserError if a training diverged."""
    if not (np.isfinite(loss) and np.isfinite(probabilities).all()):
        raise UserError(
            f"The training by the authors' protocol became NaN or infinite in {place}: its settings are fixed, so"
            " correct the encoder's pretraining, or take the task out of `authors_protocol`."
        )
