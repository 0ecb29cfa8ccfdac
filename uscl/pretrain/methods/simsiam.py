"""SimSiam (Chen and He, CVPR 2021, arXiv 2011.10566) on ultrasound frames: no negatives and no second network.

A predictor on the projection of one view predicts the projection of the other, which is held constant.

Defaults of the paper (section 3, "Baseline settings"): three layers of projection as wide as the encoder's features,
the last with a BatchNorm without weights; a predictor with a bottleneck a quarter as wide, whose learning rate stays
constant; weight decay 1e-4, momentum 0.9, and the learning rate 0.05 per 256 images, which is 0.00625 per 32 pairs;
take another in proportion to `batch_size`. A choice of ours: the warm-up of the other methods here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from uscl.base.settings import Float
from uscl.pretrain.method import Method, Paired, common_remarks

if TYPE_CHECKING:
    from pathlib import Path

    from lightning_fabric import Fabric

    from uscl.models.encoder import Encoder
    from uscl.pretrain.engine.loop import Place, Step
    from uscl.pretrain.engine.pretrained import Pretrained
    from uscl.pretrain.pairs.pairs import Pairs
    from uscl.pretrain.pairs.pool import Pool


class SimSiam(Paired):
    """Settings of SimSiam; see the head of this file for how they were chosen."""

    method: Literal["simsiam"] = "simsiam"
    lr: Annotated[Float, Field(gt=0, description="Learning rate of SGD after the warm-up.")] = 0.00625


def pretrain(
    encoder: Encoder,
    pool: Pool,
    fabric: Fabric,
    seed: int,
    settings: SimSiam,
    *,
    folder: Path | None = None,
    identity: str = "",
) -> Pretrained:
    """Train `encoder` in place, from the weights it has. For `folder`, `identity` see `uscl.pretrain.engine.loop`."""
    from torch import optim

    from uscl.models.contrastive import ContrastiveModel
    from uscl.models.projector import mlp
    from uscl.pretrain.engine.forward import detached, embed, gradient, on_device
    from uscl.pretrain.engine.loop import Step
    from uscl.pretrain.engine.paired import train_on_pairs
    from uscl.training.losses import Levels
    from uscl.training.pair_losses import negative_cosine

    dim = encoder.dim
    model = ContrastiveModel(
        encoder,
        seed,
        joint=settings.joint,
        project=lambda dim: mlp(dim, dim, dim, dim, normalised=True),
        predict=lambda: mlp(dim, max(dim // 4, 1), dim),
    )
    model = on_device(fabric, model)
    named = dict(model.named_parameters())
    groups: list[dict[str, Any]] = [
        {"params": [weight for name, weight in named.items() if not name.startswith("predictor.")]},
        {
            "params": [weight for name, weight in named.items() if name.startswith("predictor.")],
            "constant_lr": settings.lr,
        },
    ]
    optimizer = optim.SGD(groups, lr=settings.lr, momentum=settings.momentum, weight_decay=settings.weight_decay)

    def step(batch: Pairs, place: Place) -> Step:
        frames = pool.views.mixed_first(batch, (seed, "augment", place.epoch, place.number))
        h, z, predicted = embed(fabric, model, frames, len(batch.rows))
        wanted = detached(z)
        loss = (negative_cosine(predicted[0], wanted[1]) + negative_cosine(predicted[1], wanted[0])) / 2
        return Step(loss.detach(), gradient(fabric, loss, model), detached(h), wanted)

    return train_on_pairs(
        model,
        pool,
        fabric,
        seed,
        settings,
        step,
        lambda pairs: Levels(chance=0.0, ideal=-1.0),  # predictions at right angles to what is wanted; perfect ones
        optimizer=optimizer,
        folder=folder,
        identity=identity,
    )


METHOD = Method(
    "simsiam",
    "predicts the other view's projection, held constant; no negatives, no second network",
    SimSiam,
    pretrain,
    pairs=lambda settings: settings.pairs,
    remarks=common_remarks,
    step_cost=1.0,
)
