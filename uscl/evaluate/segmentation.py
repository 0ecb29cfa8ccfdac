"""Segmentation: fine-tune a decoder and its pretrained encoder, fold by fold, and predict the test part once.

A task has one structure, such as a tumour, or several that its settings name by their labels in the masks.
"""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import pandas as pd
import torch
from lightning_fabric import Fabric
from torch import Tensor

from uscl.base.seeds import torch_stream
from uscl.data.picture_box import inside
from uscl.data.splits import Fold
from uscl.data.store import FrameStore
from uscl.evaluate.finetune import Part, finetune, predict
from uscl.evaluate.kept_models import Keep
from uscl.evaluate.predictions import ONE, identified, packed_columns, true_masks
from uscl.metrics.masks import dice
from uscl.models.checkpoint import arrays, described
from uscl.models.encoder import Encoder
from uscl.models.model_file import SEGMENTER, FittedModel
from uscl.models.segmenter import Segmenter
from uscl.training.augment import supervised
from uscl.training.losses import dice_bce, dice_ce


def finetune_fold(
    encoder: Encoder,
    store: FrameStore,
    cases: pd.DataFrame,
    fold: Fold,
    fabric: Fabric,
    *,
    stream: tuple[int, str],
    last_block_only: bool = False,
    decoder: str = "unet",
    structures: Mapping[str, int] = ONE,
    epochs: int,
    batch_size: int,
    lr: float,
    weight_decay: float = 1e-4,
    report: Callable[[dict[str, float]], None] | None = None,
    keep: Keep | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fine-tune on one fold: encoder and decoder, or the encoder's last block and the decoder.

    `cases` has row and IDENTITY (of `uscl.data.splits`). Returns the predictions of the test part (IDENTITY, height,
    width, and the packed bits of true_mask and predicted_mask) and the history (see `uscl.evaluate.finetune`). The
    validation score is the mean Dice over images; a pixel is lesion if its probability is above one half. The black
    border of a frame is no part of its picture: the loss leaves it out, and no lesion is predicted there. `keep` gets
    the model.

    `structures` has the label in the masks of each of several structures, whose masks are true_mask_<structure> and
    predicted_mask_<structure>. A pixel then shows the most probable of them, or none; the loss and the validation score
    are means over them too.
    """
    train, validation, test = (load(store, rows, structures) for rows in fold)
    with torch_stream(*stream, "decoder"):
        model = Segmenter(encoder, decoder, 1 + len(structures) if structures else 1)
    if last_block_only:
        model.freeze_below_last_block()
    augmentation = supervised(store.frames.shape[1], masks=True)
    history = finetune(
        fabric,
        model,
        train,
        validation,
        loss_of=loss,
        score_of=mean_dice,
        augment=lambda frames, masks: tuple(augmentation(frames, masks.float())),
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        weight_decay=weight_decay,
        stream=stream,
        report=report,
    )
    logits = predict(fabric, model, test[0], batch_size, f"the test part of {stream[1]}")
    if keep:
        named = {"structures": dict(structures)} if structures else {}
        keep(FittedModel(SEGMENTER, [], arrays(model), {**described(encoder), "decoder": decoder, **named}))
    height, width = store.frames.shape[1:]
    known = identified(cases, fold).assign(height=height, width=width)
    return known.assign(**packed_columns(lesions(logits, test[1]), test[1][:, :-1].numpy(), structures)), history


all_layers = finetune_fold
last_block = partial(finetune_fold, last_block_only=True)


def load(store: FrameStore, rows: np.ndarray, structures: Mapping[str, int] = ONE) -> Part:
    """Frames [n, height, width] and masks [n, structures + 1, height, width], all uint8, of some store rows.

    The masks are those of the structures (one for any structure, if none is named), and last the picture, without the
    black border of the frame.
    """
    assert store.masks is not None, "a segmentation task is split from a store with masks"
    picture = inside(store.manifest.iloc[rows], store.frames.shape[1])
    masks = np.stack([*true_masks(store, rows, structures), picture], axis=1).astype(np.uint8)
    return torch.from_numpy(store.frames[rows]), torch.from_numpy(masks)


def loss(logits: Tensor, masks: Tensor) -> Tensor:
    """The loss of logits [n, 1 or structures + 1, height, width] for the masks of `load`."""
    of_structures, picture = masks[:, :-1].float(), masks[:, -1:].float()
    return (dice_bce if logits.shape[1] == 1 else dice_ce)(logits, of_structures, picture)


def lesions(logits: Tensor, masks: Tensor) -> np.ndarray:
    """The predicted structures [n, structures, height, width] (bool), within the pictures of `masks` (see `load`)."""
    if logits.shape[1] == 1:
        return ((logits > 0) & masks[:, -1:].bool()).numpy()
    numbers = torch.arange(1, logits.shape[1])[None, :, None, None]
    return ((logits.argmax(1, keepdim=True) == numbers) & masks[:, -1:].bool()).numpy()


def mean_dice(logits: Tensor, masks: Tensor) -> float:
    """The mean Dice over images and structures."""
    size = masks.shape[-2:]
    predicted, true = lesions(logits, masks).reshape(-1, *size), masks[:, :-1].bool().numpy().reshape(-1, *size)
    return float(dice(predicted, true).mean())
