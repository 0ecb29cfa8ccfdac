"""Meta-USCL (Chen et al., IEEE TMI 42(5), 2023, arXiv 2212.04097): interpolated pairs with meta-learned weights.

Pairs are interpolated between frames of a video (PPI); a small net (CMW-Net) weights them so that a training step on
them lowers the loss of a meta set of clean pairs most. The meta set is a part of the pool's groups that is not trained
on. Other `weights` than `learned` are controls: they weight the same pairs in other ways.

- `constant`: 1 each, which isolates the interpolation;
- `shuffled`: learned, then given to the batch's pairs in random order: the same weights on the wrong pairs;
- `temporal`: (longest distance - distance + 1) / (longest distance + 1), distances in frames between the two views
  (after VanBerlo et al., 2024, arXiv 2403.07715: intra-video positive pairs);
- `oracle`: by the simulator's truth. A frame's state has two numbers, the share of it that shows what its video begins
  with and the share that shows what the video changes to, and both are 0 where nothing is seen; mixed views have mixed
  states, and a pair's weight is the scalar product of its views' states, at least 0.01;
- `oracle_shuffled`: the oracle's weights in random order; `anti_oracle`: 1.01 minus the oracle's weight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from uscl.base.settings import Float, Int, Settings
from uscl.pretrain.method import Contrastive, MaxDist, Method, Momentum, Triples, common_remarks

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from lightning_fabric import Fabric
    from torch import Tensor

    from uscl.models.encoder import Encoder
    from uscl.pretrain.engine.forward import BothViews
    from uscl.pretrain.engine.loop import Place, Step
    from uscl.pretrain.engine.pretrained import Pretrained
    from uscl.pretrain.pairs.pairs import Pairs
    from uscl.pretrain.pairs.pool import Pool

LEARNED = ("learned", "shuffled")
SHUFFLED = ("shuffled", "oracle_shuffled")
TRUE = ("oracle", "oracle_shuffled", "anti_oracle")


class Meta(Settings):
    """How the weight net is trained."""

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
    keep_convolutions: Annotated[
        bool,
        Field(description="With `update: lookahead`: faster by a tenth, in a fifth more memory, with the same result."),
    ] = False


class MetaUSCL(Contrastive):
    """Settings of Meta-USCL; the defaults are the published ones."""

    method: Literal["meta_uscl"] = "meta_uscl"
    momentum: Momentum = 0.9
    max_dist: MaxDist = 999
    triples: Triples = "released"
    weights: Annotated[
        Literal["learned", "shuffled", "temporal", "constant", "oracle", "oracle_shuffled", "anti_oracle"],
        Field(
            description="Weights of the pairs: by the weight net, the same in random order, by distance, all equal; or"
            " in a simulated pool by the truth, the same in random order, or the opposite of the truth."
        ),
    ] = "learned"
    meta: Annotated[Meta, Field(description="How the weight net is trained.")] = Meta()

    @model_validator(mode="after")
    def check(self) -> Self:
        """Refuse settings that contradict each other."""
        if self.weights == "shuffled" and self.meta.update == "lookahead":
            raise ValueError(
                "`weights: shuffled` needs the published order of updates, and `meta.update` is lookahead: change one"
                " of them"
            )
        if self.meta.keep_convolutions and self.meta.update == "published":
            raise ValueError("`meta.keep_convolutions` has no meaning with `meta.update: published`, which keeps them")
        unused = [name for name, value in self.meta if value != getattr(Meta(), name)]
        if self.weights not in LEARNED and unused:
            raise ValueError(
                f"`meta.{unused[0]}` has no meaning with `weights: {self.weights}`, which trains no weight net"
            )
        if self.weights in LEARNED and self.train_on == "all":
            raise ValueError(
                f"`train_on: all` would train on the meta set, which `weights: {self.weights}` needs: remove it"
            )
        return self


def pretrain(
    encoder: Encoder,
    pool: Pool,
    fabric: Fabric,
    seed: int,
    settings: MetaUSCL,
    *,
    folder: Path | None = None,
    identity: str = "",
) -> Pretrained:
    """Train `encoder` in place, from the weights it has. For `folder`, `identity` see `uscl.pretrain.engine.loop`."""
    import copy

    import torch

    from uscl.base.seeds import generator, torch_stream
    from uscl.models.contrastive import ContrastiveModel
    from uscl.pretrain.engine.forward import on_device
    from uscl.pretrain.engine.loop import Training, fit
    from uscl.pretrain.engine.pretrained import Pretrained, heads, weighed_pairs
    from uscl.pretrain.engine.published import published_budget, published_sgd
    from uscl.pretrain.meta.pair_weights import given_weights, learned_weights, meta_batch
    from uscl.pretrain.meta.weight_net import WeightNet, path_of
    from uscl.pretrain.meta.weighted_step import WeightedStep
    from uscl.pretrain.pairs.pairs import interpolated
    from uscl.training.losses import nt_xent_levels

    meta, weights, max_dist, learned = settings.meta, settings.weights, settings.max_dist, settings.weights in LEARNED
    trained_on = pool.trained_on(settings)
    model = on_device(fabric, ContrastiveModel(encoder, seed, joint=settings.joint))
    optimizer = published_sgd(model, settings, settings.momentum)
    with torch_stream(seed, "weight net"):
        weight_net = WeightNet(encoder.dim).to(fabric.device)
    random_net = copy.deepcopy(weight_net)
    alpha_optimizer = torch.optim.Adam(weight_net.parameters(), lr=meta.lr)
    take = WeightedStep(
        fabric,
        model,
        optimizer,
        weight_net,
        alpha_optimizer,
        settings.temperature,
        detach_features=meta.detach_features,
        keep_convolutions=meta.keep_convolutions,
    )

    def draw(videos: np.ndarray, rng: np.random.Generator) -> Pairs:
        return interpolated(pool.videos, videos, rng, max_dist, settings.triples)

    def weigh(batch: Pairs, h: BothViews, place: Place) -> Tensor:
        if learned:
            of_pairs = weight_net(*h)
        else:
            of_pairs = fabric.to_device(torch.from_numpy(given_weights(pool, batch, weights, max_dist)))
        if weights in SHUFFLED:
            order = generator(seed, "shuffled weights", place.epoch, place.number).permutation(len(batch.rows))
            return of_pairs[torch.from_numpy(order)]
        return of_pairs

    def step(batch: Pairs, place: Place) -> Step:
        frames, count = pool.views.mixed_first(batch, (seed, "augment", *place[:2])), len(batch.rows)
        if not learned or place.total % meta.every:
            return take.main(frames, count, lambda h: weigh(batch, h, place))
        clean = meta_batch(pool, meta.batch_size, generator(seed, "meta pairs", *place[:2]))
        meta_frames = pool.views.mixed_first(clean, (seed, "meta views", *place[:2]))
        if meta.update == "lookahead":
            return take.lookahead(frames, count, meta_frames, len(clean.rows))
        return take.published(frames, count, meta_frames, len(clean.rows), lambda h: weigh(batch, h, place))

    training = Training(
        model,
        optimizer,
        draw=lambda rng: draw(rng.permutation(trained_on), rng),
        step=step,
        validate=lambda: pool.validation(model, settings.batch_size, settings.temperature),
        levels=lambda pairs: nt_xent_levels(pairs, settings.temperature),
        name_inputs=pool.name_inputs,
        states={"weight_net": weight_net, "alpha_optimizer": alpha_optimizer},
        at_epoch_end=lambda: path_of(weight_net, random_net, alpha_optimizer) if learned else {},
    )
    history = fit(training, fabric, seed, published_budget(settings), folder=folder, identity=identity)

    def weigh_drawn(drawn: Pairs) -> dict[str, np.ndarray]:
        if not learned:
            return {"weight": given_weights(pool, drawn, weights, max_dist)}
        nets = {"weight": weight_net, "start_weight": random_net}
        return learned_weights(fabric, pool, model, nets, drawn, settings.batch_size, seed)

    table = weighed_pairs(pool, draw, weigh_drawn, seed)
    found = heads(projector=model.projector, weight_net=weight_net if learned else None)
    return Pretrained(encoder.cpu().eval(), found, history, pool.parts, table, training.seconds, training.cpu_seconds)


def remarks(settings: MetaUSCL) -> tuple[str, ...]:
    """Controls are named by what weights their pairs."""
    control = (f"a control: its pairs have {settings.weights.replace('_', ' ')} weights",)
    return (() if settings.weights == "learned" else control) + common_remarks(settings)


METHOD = Method(
    "meta_uscl",
    "interpolated pairs; weights are learned on a meta set",
    MetaUSCL,
    pretrain,
    pairs=lambda settings: "ppi",
    needs_meta_share=lambda settings: settings.weights in LEARNED,
    needs_truth=lambda settings: settings.weights in TRUE,
    remarks=remarks,
    step_cost=3.4,
)
