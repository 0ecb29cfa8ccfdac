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

from uscl.base.errors import UserError
from uscl.base.progress import shown
from uscl.jobs import interruption
from uscl.jobs.live_history import LiveHistory
from uscl.models.contrastive import ContrastiveModel
from uscl.pretrain.engine import checkpoints
from uscl.pretrain.engine import collapse as health
from uscl.pretrain.engine.epoch_figures import movement, start_loss, summary
from uscl.pretrain.pairs.pairs import Pairs, epoch_batches
from uscl.training.losses import Levels
from uscl.training.parallel import summed

log = logging.getLogger(__name__)


class Place(NamedTuple):
    """The place of a step in the training: its epoch, its number in the epoch and since the start, counted from 0."""

    epoch: int
    number: int
    total: int


class Step(NamedTuple):
    """The result of a method's step: the loss, its gradient by every parameter of the model, and intermediate values.

    `h`, `z` are representations and projections [pairs, dim] of the first and of the second views, of all processes;
    `weights` [pairs] are those of a method that weights pairs; `more` has further figures for the history, by name;
    `meta_images` is the number of views that the step took in addition to those of its pairs.
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
    """What a method passes to the loop."""

    model: ContrastiveModel
    optimizer: torch.optim.Optimizer
    draw: Callable[[np.random.Generator], Pairs]  # one epoch's pairs, one per training video, in random order
    step: Callable[[Pairs, Place], Step]
    validate: Callable[[], Mapping[str, float]]  # the loss on the validation part, and that of chance
    levels: Callable[[int], Levels]  # the loss of a step of so many pairs, if nothing or everything is learned
    name_inputs: Callable[[Pairs], str]  # the names of the frames in a batch, for messages
    states: dict[str, Any] = field(default_factory=dict)  # what else a checkpoint must hold, by name
    at_epoch_end: Callable[[], Mapping[str, float]] = dict  # further figures of an epoch for the history
    seconds: float = 0.0  # spent in training, over all restarts
    cpu_seconds: float = 0.0  # of this process, likewise
    start: list[Tensor] = field(init=False)  # the encoder's weights before training

    def __post_init__(self) -> None:
        """Keep the weights that training starts from; a restart builds the same again."""
        self.start = [weight.detach().clone() for weight in self.model.encoder.parameters()]

    def stateful(self) -> dict[str, Any]:
        """Everything whose state a checkpoint holds, by name."""
        return {"model": self.model, "optimizer": self.optimizer, **self.states}


class Budget(NamedTuple):
    """How many epochs a method is trained, in which batches, and the learning rate of each epoch.

    See `uscl.pretrain.pairs.pairs.bounds` for `drop`.
    """

    epochs: int
    batch_size: int
    rate: Callable[[int], float]
    drop: bool = False


@dataclass
class Progress:
    """What a training has done so far: one row of figures per epoch, and the steps of the current epoch."""

    history: list[dict[str, float]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)


def fit(
    training: Training, fabric: Fabric, seed: int, budget: Budget, *, folder: Path | None = None, identity: str = ""
) -> pd.DataFrame:
    """Train the model in place; return one row per epoch with loss, learning rate and health figures.

    With `folder`, the state is saved there after every epoch, and after the current step if a signal asks the process
    to stop. An interrupted run of the same `identity` resumes from it and ends with exactly the same weights. Raises
    UserError on a loss or gradient that is not finite, and Interrupted after such a signal.
    """
    progress = restored(training, fabric, folder, identity) if folder else Progress()
    first, warned = len(progress.history), set[str]()
    live = LiveHistory(folder if fabric.is_global_zero else None, progress.history)
    with interruption.deferred():
        for epoch in shown(range(first, budget.epochs), budget.epochs - first, "pretraining"):
            clock, cpu_clock = time.monotonic(), time.process_time()
            rate = budget.rate(epoch)
            for group in training.optimizer.param_groups:
                group["lr"] = group.get("constant_lr", rate)
            if train_epoch(training, fabric, seed, epoch, budget, progress):
                finish_epoch(training, progress, rate, warned)
                live.add(progress.history[-1])
                log.info("epoch %d of %d: loss %.4f", epoch + 1, budget.epochs, progress.history[-1]["loss"])
            training.seconds += time.monotonic() - clock
            training.cpu_seconds += time.process_time() - cpu_clock
            if folder and fabric.is_global_zero:
                done = len(progress.history), len(progress.steps)
                checkpoints.save(folder, *done, identity, state_of(training, progress))
            if by := stop_signal(fabric):
                raise interruption.Interrupted(f"{by}; the checkpoint is at {place_of(progress)}" if folder else by)
    return pd.DataFrame(progress.history)


def train_epoch(training: Training, fabric: Fabric, seed: int, epoch: int, budget: Budget, progress: Progress) -> bool:
    """Do the remaining steps of a pass over the training videos; return False if a signal has asked to stop."""
    training.model.train()
    drawn = epoch_batches(training.draw, seed, epoch, budget.batch_size, drop=budget.drop)
    for number, batch in enumerate(drawn):
        if number < len(progress.steps):
            continue
        if stop_signal(fabric):
            return False
        place = Place(epoch, number, epoch * len(drawn) + number)
        step = training.step(batch, place)
        progress.norms.append(checked(step, training, batch, place))
        for parameter, gradient in zip(training.model.parameters(), step.gradients, strict=True):
            parameter.grad = gradient
        training.optimizer.step()
        training.optimizer.zero_grad()
        progress.steps.append(step._replace(gradients=()))
    return True


def finish_epoch(training: Training, progress: Progress, rate: float, warned: set[str]) -> None:
    """Add an epoch whose steps are done, at this learning rate, to the history. Raises UserError naming the epoch."""
    epoch = len(progress.history)
    try:
        validation = training.validate()
    except UserError as error:
        raise UserError(f"Epoch {epoch + 1}: {error}") from error
    figures = summary(progress.steps, training.levels)
    figures["gradient_norm"] = sum(progress.norms) / len(progress.norms)
    row = {"epoch": epoch, "lr": rate, **figures, **validation, **training.at_epoch_end()}
    row["movement"] = movement(training.model.encoder, training.start)
    row["start_loss"] = progress.history[0]["start_loss"] if progress.history else start_loss(progress.steps[0])
    progress.history.append(row)
    progress.steps, progress.norms = [], []
    warn(figures, epoch, warned)


def stop_signal(fabric: Fabric) -> str | None:
    """The signal that asked this process to stop, or any of the processes that train together; None without one.

    All processes must stop after the same step: one that went on alone would wait for the others for ever.
    """
    own = interruption.received()
    if fabric.world_size == 1:
        return own
    (asked,) = summed(fabric, [torch.tensor([float(own is not None)], device=fabric.device)])
    return (own or "a signal to another process") if asked.item() > 0 else None


def place_of(progress: Progress) -> str:
    """How far a training is, counted from 1."""
    return f"epoch {len(progress.history) + 1}, step {len(progress.steps) + 1}"


def checked(step: Step, training: Training, batch: Pairs, place: Place) -> float:
    """The gradient's norm. Raises UserError if a figure is not finite; the weights are still unchanged then."""
    norm = torch.nn.utils.get_total_norm(step.gradients)
    for name, figure in {"loss": step.loss, "gradient_norm": norm, **step.more}.items():
        if not math.isfinite(value := figure.item()):
            raise UserError(
                f"The {name.replace('_', ' ')} became {value} in epoch {place.epoch + 1}, step {place.number + 1}, on"
                f" {training.name_inputs(batch)}: lower the learning rate `lr` in the config (checkpoints of the epochs"
                " before are kept)."
            )
    return norm.item()


