"""Meta-USCL (Chen et al., IEEE TMI 42(5), 2023, arXiv 2212.04097): interpolated pairs with meta-learned weights.

Pairs are interpolated between frames of a video (PPI); a small net (CMW-Net) weights them so that a step on them serves
a meta set of clean pairs best. The meta set is a part of the pool's groups that is not trained on. With other `weights`
than `learned` the same training data is weighted in other ways, for comparison:

- `shuffled`: learned, then given to the batch's pairs in random order;
- `temporal`: (longest distance - distance + 1) / (longest distance + 1), distances in frames between the two views
  (after VanBerlo et al., 2024, arXiv 2403.07715: intra-video positive pairs);
- `constant`: 1 each.
"""

import copy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from uscl.base.errors import UserError
from uscl.base.seeds import generator, torch_stream
from uscl.data.store import FrameStore
from uscl.models.contrastive import ContrastiveModel
from uscl.models.encoder import Encoder
from uscl.pretrain.engine.forward import BothViews, embed, on_device
from uscl.pretrain.engine.loop import Budget, Place, Step, Training, fit
from uscl.pretrain.engine.pretrained import Pretrained, heads, weighed_pairs
from uscl.pretrain.meta.weight_net import WeightNet
from uscl.pretrain.meta.weighted_step import WeightedStep
from uscl.pretrain.pairs.pairs import Pairs, Videos, batches, distances, interpolated, one_frame
from uscl.pretrain.pairs.pool import Pool

LEARNED = ("learned", "shuffled")


def pretrain(
    encoder: Encoder,
    store: FrameStore,
    fabric: Fabric,
    seed: int,
    *,
    weights: str = "learned",
    meta: dict[str, Any] | None = None,
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

    `meta` has the settings of `MetaSettings`. For `folder` and `identity` see `uscl.pretrain.engine.loop.fit`. Raises
    UserError for shuffled weights with `lookahead`, which has no step after alpha's to shuffle them for, and for a meta
    batch of one.
    """
    settings = MetaSettings(**(meta or {}))
    if settings.batch_size < 2:
        raise UserError("`meta.batch_size` must be two or more: the loss of a meta batch compares videos.")
    if weights == "shuffled" and settings.update == "lookahead":
        raise UserError("`weights: shuffled` takes the published order: leave `update: lookahead` out of its `meta`.")
    pool = Pool(store, fabric, seed, validation=validation_share, meta=settings.share)
    model = on_device(fabric, ContrastiveModel(encoder, seed))
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=momentum, weight_decay=weight_decay)
    with torch_stream(seed, "weight net"):
        weight_net = WeightNet(encoder.dim).to(fabric.device)
    alpha_optimizer = torch.optim.Adam(weight_net.parameters(), lr=settings.lr)
    take = WeightedStep(
        fabric, model, optimizer, weight_net, alpha_optimizer, temperature, detach_features=settings.detach_features
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
        if weights not in LEARNED or place.total % settings.every:
            return take.main(frames, count, lambda h: weigh(batch, h, place))
        clean = meta_batch(pool, settings.batch_size, generator(seed, "meta pairs", *place[:2]))
        meta_frames = pool.views.mixed_first(clean, (seed, "meta views", *place[:2]))
        if settings.update == "lookahead":
            return take.lookahead(frames, count, meta_frames, len(clean.rows))
        return take.published(frames, count, meta_frames, len(clean.rows), lambda h: weigh(batch, h, place))

    training = Training(
        model,
        optimizer,
        draw=lambda rng: draw(rng.permutation(pool.of("train")), rng),
        step=step,
        validate=lambda: pool.validation_loss(model, batch_size, temperature),
        name_inputs=pool.name_inputs,
        states={"weight_net": weight_net, "alpha_optimizer": alpha_optimizer},
    )
    budget = Budget(epochs, batch_size, lr, warmup_epochs)
    history = fit(training, fabric, seed, budget, folder=folder, identity=identity)

    def weight_of(drawn: Pairs) -> np.ndarray:
        if weights not in LEARNED:
            return given_weights(pool.videos, drawn, weights, max_dist)
        return learned_weights(fabric, pool, model, weight_net, drawn, batch_size, seed)

    table = weighed_pairs(pool, draw, weight_of, seed)
    found = heads(projector=model.projector, weight_net=weight_net if weights in LEARNED else None)
    return Pretrained(encoder.cpu().eval(), found, history, pool.parts, table, training.seconds)


class MetaSettings(NamedTuple):
    """How the weight net is trained.

    `share` of the pool's groups are the meta set, of which each batch takes at most `batch_size` videos; alpha moves at
    every `every`-th step, with learning rate `lr`; for `update` (`published` or `lookahead`) and `detach_features` see
    `WeightedStep`.
    """

    share: float = 0.2
    batch_size: int = 32
    every: int = 1
    lr: float = 6e-5
    update: str = "published"
    detach_features: bool = False


def meta_batch(pool: Pool, size: int, rng: np.random.Generator) -> Pairs:
    """Clean pairs: two views of any one frame, unmixed, of `size` random videos of the meta set, or of all it has."""
    return one_frame(pool.videos, rng.permutation(pool.of("meta"))[:size], rng)


def given_weights(videos: Videos, pairs: Pairs, kind: str, max_dist: int | None) -> np.ndarray:
    """Weights [pairs] that are not learned, in float32: `temporal` or `constant`."""
    if kind == "constant":
        return np.ones(len(pairs.rows), np.float32)
    longest = videos.length[videos.of_row[pairs.rows[:, 0]]] - 1
    if max_dist is not None:
        longest = np.minimum(longest, max_dist)
    return ((longest - distances(videos, pairs) + 1) / (longest + 1)).astype(np.float32)


def learned_weights(
    fabric: Fabric,
    pool: Pool,
    model: ContrastiveModel,
    weight_net: WeightNet,
    pairs: Pairs,
    batch_size: int,
    seed: int,
) -> np.ndarray:
    """The weights [pairs] that the trained net gives to augmented views of these pairs, batch by batch.

    Raises UserError where one is not finite: in training it would spoil the loss of a next step, if there were one.
    """
    copied = copy.deepcopy(model).train()  # batch statistics, as the net has met them, but not kept
    found = []
    with torch.no_grad():
        for number, batch in enumerate(batches(pairs, batch_size)):
            frames = pool.views.mixed_first(batch, (seed, "weighed views", number))
            h, *_ = embed(fabric, copied, frames, len(batch.rows))
            found.append(weight_net(*h))
    weights = torch.cat(found).cpu().numpy()
    if not np.isfinite(weights).all():
        raise UserError("The weight net gives no finite weights after its last step: lower `meta.lr` in the config.")
    return weights
