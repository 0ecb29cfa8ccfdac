"""The one training loop of all contrastive methods."""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from lightning_fabric import Fabric
from torch import Tensor

from uscl import health
from uscl.errors import UserError
from uscl.models.contrastive import ContrastiveModel
from uscl.pairs import Pairs, batches
from uscl.pretrain import checkpoints
from uscl.pretrain.schedule import learning_rate
from uscl.progress import shown
from uscl.seeds import generator

log = logging.getLogger(__name__)


class Place(NamedTuple):
    """Where a step stands in the training: its epoch, its number in it and since the start, all counted from 0."""

    epoch: int
    number: int
    total: int


class Step(NamedTuple):
    """What a method's step gives: the loss, its gradient by every parameter of the model, and what was seen on the way.

    `h`, `z` are representations and projections [pairs, dim] of the first and of the second views, of all processes;
    `weights` [pairs] those of a method that weights pairs; `more` further figures to follow, by name; `meta_images` how
    many views the step took beside those of its pairs.
    """

    loss: Tensor
    gradients: Sequence[Tensor]
    h: tuple[Tensor, Tensor]
    z: tuple[Tensor, Tensor]
    weights: Tensor | None = None
    more: Mapping[str, Tensor] = MappingProxyType({})
    meta_images: int = 0


@dataclass
class Training:
    """What a method hands to the loop."""

    model: ContrastiveModel
    optimizer: torch.optim.Optimizer
    draw: Callable[[np.random.Generator], Pairs]  # one epoch's pairs, one a training video, in random order
    step: Callable[[Pairs, Place], Step]
    validate: Callable[[], float]  # the loss on the validation part
    name_inputs: Callable[[Pairs], str]  # which frames a batch holds, for messages
    states: dict[str, Any] = field(default_factory=dict)  # what else a checkpoint must hold, by name
    seconds: float = 0.0  # spent in training, over all restarts

    def stateful(self) -> dict[str, Any]:
        """All that a checkpoint holds the state of, by name."""
        return {"model": self.model, "optimizer": self.optimizer, **self.states}


class Budget(NamedTuple):
    """How long and how fast a method is trained."""

    epochs: int
    batch_size: int
    lr: float
    warmup_epochs: int


def fit(
    training: Training, fabric: Fabric, seed: int, budget: Budget, *, folder: Path | None = None, identity: str = ""
) -> pd.DataFrame:
    """Train the model in place; returns one row an epoch with loss, learning rate and health figures.

    With `folder`, the state is kept there after every epoch, and a run of the same `identity` that was cut off goes on
    from it to the very same weights. Raises UserError on a loss or gradient that is not finite.
    """
    history = restored(training, folder, identity) if folder else []
    told: set[str] = set()
    for epoch in shown(range(len(history), budget.epochs), budget.epochs - len(history), "pretraining"):
        started = time.monotonic()
        rate = learning_rate(budget.lr, epoch, budget.epochs, budget.warmup_epochs)
        for group in training.optimizer.param_groups:
            group["lr"] = rate
        figures = train_epoch(training, seed, epoch, budget.batch_size)
        history.append({"epoch": epoch, "lr": rate, **figures, "validation_loss": training.validate()})
        warn(figures, epoch, told)
        training.seconds += time.monotonic() - started
        log.info("epoch %d of %d: loss %.4f", epoch + 1, budget.epochs, figures["loss"])
        if folder and fabric.is_global_zero:
            checkpoints.save(folder, epoch, identity, state_of(training) | {"history": history})
    return pd.DataFrame(history)


def train_epoch(training: Training, seed: int, epoch: int, batch_size: int) -> dict[str, float]:
    """One pass over the training videos; returns the epoch's figures."""
    training.model.train()
    drawn = list(batches(training.draw(generator(seed, "pairs", epoch)), batch_size))
    steps, norms = [], []
    for number, batch in enumerate(drawn):
        place = Place(epoch, number, epoch * len(drawn) + number)
        step = training.step(batch, place)
        norms.append(checked(step, training, batch, place))
        for parameter, gradient in zip(training.model.parameters(), step.gradients, strict=True):
            parameter.grad = gradient
        training.optimizer.step()
        training.optimizer.zero_grad()
        steps.append(step._replace(gradients=()))
    return summary(steps) | {"gradient_norm": sum(norms) / len(norms)}


def checked(step: Step, training: Training, batch: Pairs, place: Place) -> float:
    """The gradient's norm. Raises UserError where a figure is not finite: the weights are still the good ones then."""
    norm = torch.nn.utils.get_total_norm(step.gradients)
    for name, figure in {"loss": step.loss, "gradient_norm": norm, **step.more}.items():
        if not math.isfinite(value := figure.item()):
            raise UserError(
                f"The {name.replace('_', ' ')} became {value} in epoch {place.epoch + 1}, step {place.number + 1}, on"
                f" {training.name_inputs(batch)}: lower the learning rate `lr` in the config (checkpoints of the epochs"
                " before are kept)."
            )
    return norm.item()


def summary(steps: list[Step]) -> dict[str, float]:
    """Mean losses and health figures of an epoch's steps."""
    first, second = (torch.cat([step.h[view] for step in steps]) for view in (0, 1))
    z1, z2 = (torch.cat([step.z[view] for step in steps]) for view in (0, 1))
    figures = {"loss": torch.stack([step.loss for step in steps]).mean().item()}
    for name in {name: None for step in steps for name in step.more}:
        figures[name] = torch.stack([step.more[name] for step in steps if name in step.more]).mean().item()
    figures |= health.representation_health(torch.cat([first, second]), z1, z2)
    weights = [step.weights for step in steps if step.weights is not None]
    counts = {"pairs": len(z1), "images": 2 * len(z1) + sum(step.meta_images for step in steps)}
    return figures | (health.weight_health(torch.cat(weights)) if weights else {}) | counts


def warn(figures: dict[str, float], epoch: int, told: set[str]) -> None:
    """Say what collapses, each kind once a run."""
    for kind, sentence in health.warnings(figures, int(figures["pairs"])).items():
        if kind not in told:
            log.warning("Epoch %d: %s.", epoch + 1, sentence)
            told.add(kind)


def state_of(training: Training) -> dict[str, Any]:
    """All that the next epoch depends on: random numbers do so on seed and epoch alone."""
    return {name: part.state_dict() for name, part in training.stateful().items()} | {"seconds": training.seconds}


def restored(training: Training, folder: Path, identity: str) -> list[dict[str, float]]:
    """Put the newest checkpoint's state into place; returns the history up to it, empty where there is none."""
    found = checkpoints.latest(folder, identity)
    if found is None:
        return []
    epoch, state = found
    for name, part in training.stateful().items():
        part.load_state_dict(state[name])
    training.seconds = state["seconds"]
    log.info("going on after epoch %d", epoch + 1)
    return state["history"]
