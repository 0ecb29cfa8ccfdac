"""Features of a frozen encoder, computed once for all folds, regimes and label fractions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uscl.base.errors import UserError
from uscl.data.store import FrameStore

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from uscl.models.encoder import Encoder


BATCH = 64  # frames; rounding depends on it, so models predict in such batches too


def frozen_features(
    encoder: Encoder, store: FrameStore, fabric: Fabric, batch_size: int = BATCH
) -> NDArray[np.float32]:
    """Pooled features [frames, dim] of every frame of the store, in its order; no augmentation, BatchNorm frozen.

    Raises UserError if a feature is not finite.
    """
    import torch  # late: probes check features with this module and don't need torch

    from uscl.training.augment import as_float

    model = fabric.setup_module(encoder.eval().to(memory_format=torch.channels_last))  # type: ignore[call-overload]
    found = np.empty((len(store.frames), encoder.dim), np.float32)
    with torch.inference_mode():
        for start in range(0, len(found), batch_size):
            frames = torch.from_numpy(np.array(store.frames[start : start + batch_size]))
            found[start : start + batch_size] = model(as_float(fabric.to_device(frames))).float().cpu()
    check_features(found, store.manifest["case"])
    return found


def check_features(features: NDArray[np.float32], cases: pd.Series) -> None:
    """Raise UserError if the length of a case's feature vector is not finite; `features` [cases, dim]."""
    bad = ~np.isfinite(np.linalg.norm(features, axis=1))
    if bad.any():
        raise UserError(
            f"The features of {bad.sum()} of {len(cases)} frames are NaN, infinite or too large, such as those of"
            f" {cases.to_numpy()[bad][0]}: the encoder is unusable (pretrain it with a lower `lr`), or the"
            " file of the features is damaged (remove it)."
        )
