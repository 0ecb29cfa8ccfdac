"""SimCLR (Chen et al., ICML 2020, arXiv 2002.05709) on ultrasound frames.

A pair is two augmentations of one random frame. Each video gives one pair per epoch, so negatives always come from
other videos. With `pairs: ppi` the views are those of Meta-USCL, unweighted. Departures from the paper: SGD and batches
of 32 pairs, as in all methods of this benchmark except USCL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from uscl.pretrain.method import Contrastive, MaxDist, Method, Momentum, Triples, common_remarks

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from lightning_fabric import Fabric

    from uscl.models.encoder import Encoder
    from uscl.pretrain.engine.loop import Place, Step
    from uscl.pretrain.engine.pretrained import Pretrained
    from uscl.pretrain.pairs.pairs import Pairs
    from uscl.pretrain.pairs.pool import Pool


class SimCLR(Contrastive):
    """Settings of SimCLR; the defaults are the published ones of Meta-USCL."""

    method: Literal["simclr"] = "simclr"
    momentum: Momentum = 0.9
    pairs: Annotated[
        Literal["frame", "ppi"],
        Field(description="Two views of one frame, or interpolated pairs (PPI, unweighted)."),
    ] = "frame"
    max_dist: MaxDist = 999
    triples: Triples = "released"

    @model_validator(mode="after")
    def check(self) -> Self:
        """Refuse settings of interpolation if nothing is interpolated."""
        for key in ("max_dist", "triples"):
            if self.pairs == "frame" and getattr(self, key) != type(self).model_fields[key].default:
                raise ValueError(f"`{key}` has no meaning with `pairs: frame`: set `pairs: ppi` or remove it")
        return self


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
    from uscl.pretrain.engine.forward import detached, embed, gradient, on_device
    from uscl.pretrain.engine.loop import Step, Training, fit
    from uscl.pretrain.engine.pretrained import Pretrained, heads, weighed_pairs
    from uscl.pretrain.engine.published import published_budget, published_sgd
    from uscl.pretrain.pairs.pairs import interpolated, one_frame
    from uscl.training.losses import nt_xent_levels, nt_xent_per_view

    model = on_device(fabric, ContrastiveModel(encoder, seed, joint=settings.joint))
    trained_on = pool.trained_on(settings)

    def draw(videos: np.ndarray, rng: np.random.Generator) -> Pairs:
        if settings.pairs == "ppi":
            return interpolated(pool.videos, videos, rng, settings.max_dist, settings.triples)
        return one_frame(pool.videos, videos, rng)

    def step(batch: Pairs, place: Place) -> Step:
        frames = pool.views.mixed_first(batch, (seed, "augment", place.epoch, place.number))
        h, z = embed(fabric, model, frames, len(batch.rows))
        loss = nt_xent_per_view(*z, settings.temperature).mean()
        return Step(loss.detach(), gradient(fabric, loss, model), detached(h), detached(z))

    optimizer = published_sgd(model, settings, settings.momentum)
    training = Training(
        model,
        optimizer,
        draw=lambda rng: draw(rng.permutation(trained_on), rng),
        step=step,
        validate=lambda: pool.validation(model, settings.batch_size, settings.temperature),
        levels=lambda pairs: nt_xent_levels(pairs, settings.temperature),
        name_inputs=pool.name_inputs,
    )

    history = fit(training, fabric, seed, published_budget(settings), folder=folder, identity=identity)
    table = weighed_pairs(pool, draw, None, seed)
    found = heads(projector=model.projector)
    return Pretrained(encoder.cpu().eval(), found, history, pool.parts, table, training.seconds, training.cpu_seconds)


METHOD = Method(
    "simclr",
    "two augmentations of one frame, or of interpolated frames (`pairs: ppi`)",
    SimCLR,
    pretrain,
    pairs=lambda settings: settings.pairs,
    remarks=common_remarks,
    step_cost=1.0,
)
