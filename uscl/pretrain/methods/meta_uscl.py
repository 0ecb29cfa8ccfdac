"""Meta-USCL (Chen et al., IEEE TMI 42(5), 2023, arXiv 2212.04097): interpolated pairs with meta-learned weights.

Pairs are interpolated between frames of a video (PPI); a small net (CMW-Net) weights them so that a training step on
them lowers the loss of a meta set of clean pairs most. The meta set is a part of the pool's groups that is not trained
on. Other `weights` than `learned` weight the same training data in other ways, for comparison:

- `shuffled`: learned, then given to the batch's pairs in random order;
- `temporal`: (longest distance - distance + 1) / (longest distance + 1), distances in frames between the two views
  (after VanBerlo et al., 2024, arXiv 2403.07715: intra-video positive pairs);
- `constant`: 1 each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from uscl.base.settings import Float, Int, Nothing, Settings
from uscl.pretrain.method import Contrastive, MaxDist, Method, Momentum

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from lightning_fabric import Fabric
    from torch import Tensor

    from uscl.data.store import FrameStore
    from uscl.models.encoder import Encoder
    from uscl.pretrain.engine.forward import BothViews
    from uscl.pretrain.engine.loop import Place, Step
    from uscl.pretrain.engine.pretrained import Pretrained
    from uscl.pretrain.pairs.pairs import Pairs

LEARNED = ("learned", "shuffled")


class Meta(Settings):
    """How the weight net is trained."""

    share: Annotated[Float, Field(gt=0, le=0.5, description="Share of the pool's groups held out as the meta set.")] = (
        0.2
    )
    batch_size: Annotated[Int, Field(ge=2, description="Videos per meta batch at most.")] = 32
    every: Annotated[Int, Field(ge=1, description="The weight net learns at every so many steps.")] = 1
    lr: Annotated[Float, Field(gt=0, description="Learning rate of Adam for the weight net.")] = 6e-5
    update: Annotated[
        Literal["published", "lookahead"],
        Field(description="Order of the updates; with `lookahead`, which is cheaper, the weights lag one step."),
    ] = "published"
    detach_features: Annotated[
        bool, Field(description="Cut the path from the encoder through the weight net in the virtual step.")
    ] = False


class MetaUSCL(Contrastive):
    """Settings of Meta-USCL; the defaults are the published ones."""

    method: Literal["meta_uscl"] = "meta_uscl"
    momentum: Momentum = 0.9
    max_dist: Annotated[MaxDist | None, Nothing] = None
    weights: Annotated[
        Literal["learned", "shuffled", "temporal", "constant"],
        Field(
            description="Weights of the pairs: by the weight net, the same in random order, by distance, or all equal."
        ),
    ] = "learned"
    meta: Annotated[Meta, Field(description="How the weight net is trained.")] = Meta()

    @model_validator(mode="after")
    def check(self) -> Self:
        """Refuse settings that contradict each other."""
        if self.validation_share + self.meta.share >= 1:
            raise ValueError(
                f"`validation_share: {self.validation_share}` and `meta.share: {self.meta.share}` leave no video to"
                " train on: lower one of them"
            )
        if self.weights == "shuffled" and self.meta.update == "lookahead":
            raise ValueError(
                "`weights: shuffled` needs the published order of updates, and `meta.update` is lookahead: change one"
                " of them"
            )
        usual = Meta(share=self.meta.share)
        unused = [name for name, value in self.meta if value != getattr(usual, name)]
        if self.weights not in LEARNED and unused:
            raise ValueError(
                f"`meta.{unused[0]}` has no meaning with `weights: {self.weights}`, which trains no weight net; of"
                " `meta` only `share` counts there"
            )
        return self


def pretrain(
    encoder: Encoder,
    store: FrameStore,
    fabric: Fabric,
    seed: int,
    settings: MetaUSCL,
    *,
    folder: Path | None = None,
    identity: str = "",
) -> Pretrained:
    """Train `encoder` in place, from the weights it has. For `folder`, `identity` see `uscl.pretrain.engine.loop`."""
    import torch

    from uscl.base.seeds import generator, torch_stream
    from uscl.models.contrastive import ContrastiveModel
    from uscl.pretrain.engine.forward import on_device
    from uscl.pretrain.engine.loop import Budget, Training, fit
    from uscl.pretrain.engine.pretrained import Pretrained, heads, weighed_pairs
    from uscl.pretrain.meta.pair_weights import given_weights, learned_weights, meta_batch
    from uscl.pretrain.meta.weight_net import WeightNet
    from uscl.pretrain.meta.weighted_step import WeightedStep
    from uscl.pretrain.pairs.pairs import interpolated
    from uscl.pretrain.pairs.pool import Pool

    meta, weights, max_dist = settings.meta, settings.weights, settings.max_dist
    pool = Pool(store, fabric, seed, validation=settings.validation_share, meta=meta.share)
    model = on_device(fabric, ContrastiveModel(encoder, seed))
    optimizer = torch.optim.SGD(
        model.parameters(), lr=settings.lr, momentum=settings.momentum, weight_decay=settings.weight_decay
    )
    with torch_stream(seed, "weight net"):
        weight_net = WeightNet(encoder.dim).to(fabric.device)
    alpha_optimizer = torch.optim.Adam(weight_net.parameters(), lr=meta.lr)
    take = WeightedStep(
        fabric,
        model,
        optimizer,
        weight_net,
        alpha_optimizer,
        settings.temperature,
        detach_features=meta.detach_features,
    )

    def draw(videos: np.ndarray, rng: np.random.Generator) -> Pairs:
        return interpolated(pool.videos, videos, rng, max_dist)

    def weigh(batch: Pairs, h: BothViews, place: Place) -> Tensor:
        if weights == "learned":
            return weight_net(*h)
        if weights == "shuffled":
            order = generator(seed, "shuffled weights", place.epoch, place.number).permutation(len(batch.rows))
            return weight_net(*h)[torch.from_numpy(order)]
        return fabric.to_device(torch.from_numpy(given_weights(pool.videos, batch, weights, max_dist)))

    def step(batch: Pairs, place: Place) -> Step:
        frames, count = pool.views.mixed_first(batch, (seed, "augment", *place[:2])), len(batch.rows)
        if weights not in LEARNED or place.total % meta.every:
            return take.main(frames, count, lambda h: weigh(batch, h, place))
        clean = meta_batch(pool, meta.batch_size, generator(seed, "meta pairs", *place[:2]))
        meta_frames = pool.views.mixed_first(clean, (seed, "meta views", *place[:2]))
        if meta.update == "lookahead":
            return take.lookahead(frames, count, meta_frames, len(clean.rows))
        return take.published(frames, count, meta_frames, len(clean.rows), lambda h: weigh(batch, h, place))

    training = Training(
        model,
        optimizer,
        draw=lambda rng: draw(rng.permutation(pool.of("train")), rng),
        step=step,
        validate=lambda: pool.validation_loss(model, settings.batch_size, settings.temperature),
        name_inputs=pool.name_inputs,
        states={"weight_net": weight_net, "alpha_optimizer": alpha_optimizer},
    )
    budget = Budget(settings.epochs, settings.batch_size, settings.lr, settings.warmup_epochs)
    history = fit(training, fabric, seed, budget, folder=folder, identity=identity)

    def weight_of(drawn: Pairs) -> np.ndarray:
        if weights not in LEARNED:
            return given_weights(pool.videos, drawn, weights, max_dist)
        return learned_weights(fabric, pool, model, weight_net, drawn, settings.batch_size, seed)

    table = weighed_pairs(pool, draw, weight_of, seed)
    found = heads(projector=model.projector, weight_net=weight_net if weights in LEARNED else None)
    return Pretrained(encoder.cpu().eval(), found, history, pool.parts, table, training.seconds)


METHOD = Method(
    "meta_uscl",
    "interpolated pairs; weights are learned on a meta set",
    MetaUSCL,
    pretrain,
    pairs=lambda settings: "ppi",
    meta_share=lambda settings: settings.meta.share,
    step_cost=3.4,
)
