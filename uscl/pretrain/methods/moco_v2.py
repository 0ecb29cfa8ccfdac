"""MoCo v2 (Chen et al., 2020, arXiv 2003.04297, on He et al., CVPR 2020, arXiv 1911.05722) on ultrasound frames.

The trained network embeds the first views (queries), a second one that follows it slowly the second views (keys). A
query's positive is its key; its negatives are the keys of earlier batches, from a queue.

Defaults of the paper: projector of two layers to 128 dimensions, temperature 0.2, weight decay 1e-4, momentum 0.9, and
the learning rate 0.03 per 256 images, which is 0.00375 per 32 pairs; take another in proportion to `batch_size`.
Choices of ours: `target_momentum` is 0.99, because 0.999 would remember the last thousand steps and many trainings here
have fewer; the queue is as old as in the paper relative to that memory (256 steps of 1,000), which is 25 batches of 32.

Departures: keys of a query's own video don't count as its negatives, since a pool has few videos and each comes once
per epoch. A network sees the whole batch of its view, so BatchNorm isn't shuffled over devices. The schedule is that of
the other methods here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from uscl.base.settings import Float, Int
from uscl.pretrain.method import Method, Paired, TargetMomentum, common_remarks

if TYPE_CHECKING:
    from pathlib import Path

    from lightning_fabric import Fabric

    from uscl.models.encoder import Encoder
    from uscl.pretrain.engine.loop import Place, Step
    from uscl.pretrain.engine.pretrained import Pretrained
    from uscl.pretrain.pairs.pairs import Pairs
    from uscl.pretrain.pairs.pool import Pool


OUT = 128


class MoCoV2(Paired):
    """Settings of MoCo v2; see the head of this file for how they were chosen."""

    method: Literal["moco_v2"] = "moco_v2"
    lr: Annotated[Float, Field(gt=0, description="Learning rate of SGD after the warm-up.")] = 0.00375
    temperature: Annotated[Float, Field(gt=0, description="Temperature of InfoNCE.")] = 0.2
    target_momentum: TargetMomentum = 0.99
    queue: Annotated[Int, Field(ge=1, description="Keys of earlier steps that serve as negatives.")] = 800

    @model_validator(mode="after")
    def check(self) -> Self:
        """Refuse BatchNorm over both views, since no network sees both."""
        if self.joint:
            raise ValueError("`batchnorm: joint` has no meaning, since each network sees one view: remove it")
        return self


def pretrain(
    encoder: Encoder,
    pool: Pool,
    fabric: Fabric,
    seed: int,
    settings: MoCoV2,
    *,
    folder: Path | None = None,
    identity: str = "",
) -> Pretrained:
    """Train `encoder` in place, from the weights it has. For `folder`, `identity` see `uscl.pretrain.engine.loop`."""
    import torch

    from uscl.models.contrastive import ContrastiveModel
    from uscl.models.momentum import Queue, follow, follower
    from uscl.pretrain.engine.forward import detached, embed_one, gradient, on_device
    from uscl.pretrain.engine.loop import Step
    from uscl.pretrain.engine.paired import train_on_pairs
    from uscl.training.pair_losses import info_nce, info_nce_levels

    model = on_device(fabric, ContrastiveModel(encoder, seed, out=OUT))
    target = follower(model)
    queue = Queue(settings.queue, OUT, seed).to(fabric.device)

    def step(batch: Pairs, place: Place) -> Step:
        frames, count = pool.views.mixed_first(batch, (seed, "augment", place.epoch, place.number)), len(batch.rows)
        first, second = frames.chunk(2)
        follow(target, model, settings.target_momentum)
        h1, queries = embed_one(fabric, model, first, count)
        with torch.no_grad():
            h2, keys = embed_one(fabric, target, second, count)
        videos = fabric.to_device(torch.from_numpy(pool.videos.of_row[batch.rows[:, 0]]))
        own_video = videos[:, None] == queue.videos
        loss = info_nce(queries, keys, queue.keys, settings.temperature, own_video)
        queue.push(keys, videos)
        return Step(loss.detach(), gradient(fabric, loss, model), detached((h1, h2)), detached((queries, keys)))

    return train_on_pairs(
        model,
        pool,
        fabric,
        seed,
        settings,
        step,
        lambda pairs: info_nce_levels(settings.queue, settings.temperature),
        states={"target": target, "queue": queue},
        folder=folder,
        identity=identity,
    )


METHOD = Method(
    "moco_v2",
    "a queue of keys from a slowly following network gives the negatives",
    MoCoV2,
    pretrain,
    pairs=lambda settings: settings.pairs,
    remarks=common_remarks,
    step_cost=0.7,
)
