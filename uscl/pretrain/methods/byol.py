"""BYOL (Grill et al., NeurIPS 2020, arXiv 2006.07733) on ultrasound frames: a prediction instead of negatives.

A predictor on the trained network's projection of one view predicts the other view's projection by a second network,
which follows the first slowly. Loss, heads and the momentum's rise to 1 are those of section 3.

Defaults of the paper: projections of 256 dimensions; hidden layers twice as wide as the encoder's features (4,096 on
2,048); `target_momentum` 0.99 at first, which it takes for trainings of 300 epochs. Choices of ours: SGD with the
schedule and weight decay of the other methods here in place of LARS, which is for batches of thousands, and a learning
rate for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from uscl.base.settings import Float
from uscl.pretrain.method import Method, Out, Paired, TargetMomentum, common_remarks

if TYPE_CHECKING:
    from pathlib import Path

    from lightning_fabric import Fabric

    from uscl.models.encoder import Encoder
    from uscl.pretrain.engine.loop import Place, Step
    from uscl.pretrain.engine.pretrained import Pretrained
    from uscl.pretrain.pairs.pairs import Pairs
    from uscl.pretrain.pairs.pool import Pool


class BYOL(Paired):
    """Settings of BYOL; see the head of this file for how they were chosen."""

    method: Literal["byol"] = "byol"
    lr: Annotated[Float, Field(gt=0, description="Learning rate of SGD after the warm-up.")] = 0.03
    target_momentum: TargetMomentum = 0.99
    out: Out = 256


def pretrain(
    encoder: Encoder,
    pool: Pool,
    fabric: Fabric,
    seed: int,
    settings: BYOL,
    *,
    folder: Path | None = None,
    identity: str = "",
) -> Pretrained:
    """Train `encoder` in place, from the weights it has. For `folder`, `identity` see `uscl.pretrain.engine.loop`."""
    import torch

    from uscl.models.contrastive import ContrastiveModel
    from uscl.models.momentum import follow, follower, rising
    from uscl.models.projector import mlp
    from uscl.pretrain.engine.forward import detached, embed, gradient, on_device
    from uscl.pretrain.engine.loop import Step
    from uscl.pretrain.engine.paired import steps_in_all, train_on_pairs
    from uscl.training.losses import Levels
    from uscl.training.pair_losses import negative_cosine

    model = ContrastiveModel(
        encoder,
        seed,
        joint=settings.joint,
        project=lambda dim: mlp(dim, 2 * dim, settings.out),
        predict=lambda: mlp(settings.out, 2 * encoder.dim, settings.out),
    )
    model = on_device(fabric, model)
    target, steps = follower(model), steps_in_all(pool, settings)
    target.predictor = None

    def step(batch: Pairs, place: Place) -> Step:
        frames, count = pool.views.mixed_first(batch, (seed, "augment", place.epoch, place.number)), len(batch.rows)
        follow(target, model, rising(settings.target_momentum, place.total, steps))
        h, z, predicted = embed(fabric, model, frames, count)
        with torch.no_grad():
            _, wanted = embed(fabric, target, frames, count)
        cosines = negative_cosine(predicted[0], wanted[1]) + negative_cosine(predicted[1], wanted[0])
        loss = 4 + 2 * cosines  # two squared distances of normalised vectors
        return Step(loss.detach(), gradient(fabric, loss, model), detached(h), detached(z))

    return train_on_pairs(
        model,
        pool,
        fabric,
        seed,
        settings,
        step,
        lambda pairs: Levels(chance=4.0, ideal=0.0),  # predictions at right angles to what is wanted; perfect ones
        states={"target": target},
        folder=folder,
        identity=identity,
    )


METHOD = Method(
    "byol",
    "predicts a slowly following network's view of the pair; no negatives",
    BYOL,
    pretrain,
    pairs=lambda settings: settings.pairs,
    remarks=common_remarks,
    step_cost=1.3,
)
