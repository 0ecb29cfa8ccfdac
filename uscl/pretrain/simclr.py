"""SimCLR (Chen et al., ICML 2020, arXiv 2002.05709) on ultrasound frames.

Two augmentations of one random frame of each video: one pair a video and epoch, so that the negatives always come from
other videos. Departures from the paper: SGD and batches of 32 pairs, as all methods of this benchmark have them.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from uscl.augment import as_float, contrastive
from uscl.data.store import FrameStore
from uscl.errors import UserError
from uscl.losses import nt_xent_per_view
from uscl.models.encoders import Encoder
from uscl.models.projector import projector
from uscl.pretrain.loop import fit
from uscl.seeds import generator, torch_stream


def pretrain(
    arch: str,
    pool: FrameStore,
    fabric: Fabric,
    seed: int,
    *,
    epochs: int = 300,
    batch_size: int = 32,
    lr: float = 0.1,
    momentum: float = 0.9,
    weight_decay: float = 1e-4,
    warmup_epochs: int = 10,
    temperature: float = 0.5,
) -> tuple[Encoder, pd.DataFrame]:
    """The pretrained encoder and its history (see `uscl.pretrain.loop.fit`). Defaults are the published settings."""
    with torch_stream(seed, "init"):
        encoder = Encoder(arch)
        model = nn.Sequential(encoder, projector(encoder.dim))
    augment = contrastive(pool.frames.shape[1]).to(fabric.device)

    def loss_of(model: nn.Module, rows: np.ndarray) -> Tensor:
        frames = as_float(fabric.to_device(torch.from_numpy(pool.frames[rows])))
        z1, z2 = model(torch.cat([augment(frames), augment(frames)])).chunk(2)
        return nt_xent_per_view(z1, z2, temperature).mean()

    history = fit(
        fabric,
        model,
        lambda epoch: frame_batches(pool.manifest["video"], batch_size, seed, epoch),
        loss_of,
        seed=seed,
        epochs=epochs,
        lr=lr,
        momentum=momentum,
        weight_decay=weight_decay,
        warmup_epochs=warmup_epochs,
    )
    return encoder.cpu().eval(), history


def frame_batches(videos: pd.Series, batch_size: int, seed: int, epoch: int) -> Iterator[np.ndarray]:
    """Store rows in batches: one random frame of every video, videos in random order.

    `videos` names each frame's video. A last batch of one video joins the batch before it: it has no negatives of its
    own. Raises UserError for a pool of fewer than two videos or a batch size below two.
    """
    codes, _ = pd.factorize(videos)
    count = int(codes.max(initial=-1)) + 1
    if count < 2 or batch_size < 2:
        raise UserError(
            f"Contrastive pretraining compares videos: the pool has {count} and `batch_size` is {batch_size};"
            " it takes two or more of each."
        )
    rng = generator(seed, "pairs", epoch)
    by_video = np.argsort(codes, kind="stable")
    length = np.bincount(codes)
    first = np.cumsum(length) - length
    rows = by_video[first + rng.integers(length)][rng.permutation(count)]
    cuts = [cut for cut in range(batch_size, count, batch_size) if count - cut > 1]
    yield from np.split(rows, cuts)
