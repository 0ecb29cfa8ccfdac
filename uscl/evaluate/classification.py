"""Classification of frames: fine-tune an encoder with a linear head, fold by fold, and predict the test part once."""

import copy
from collections import OrderedDict
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional as F

from uscl.base.seeds import torch_stream
from uscl.data.splits import Fold
from uscl.data.store import FrameStore
from uscl.evaluate.choice import balanced_accuracy
from uscl.evaluate.finetune import Part, finetune, predict
from uscl.evaluate.kept_models import Keep
from uscl.evaluate.predictions import class_numbers, predicted
from uscl.metrics.temperature import best_temperature
from uscl.models.checkpoint import arrays, described
from uscl.models.encoder import Encoder
from uscl.models.freezing import freeze_below_last_block
from uscl.models.model_file import CLASSIFIER, FittedModel
from uscl.training.augment import supervised


def finetune_fold(
    encoder: Encoder,
    store: FrameStore,
    cases: pd.DataFrame,
    fold: Fold,
    fabric: Fabric,
    *,
    stream: tuple[int, str],
    last_block_only: bool = False,
    epochs: int,
    batch_size: int,
    lr: float,
    weight_decay: float = 1e-4,
    report: Callable[[dict[str, float]], None] | None = None,
    keep: Keep | None = None,
    temperature_scaling: bool = False,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fine-tune on one fold: all layers, or with `last_block_only` the encoder's last block and the head.

    `cases` has row and IDENTITY (of `uscl.data.splits`). Returns the predictions of the test part (IDENTITY and one
    probability per class, `p_<class>`) and the history (see `uscl.evaluate.finetune`). The validation score is balanced
    accuracy; the loss is cross-entropy weighted by inverse class frequency in the training part. `keep` gets the model.
    With `temperature_scaling`, the validation part also gives the temperature of the probabilities
    (`uscl.metrics.temperature`).
    """
    classes, target = class_numbers(cases)
    train, validation, test = (load(store, target, rows) for rows in fold)
    weight = inverse_frequency(train[1], len(classes))
    with torch_stream(*stream, "head"):
        head = nn.Linear(encoder.dim, len(classes))
    model = nn.Sequential(OrderedDict(encoder=copy.deepcopy(encoder), head=head))
    if last_block_only:
        freeze_below_last_block(model.get_submodule("encoder.backbone"), encoder.arch)
    augmentation = supervised(store.frames.shape[1])
    history = finetune(
        fabric,
        model,
        train,
        validation,
        loss_of=lambda logits, labels: F.cross_entropy(logits, labels, weight=weight.to(logits.device)),
        score_of=lambda logits, labels: balanced_accuracy(labels.numpy(), logits.argmax(1).numpy()),
        augment=lambda frames, labels: (augmentation(frames), labels),
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        weight_decay=weight_decay,
        stream=stream,
        report=report,
    )
    logits = predict(fabric, model, test[0], batch_size, f"the test part of {stream[1]}")
    temperature, facts = None, {}
    if temperature_scaling:
        of_validation = predict(fabric, model, validation[0], batch_size, f"the validation of {stream[1]}")
        temperature = best_temperature(validation[1].numpy(), of_validation.double().softmax(1).numpy())
        facts = {"temperature": temperature}
    if keep:
        keep(FittedModel(CLASSIFIER, classes, arrays(model), described(encoder) | facts))
    return predicted(cases, fold, classes, logits.softmax(1).numpy(), temperature), history


all_layers = finetune_fold
last_block = partial(finetune_fold, last_block_only=True)


def load(store: FrameStore, target: pd.Series, rows: np.ndarray) -> Part:
    """Frames [n, height, width] and class numbers [n] of some store rows."""
    return torch.from_numpy(store.frames[rows]), torch.tensor(target.loc[rows].to_numpy(np.int64))


def inverse_frequency(labels: Tensor, classes: int) -> Tensor:
    """Class weights that give every class the same total weight; their mean over the cases is 1."""
    counts = torch.bincount(labels, minlength=classes)
    return len(labels) / (classes * counts.clamp(min=1).float())
