"""Training on pairs as the settings choose them: what all methods share that only differ in networks and loss."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric
from torch import Tensor, optim

from uscl.models.contrastive import ContrastiveModel
from uscl.pretrain.engine.forward import detached, embed, gradient
from uscl.pretrain.engine.loop import Place, Step, Training, fit
from uscl.pretrain.engine.pretrained import Pretrained, heads, weighed_pairs
from uscl.pretrain.engine.published import published_budget, published_sgd
from uscl.pretrain.method import Paired
from uscl.pretrain.pairs.pairs import Pairs, bounds, drawer
from uscl.pretrain.pairs.pool import Pool
from uscl.training.losses import Levels


def train_on_pairs(
    model: ContrastiveModel,
    pool: Pool,
    fabric: Fabric,
    seed: int,
    settings: Paired,
    step: Callable[[Pairs, Place], Step],
    levels: Callable[[int], Levels],
    *,
    optimizer: optim.Optimizer | None = None,
    states: Mapping[str, Any] | None = None,
    temperature: float = 0.5,
    folder: Path | None = None,
    identity: str = "",
) -> Pretrained:
    """Train the model in place by `step`, with SGD unless another `optimizer` is given.

    `levels` are the losses of a step of so many pairs if nothing or everything is learned; `states` is what else a
    checkpoint must hold, by name; `temperature` is that of NT-Xent on the validation part. For `folder`, `identity` see
    `uscl.pretrain.engine.loop`.
    """
    draw, trained_on = drawer(pool.videos, settings), pool.trained_on(settings)
    training = Training(
        model,
        optimizer or published_sgd(model, settings, settings.momentum),
        draw=lambda rng: draw(rng.permutation(trained_on), rng),
        step=step,
        validate=lambda: pool.validation(model, settings.batch_size, temperature),
        levels=levels,
        name_inputs=pool.name_inputs,
        states=dict(states or {}),
    )
    history = fit(training, fabric, seed, published_budget(settings), folder=folder, identity=identity)
    table = weighed_pairs(pool, draw, None, seed)
    found = heads(projector=model.projector, predictor=model.predictor)
    encoder = model.encoder.cpu().eval()
    return Pretrained(encoder, found, history, pool.parts, table, training.seconds, training.cpu_seconds)


def step_of_views(
    model: ContrastiveModel, pool: Pool, fabric: Fabric, seed: int, loss_of: Callable[[Tensor, Tensor], Tensor]
) -> Callable[[Pairs, Place], Step]:
    """A step whose loss needs the projections of both views alone, `loss_of(z1, z2)`."""

    def step(batch: Pairs, place: Place) -> Step:
        frames = pool.views.mixed_first(batch, (seed, "augment", place.epoch, place.number))
        h, z = embed(fabric, model, frames, len(batch.rows))
        loss = loss_of(*z)
        return Step(loss.detach(), gradient(fabric, loss, model), detached(h), detached(z))

    return step


def steps_in_all(pool: Pool, settings: Paired) -> int:
    """The number of steps of the whole training."""
    batches = len(bounds(len(pool.trained_on(settings)), settings.batch_size, drop=settings.drop)) - 1
    return settings.epochs * batches
