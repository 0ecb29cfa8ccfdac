"""VICReg (Bardes et al., ICLR 2022, arXiv 2105.04906) on ultrasound frames: invariance, variance, covariance.

The two views of a pair shall be equal, each dimension varied over a batch, and different dimensions uncorrelated.

Defaults of the paper: weights 25, 25 and 1; three layers of projection; as many dimensions per pair of a batch as its
8,192 at 2,048, which are 128 at 32. (More dimensions could not be uncorrelated over so few pairs.) Choices of ours:
hidden layers as wide as the encoder's features; SGD with the schedule and weight decay of the other methods here in
place of LARS, which is for batches of thousands, and a learning rate for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from uscl.base.settings import Float
from uscl.pretrain.method import Method, Out, Paired, common_remarks

if TYPE_CHECKING:
    from pathlib import Path

    from lightning_fabric import Fabric
    from torch import Tensor

    from uscl.models.encoder import Encoder
    from uscl.pretrain.engine.pretrained import Pretrained
    from uscl.pretrain.pairs.pool import Pool


class VICReg(Paired):
    """Settings of VICReg; see the head of this file for how they were chosen."""

    method: Literal["vicreg"] = "vicreg"
    lr: Annotated[Float, Field(gt=0, description="Learning rate of SGD after the warm-up.")] = 0.003
    invariance: Annotated[Float, Field(gt=0, description="Weight of the distance between the views.")] = 25.0
    variance: Annotated[Float, Field(gt=0, description="Weight of the dimensions' variance.")] = 25.0
    covariance: Annotated[Float, Field(gt=0, description="Weight of the covariances.")] = 1.0
    out: Out = 128


def pretrain(
    encoder: Encoder,
    pool: Pool,
    fabric: Fabric,
    seed: int,
    settings: VICReg,
    *,
    folder: Path | None = None,
    identity: str = "",
) -> Pretrained:
    """Train `encoder` in place, from the weights it has. For `folder`, `identity` see `uscl.pretrain.engine.loop`."""
    from uscl.models.contrastive import ContrastiveModel
    from uscl.models.projector import mlp
    from uscl.pretrain.engine.forward import on_device
    from uscl.pretrain.engine.paired import step_of_views, train_on_pairs
    from uscl.training.pair_losses import vicreg, vicreg_levels

    model = ContrastiveModel(encoder, seed, joint=settings.joint, project=lambda dim: mlp(dim, dim, dim, settings.out))
    model = on_device(fabric, model)

    def loss(z1: Tensor, z2: Tensor) -> Tensor:
        return vicreg(z1, z2, settings.invariance, settings.variance, settings.covariance)

    return train_on_pairs(
        model,
        pool,
        fabric,
        seed,
        settings,
        step_of_views(model, pool, fabric, seed, loss),
        lambda pairs: vicreg_levels(pairs, settings.out, settings.variance, settings.covariance),
        folder=folder,
        identity=identity,
    )


METHOD = Method(
    "vicreg",
    "equal views with varied, decorrelated dimensions; no negatives",
    VICReg,
    pretrain,
    pairs=lambda settings: settings.pairs,
    remarks=common_remarks,
    step_cost=1.0,
)
