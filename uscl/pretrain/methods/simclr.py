"""SimCLR (Chen et al., ICML 2020, arXiv 2002.05709) on ultrasound frames.

A pair is two augmentations of one random frame. Each video gives one pair per epoch, so negatives always come from
other videos. With `pairs: ppi` the views are those of Meta-USCL, unweighted; with `pairs: temporal` two frames of a
video. Departures from the paper: SGD and batches of 32 pairs, as in all methods of this benchmark except USCL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from uscl.pretrain.method import Contrastive, Method, Paired, common_remarks

if TYPE_CHECKING:
    from pathlib import Path

    from lightning_fabric import Fabric
    from torch import Tensor

    from uscl.models.encoder import Encoder
    from uscl.pretrain.engine.pretrained import Pretrained
    from uscl.pretrain.pairs.pool import Pool


class SimCLR(Contrastive, Paired):
    """Settings of SimCLR; the defaults are the published ones of Meta-USCL."""

    method: Literal["simclr"] = "simclr"


def pretrain(
    encoder: Encoder,
    pool: Pool,
    fabric: Fabric,
    seed: int,
    settings: SimCLR,
    *,
    folder: Path | None = None,
    identity: str = "",
) -> Pretrained:
    """Train `encoder` in place, from the weights it has. For `folder`, `identity` see `uscl.pretrain.engine.loop`."""
    from uscl.models.contrastive import ContrastiveModel
    from uscl.pretrain.engine.forward import on_device
    from uscl.pretrain.engine.paired import step_of_views, train_on_pairs
    from uscl.training.losses import nt_xent_levels, nt_xent_per_view

    model = on_device(fabric, ContrastiveModel(encoder, seed, joint=settings.joint))

    def loss(z1: Tensor, z2: Tensor) -> Tensor:
        return nt_xent_per_view(z1, z2, settings.temperature).mean()

    return train_on_pairs(
        model,
        pool,
        fabric,
        seed,
        settings,
        step_of_views(model, pool, fabric, seed, loss),
        lambda pairs: nt_xent_levels(pairs, settings.temperature),
        temperature=settings.temperature,
        folder=folder,
        identity=identity,
    )


METHOD = Method(
    "simclr",
    "two augmentations of one frame, or of interpolated frames (`pairs: ppi`)",
    SimCLR,
    pretrain,
    pairs=lambda settings: settings.pairs,
    remarks=common_remarks,
    step_cost=1.0,
)
