"""Tumour segmentation: fine-tune a decoder and its pretrained encoder, fold by fold, and predict the test part once."""

from collections.abc import Callable
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
from uscl.evaluate.predictions import identified, packed
from uscl.metrics.masks import dice
from uscl.models.checkpoint import arrays, described
from uscl.models.encoder import Encoder
from uscl.models.model_file import SEGMENTER, FittedModel
from uscl.models.segmenter import Segmenter
from uscl.training.augment import supervised
from uscl.training.losses import dice_bce


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
    """
    train, validation, test = (load(store, rows) for rows in fold)
    with torch_stream(*stream, "decoder"):
        model = Segmenter(encoder, decoder)
    if last_block_only:
        model.freeze_below_last_block()
    augmentation = supervised(store.frames.shape[1], masks=True)
    history = finetune(
        fabric,
        model,
        train,
        validation,
        loss_of=lambda logits, masks: dice_bce(logits, *masks.float().split(1, dim=1)),
        score_of=lambda logits, masks: float(dice(lesions(logits, masks), masks[:, :1].bool().numpy()).mean()),
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
        keep(FittedModel(SEGMENTER, [], arrays(model), {**described(encoder), "decoder": decoder}))
    height, width = store.frames.shape[1:]
    return identified(cases, fold).assign(
        height=height,
        width=width,
        true_mask=packed(test[1][:, :1].numpy()),
        predicted_mask=packed(lesions(logits, test[1])),
    ), history


all_layers = finetune_fold
last_block = partial(finetune_fold, last_block_only=True)


def load(store: FrameStore, rows: np.ndarray) -> Part:
    """Frames [n, height, width] and two masks [n, 2, height, width], all uint8, of some store rows.

    The first mask is the lesion (any structure), the second the picture, without the black border of the frame.
    """
    assert store.masks is not None, "a segmentation task is split from a store with masks"
    picture = inside(store.manifest.iloc[rows], store.frames.shape[1])
    masks = np.stack([store.masks[rows] > 0, picture], axis=1).astype(np.uint8)
    return torch.from_numpy(store.frames[rows]), torch.from_numpy(masks)


def lesions(logits: Tensor, masks: Tensor) -> np.ndarray:
    """The predicted lesions [n, 1, height, width] (bool), within the pictures of `masks` (see `load`)."""
    return ((logits > 0) & masks[:, 1:].bool()).numpy()
