"""No pretraining: the weights that an arm starts from, with BatchNorm statistics of the pool.

A pretrained encoder differs from its start in two ways: its weights have moved, and its BatchNorm layers have seen the
pool. This control has only the second. As many augmented views as a pretraining takes pass through the encoder in
training mode, which moves the running statistics and nothing else; so what a pretrained arm has beyond this one, it has
learned. (Without it, a network with BatchNorm at its defaults, mean 0 and variance 1, is compared with one whose
features are scaled.) `calibrate: false` leaves the statistics as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from uscl.pretrain.method import FromPool, Method, common_remarks

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pandas as pd
    from lightning_fabric import Fabric

    from uscl.models.contrastive import ContrastiveModel
    from uscl.models.encoder import Encoder
    from uscl.pretrain.engine.pretrained import Pretrained
    from uscl.pretrain.pairs.pairs import Pairs
    from uscl.pretrain.pairs.pool import Pool

# In BatchNorm's running mean (momentum 0.1), a pass that is so many passes old weighs 4e-12: nothing in float32.
FORGOTTEN = 250


class Untrained(FromPool):
    """Settings of the untrained control: `epochs`, `batch_size` and so on are those of the pretraining it controls."""

    method: Literal["untrained"] = "untrained"
    calibrate: Annotated[
        bool, Field(description="Take BatchNorm's statistics from the pool, as a pretraining does.")
    ] = True


def pretrain(
    encoder: Encoder,
    pool: Pool,
    fabric: Fabric,
    seed: int,
    settings: Untrained,
    *,
    folder: Path | None = None,
    identity: str = "",
) -> Pretrained:
    """Calibrate `encoder` in place. It takes seconds, so nothing is saved in `folder`."""
    import time

    from uscl.models.contrastive import ContrastiveModel
    from uscl.pretrain.engine.forward import on_device
    from uscl.pretrain.engine.pretrained import Pretrained, heads, weighed_pairs
    from uscl.pretrain.pairs.pairs import one_frame

    clock, cpu_clock = time.monotonic(), time.process_time()
    model = on_device(fabric, ContrastiveModel(encoder, seed, joint=settings.joint))
    images = calibrate(model, pool, fabric, seed, settings) if settings.calibrate else 0
    history = one_row(pool.validation(model, settings.batch_size, temperature=0.5), images)
    table = weighed_pairs(pool, lambda videos, rng: one_frame(pool.videos, videos, rng), None, seed)
    found = heads(projector=model.projector)
    took = time.monotonic() - clock, time.process_time() - cpu_clock
    return Pretrained(encoder.cpu().eval(), found, history, pool.parts, table, *took)


def calibrate(model: ContrastiveModel, pool: Pool, fabric: Fabric, seed: int, settings: Untrained) -> int:
    """Move BatchNorm's running statistics by the views of a SimCLR training of these settings; returns their number.

    Passes that the running mean would have forgotten by the end are not made.
    """
    import torch

    from uscl.base.progress import shown
    from uscl.pretrain.engine.forward import embed
    from uscl.pretrain.pairs.pairs import bounds, epoch_batches, one_frame

    trained_on, size, drop = pool.trained_on(settings), settings.batch_size, settings.drop

    def draw(rng: np.random.Generator) -> Pairs:
        return one_frame(pool.videos, rng.permutation(trained_on), rng)

    model.train()
    images, last = 0, settings.epochs
    passes = (len(bounds(len(trained_on), size, drop=drop)) - 1) * (1 if settings.joint else 2)
    first = max(0, last - -(-FORGOTTEN // passes))
    with torch.no_grad():
        for epoch in shown(range(first, last), last - first, "calibration"):
            for number, batch in enumerate(epoch_batches(draw, seed, epoch, size, drop=drop)):
                frames = pool.views.mixed_first(batch, (seed, "augment", epoch, number))
                embed(fabric, model, frames, len(batch.rows))
                images += 2 * len(batch.rows)
    return images


def one_row(validation: dict[str, float], images: int) -> pd.DataFrame:
    """The history of an arm that has no epochs."""
    import pandas as pd

    return pd.DataFrame([{"epoch": 0, "lr": 0.0, "images": images, **validation}])


def remarks(settings: Untrained) -> tuple[str, ...]:
    """The bare form is named, because its features are not what a pretrained arm starts from."""
    bare = ("uncalibrated: BatchNorm statistics as the weights came with them (`calibrate: false`)",)
    return (() if settings.calibrate else bare) + common_remarks(settings)


METHOD = Method(
    "untrained",
    "no pretraining: the starting weights with BatchNorm statistics of the pool",
    Untrained,
    pretrain,
    trains=False,
    pairs=lambda settings: "frame",
    remarks=remarks,
)
