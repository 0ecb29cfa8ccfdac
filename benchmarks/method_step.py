"""The cost of a training step of each method, in steps of SimCLR and next to lightly's own step.

    python benchmarks/method_step.py [--arch resnet18] [--size 64] [--pairs 32] [--runs 9]

Prints CPU milliseconds per step (median and range), relative to SimCLR, and relative to lightly's training step for the
same encoder, heads, batch, loss and optimiser, as its documentation has it. All steps run in turn, in one process and
on one thread; CPU time, because a busy machine stretches the clock more. Views are made beforehand. lightly is in
requirements-dev.lock.
"""

import argparse
import copy
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the library of this checkout, installed or not

import uscl.models.torchvision_cpu  # noqa: F401  (before lightly)

from lightly import loss as losses  # isort: skip
from lightly.models.utils import deactivate_requires_grad, update_momentum  # isort: skip
from uscl.base.seeds import torch_stream
from uscl.models.encoders import ENCODERS
from uscl.pretrain.engine import loop, paired
from uscl.pretrain.engine.initial import initial_encoder
from uscl.pretrain.engine.loop import Place, Training
from uscl.pretrain.method import Paired
from uscl.pretrain.methods import methods
from uscl.pretrain.pairs.pairs import Videos
from uscl.training.device import start

FRAMES_A_VIDEO = 4
START = Place(0, 0, 0)


def main() -> None:
    """Time all steps in turn and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", default="resnet18", choices=list(ENCODERS))
    parser.add_argument("--size", type=int, default=64, help="pixels")
    parser.add_argument("--pairs", type=int, default=32)
    parser.add_argument("--runs", type=int, default=9)
    given = parser.parse_args()
    names = [name for name, method in methods().items() if issubclass(method.settings, Paired)]
    trainings = {name: training(name, given.arch, given.size, given.pairs) for name in names}
    steps = {name: (ours(*trainings[name]), lightlys(name, *trainings[name])) for name in names}
    seconds: dict[tuple[str, int], list[float]] = defaultdict(list)
    for run in range(given.runs + 1):
        for name in names:
            for place, step in enumerate(steps[name]):
                taken = cpu_seconds(step)
                if run:  # the first one warms up
                    seconds[name, place].append(taken)
    Console(width=120).print(table(names, seconds, f"{given.arch}, {given.size} px, {given.pairs} pairs"))


def cpu_seconds(work: Callable[[], None]) -> float:
    """CPU seconds of this process."""
    before = time.process_time()
    work()
    return time.process_time() - before


class CapturedError(Exception):
    """Carries a training out of the method that has made it."""


def training(name: str, arch: str, size: int, pairs: int) -> tuple[Training, Tensor, Any]:
    """The training of a method with its usual settings, the views that all its steps see, and its settings."""
    fabric = start("cpu", "32-true", threads=1)
    with torch_stream(0, "frames"):
        views = torch.rand(2 * pairs, 1, size, size)
    frame = np.tile(np.arange(FRAMES_A_VIDEO), pairs)
    videos = Videos(pd.DataFrame({"video": np.repeat(np.arange(pairs), FRAMES_A_VIDEO), "frame": frame}))
    pool: Any = SimpleNamespace(
        videos=videos,
        views=SimpleNamespace(mixed_first=lambda batch, stream: views),
        trained_on=lambda settings: np.arange(pairs),
        name_inputs=str,
    )

    def capture(made: Training, *rest: Any, **more: Any) -> None:
        raise CapturedError(made)

    settings = methods()[name].settings()
    pretrain: Any = methods()[name].pretrain
    with patch.object(paired, "fit", capture):
        try:
            pretrain(initial_encoder(arch, "random", 0).encoder, pool, fabric, 0, settings)
        except CapturedError as captured:
            return captured.args[0], views, settings
    raise AssertionError("no training")


def ours(made: Training, views: Tensor, settings: Any) -> Callable[[], None]:
    """A step as the loop makes it."""
    batch = made.draw(np.random.default_rng(0))
    made.model.train()

    def step() -> None:
        result = made.step(batch, START)
        loop.checked(result, made, batch, START)
        for parameter, gradient in zip(made.model.parameters(), result.gradients, strict=True):
            parameter.grad = gradient
        made.optimizer.step()
        made.optimizer.zero_grad()

    return step


def lightlys(name: str, made: Training, views: Tensor, settings: Any) -> Callable[[], None]:
    """The step of lightly's example for the same networks, each with a pass per view."""
    model = copy.deepcopy(made.model).train()
    online, predict = nn.Sequential(model.encoder, model.projector), model.predictor or nn.Identity()
    target = copy.deepcopy(online)
    deactivate_requires_grad(target)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=settings.lr, momentum=settings.momentum, weight_decay=settings.weight_decay
    )
    cosine = losses.NegativeCosineSimilarity()
    first, second = views.chunk(2)
    bank = losses.NTXentLoss(0.2, memory_bank_size=(800, 128))

    def symmetric(wanted: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        z = [online(view) for view in (first, second)]
        p = [predict(each) for each in z]
        return (cosine(p[0], wanted(second, z[1])) + cosine(p[1], wanted(first, z[0]))) / 2

    def followed(view: Tensor) -> Tensor:
        with torch.no_grad():
            return target(view)

    def moco(criterion: nn.Module) -> Tensor:
        update_momentum(online, target, settings.target_momentum)
        return criterion(online(first), followed(second))

    def byol() -> Tensor:
        update_momentum(online, target, settings.target_momentum)
        return symmetric(lambda view, z: followed(view))

    def of_projections(criterion: nn.Module) -> Tensor:
        return criterion(online(first), online(second))

    loss = {
        "simclr": lambda: of_projections(losses.NTXentLoss(0.5)),
        "moco_v2": lambda: moco(bank),
        "byol": byol,
        "simsiam": lambda: symmetric(lambda view, z: z.detach()),
        "barlow_twins": lambda: of_projections(losses.BarlowTwinsLoss()),
        "vicreg": lambda: of_projections(losses.VICRegLoss()),
    }[name]

    def step() -> None:
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()

    return step


def table(names: list[str], seconds: dict[tuple[str, int], list[float]], title: str) -> Table:
    """One row per method."""
    found = Table(
        "method", "CPU ms a step", "min-max", "/ simclr", "lightly's, ms", "min-max", "/ lightly's", title=title
    )
    base = statistics.median(seconds["simclr", 0])
    for name in names:
        own, theirs = seconds[name, 0], seconds[name, 1]
        cells = [f"{statistics.median(own) / base:.2f}", *milliseconds(theirs)]
        ratio = statistics.median(mine / other for mine, other in zip(own, theirs, strict=True))
        found.add_row(name, *milliseconds(own), *cells, f"{ratio:.2f}")
    return found


def milliseconds(seconds: list[float]) -> list[str]:
    """Median, and range."""
    low, middle, high = (1000 * value for value in (min(seconds), statistics.median(seconds), max(seconds)))
    return [f"{middle:.0f}", f"{low:.0f}-{high:.0f}"]


if __name__ == "__main__":
    main()
