"""SimCLR (Chen et al., ICML 2020, arXiv 2002.05709) on ultrasound frames.

Two augmentations of one random frame of each video: one pair a video and epoch, so that the negatives always come from
other videos. With `pairs: ppi` the views are those of Meta-USCL, unweighted. Departures from the paper: SGD and batches
of 32 pairs, as all methods of this benchmark but USCL have them.
"""

from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric

from uscl.data.store import FrameStore
from uscl.models.contrastive import ContrastiveModel
from uscl.models.encoder import Encoder
from uscl.pretrain.engine.forward import detached, embed, gradient, on_device
from uscl.pretrain.engine.loop import Budget, Place, Step, Training, fit
from uscl.pretrain.engine.pretrained import Pretrained, heads, weighed_pairs
from uscl.pretrain.pairs.pairs import Pairs, interpolated, one_frame
from uscl.pretrain.pairs.pool import Pool
from uscl.training.losses import nt_xent_per_view


def pretrain(
    encoder: Encoder,
    store: FrameStore,
    fabric: Fabric,
    seed: int,
    *,
    pairs: str = "frame",
    max_dist: int | None = None,
    epochs: int = 300,
    batch_size: int = 32,
    lr: float = 0.1,
    momentum: float = 0.9,
    weight_decay: float = 1e-4,
    warmup_epochs: int = 10,
    temperature: float = 0.5,
    validation_share: float = 0.1,
    folder: Path | None = None,
    identity: str = "",
) -> Pretrained:
    """Train `encoder` in place, from the weights it has. Defaults are the published settings.

    `pairs` is `frame` or `ppi`, with spans of `max_dist` frames at most. For `folder` and `identity` see
    `uscl.pretrain.engine.loop.fit`.
    """
    pool = Pool(store, fabric, seed, validation=validation_share)
    model = on_device(fabric, ContrastiveModel(encoder, seed))

    def draw(videos: np.ndarray, rng: np.random.Generator) -> Pairs:
        if pairs == "ppi":
            return interpolated(pool.videos, videos, rng, max_dist)
        return one_frame(pool.videos, videos, rng)

    def step(batch: Pairs, place: Place) -> Step:
        frames = pool.views.mixed_first(batch, (seed, "augment", place.epoch, place.number))
        h, z = embed(fabric, model, frames, len(batch.rows))
        loss = nt_xent_per_view(*z, temperature).mean()
        return Step(loss.detach(), gradient(fabric, loss, model), detached(h), detached(z))

    training = Training(
        model,
        torch.optim.SGD(model.parameters(), lr=lr, momentum=momentum, weight_decay=weight_decay),
        draw=lambda rng: draw(rng.permutation(pool.of("train")), rng),
        step=step,
        validate=lambda: pool.validation_loss(model, batch_size, temperature),
        name_inputs=pool.name_inputs,
    )
    budget = Budget(epochs, batch_size, lr, warmup_epochs)
    history = fit(training, fabric, seed, budget, folder=folder, identity=identity)
    table = weighed_pairs(pool, draw, None, seed)
    return Pretrained(
        encoder.cpu().eval(), heads(projector=model.projector), history, pool.parts, table, training.seconds
    )