def warn(figures: dict[str, float], epoch: int, warned: set[str]) -> None:
    """Warn of a collapse, once per kind and run."""
    for kind, sentence in health.warnings(figures, int(figures["pairs"])).items():
        if kind not in warned:
            log.warning("Epoch %d: %s.", epoch + 1, sentence)
            warned.add(kind)


def state_of(training: Training, progress: Progress) -> dict[str, Any]:
    """Everything that the next step depends on; random numbers depend only on seed, epoch and step."""
    steps = [step._asdict() | {"more": dict(step.more)} for step in progress.steps]
    states = {name: part.state_dict() for name, part in training.stateful().items()}
    return states | {
        "seconds": training.seconds,
        "cpu_seconds": training.cpu_seconds,
        "history": progress.history,
        "steps": steps,
        "norms": progress.norms,
    }


def restored(training: Training, fabric: Fabric, folder: Path, identity: str) -> Progress:
    """Restore the newest checkpoint's state; return the progress until then, which is empty without a checkpoint."""
    state = checkpoints.latest(folder, identity)
    if state is None:
        return Progress()
    for name, part in training.stateful().items():
        part.load_state_dict(state[name])
    training.seconds, training.cpu_seconds = state["seconds"], state["cpu_seconds"]
    steps = [Step(**fabric.to_device(step)) for step in state["steps"]]
    progress = Progress(state["history"], steps, state["norms"])
    log.info("resuming from %s", place_of(progress))
    return progress
