"""Views per second of the contrastive augmentation: the project's, with kornia, next to torchvision's.

    python benchmarks/augment.py [--size 64 112] [--batch 64] [--runs 15] [--threads 2] [--device cuda]

All three crop, flip and jitter the same way. kornia takes the whole batch and draws parameters for every sample, as
contrastive learning needs. torchvision v2 draws once per call. Called sample by sample, it does the same as kornia.
Called on the whole batch, it is fast but gives every sample the same crop, flip and jitter; that is no substitute and
is included only to show what drawing by sample costs. Runs alternate, so that a busy machine disturbs all equally.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the library of this checkout, installed or not

from uscl.models import torchvision_cpu  # noqa: F401  (before torchvision)
from uscl.training.augment import contrastive
from uscl.training.device import start

from torchvision.transforms import v2  # isort: skip


def main() -> None:
    """Print views per second (medians) and ratios, one table per size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", nargs="+", type=int, default=[64, 112], help="pixels")
    parser.add_argument("--batch", type=int, default=64, help="views")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    given = parser.parse_args()
    fabric = start(given.device, "32-true", given.threads)
    for size in given.size:
        frames = torch.rand((given.batch, 1, size, size), device=fabric.device)
        seconds = times(augmentations(size, fabric.device), frames, given.runs)
        title = f"{given.batch} views of {size} px, {given.device}, {given.threads} threads"
        Console().print(table(seconds, given.batch, title))


def augmentations(size: int, device: torch.device) -> dict[str, Callable[[Tensor], Tensor]]:
    """The augmentations by name; each takes frames [batch, 1, size, size] in [0, 1] and returns as many views."""
    whole = v2.Compose(
        [
            v2.RandomResizedCrop((size, size), scale=(0.7, 1.0), ratio=(0.8, 1.25), antialias=False),
            v2.RandomHorizontalFlip(0.5),
            v2.RandomApply([v2.ColorJitter(brightness=0.64, contrast=0.64)], p=0.8),
        ]
    )
    return {
        "kornia, each sample its own": contrastive(size).to(device),
        "torchvision v2, sample by sample": lambda frames: torch.stack([whole(frame) for frame in frames]),
        "torchvision v2, one draw for all (no substitute)": whole,
    }


def times(work: dict[str, Callable[[Tensor], Tensor]], frames: Tensor, runs: int) -> dict[str, list[float]]:
    """Seconds per batch; the first run of each warms up and is left out."""
    found: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(runs + 1):
        for name, augment in work.items():
            found[name].append(timed(augment, frames))
    return {name: values[1:] for name, values in found.items()}


def timed(augment: Callable[[Tensor], Tensor], frames: Tensor) -> float:
    """Wall-clock seconds until the device is done."""
    begin = time.perf_counter()
    augment(frames)
    if frames.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - begin


def table(seconds: dict[str, list[float]], batch: int, title: str) -> Table:
    """One row per augmentation, with its speed relative to kornia's, the first row."""
    printed = Table("", "ms a batch", "min-max", "views / s", "kornia's time / its", title=title)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    ours = next(iter(medians.values()))
    for name, values in seconds.items():
        printed.add_row(
            name,
            f"{1000 * medians[name]:.1f}",
            f"{1000 * min(values):.1f}-{1000 * max(values):.1f}",
            f"{batch / medians[name]:,.0f}",
            f"{ours / medians[name]:.2f}",
        )
    return printed


if __name__ == "__main__":
    main()
