"""What a step of Meta-USCL costs beside a step of SimCLR, in time and memory, and what its cheaper forms change.

    python benchmarks/meta_step.py [--arch resnet18] [--size 64 112] [--pairs 32] [--runs 9] [--threads 2]
                                   [--device cuda --precision bf16-mixed --largest-batch]

Prints, for each size: milliseconds a step (median and range; all variants in turn in one process) in parts of SimCLR's
and of double backward's; peak memory above that of the process before its first step, each variant in a process of its
own; where a published step's time goes, and what making a batch takes; and how far `detach_features` and `lookahead`
are from the published gradients. See benchmarks/README.md.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import torch
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the library of this checkout, installed or not

from benchmarks.variants import STEPS, VARIANTS, Setting, Trial, simclr
from uscl.data.store import FrameStore
from uscl.pairs import Videos, interpolated
from uscl.pretrain import weighted_step
from uscl.views import Views

PARTS = {
    "embed": "first forward pass",
    "gradient": "virtual and main gradient",
    "gradient_at": "meta batch, forward and backward",
    "jacobian_vector_product": "forward-mode pass",
    "alpha_gradient": "gradient of the weight net",
}
MEGABYTE = 10**6


def main() -> None:
    """Runs all parts for every size, or the one part that a process of its own was started for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", default="resnet18", choices=["resnet18", "tf_efficientnet_lite0"])
    parser.add_argument("--size", nargs="+", type=int, default=[64, 112], help="pixels")
    parser.add_argument("--pairs", type=int, default=32)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--precision", default="32-true", choices=["32-true", "bf16-mixed"])
    parser.add_argument("--largest-batch", action="store_true", help="on a GPU: the most pairs that fit")
    parser.add_argument("--memory-of", choices=VARIANTS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    for size in given.size:
        setting = Setting(given.arch, size, given.pairs, given.device, given.precision, given.threads)
        if given.memory_of:
            print(peak_memory(setting, given.memory_of))
            return
        console = Console()
        seconds = times(setting, given.runs)
        console.print(costs(setting, seconds, memory(setting)))
        base = statistics.median(seconds["simclr"])
        console.print(breakdown(setting, given.runs, base))
        console.print(differences(setting))
        if given.largest_batch:
            for name in ("published", "lookahead", "double backward"):
                console.print(f"{name}: at most {largest(setting, name)} pairs")


def times(setting: Setting, runs: int) -> dict[str, list[float]]:
    """Seconds a step of every variant, taken in turn so that a busy machine disturbs all alike."""
    trial = Trial(setting)
    found: dict[str, list[float]] = defaultdict(list)
    for run in range(runs + 1):
        for name, step in VARIANTS.items():
            duration = timed(lambda step=step: step(trial), setting.device) / STEPS.get(name, 1)
            if run:  # the first one warms up
                found[name].append(duration)
    return found


def timed(work: Callable[[], None], device: str) -> float:
    """Seconds by the clock, until the device is done."""
    start = time.perf_counter()
    work()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def memory(setting: Setting) -> dict[str, float]:
    """Peak megabytes of every variant, each in a process of its own."""
    words = [f"--{name}={value}" for name, value in setting._asdict().items()]
    run = [sys.executable, __file__, *words, "--memory-of"]
    return {name: float(subprocess.check_output([*run, name], text=True).split()[-1]) for name in VARIANTS}


def peak_memory(setting: Setting, name: str) -> float:
    """Peak megabytes of three steps above what model and frames take.

    On a CPU the resident memory: Linux forgets its peak when 5 is written to clear_refs.
    """
    trial = Trial(setting)
    if setting.device == "cuda":
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
    else:
        Path("/proc/self/clear_refs").write_text("5")
        before = resident("VmRSS")
    for _ in range(3):
        VARIANTS[name](trial)
    peak = torch.cuda.max_memory_allocated() if setting.device == "cuda" else resident("VmHWM")
    return (peak - before) / MEGABYTE


def resident(key: str) -> int:
    """Bytes of this process: VmRSS now, VmHWM at most."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) * 1024


def costs(setting: Setting, seconds: dict[str, list[float]], megabytes: dict[str, float]) -> Table:
    """One row a variant."""
    title = f"{setting.arch}, {setting.size} px, {setting.pairs} pairs, {setting.device}, {setting.precision}"
    columns = ("ms a step", "min-max", "/ simclr", "double backward /", "MB", "of double backward's")
    table = Table("", *columns, title=title)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, values in seconds.items():
        table.add_row(
            name,
            f"{1000 * medians[name]:.0f}",
            f"{1000 * min(values):.0f}-{1000 * max(values):.0f}",
            f"{medians[name] / medians['simclr']:.2f}",
            f"{medians['double backward'] / medians[name]:.2f}",
            f"{megabytes[name]:.0f}",
            f"{100 * megabytes[name] / megabytes['double backward']:.0f} %",
        )
    return table


def breakdown(setting: Setting, runs: int, base: float) -> Table:
    """Where a published step's time goes, and what making its batch takes, in parts of a SimCLR step of `base` s."""
    trial, spent = Trial(setting), defaultdict(list)

    def watched(name: str) -> Callable:
        inner = getattr(weighted_step, name)

        def call(*args: object, **kwargs: object) -> object:
            result = []
            spent[name].append(timed(lambda: result.append(inner(*args, **kwargs)), setting.device))
            return result[0]

        return call

    with ExitStack() as stack:
        for name in PARTS:
            stack.enter_context(patch.object(weighted_step, name, watched(name)))
        for _ in range(runs):
            VARIANTS["published"](trial)
    table = Table("part of a published step", "/ simclr", title=f"{setting.size} px")
    for name, meaning in PARTS.items():
        table.add_row(meaning, f"{sum(spent[name]) / runs / base:.2f}")
    table.add_row("making a batch: reading, mixing, augmenting (not in the times above)", f"{batch(trial) / base:.3f}")
    return table


def batch(trial: Trial, videos: int = 64, frames: int = 20) -> float:
    """Median seconds to make the views of a batch from a frame store on disk."""
    rng, size = np.random.default_rng(0), trial.frames.shape[-1]
    manifest = pd.DataFrame(
        {"video": np.repeat(np.arange(videos), frames), "frame": np.tile(np.arange(frames), videos)}
    )
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder, "frames.npy"), rng.integers(0, 256, (videos * frames, size, size), dtype=np.uint8))
        stored = np.load(Path(folder, "frames.npy"), mmap_mode="r")
        views, index = Views(FrameStore(stored, None, manifest), trial.fabric), Videos(manifest)

        def make(number: int) -> None:
            pairs = interpolated(index, rng.permutation(videos)[: trial.count], rng)
            views.mixed_first(pairs, (0, "benchmark", number))

        return statistics.median(timed(lambda k=k: make(k), trial.fabric.device.type) for k in range(12))


def differences(setting: Setting, steps: int = 6) -> Table:
    """How far the cheaper forms are from the published gradients, over the first steps of a training on noise."""
    found: dict[str, list[float]] = defaultdict(list)
    trial = Trial(setting)
    frames = trial.frames, trial.count, trial.meta_frames, trial.count
    for number in range(steps):
        with torch.random.fork_rng():
            torch.manual_seed(number)
            trial.frames.uniform_()
            trial.meta_frames.uniform_()
        saved = [
            (module, {k: v.clone() for k, v in module.state_dict().items()})
            for module in (trial.model, trial.weight_net)
        ]
        gradients = {}
        for name, detach in (("published", False), ("detached", True), ("lookahead", False)):
            trial.meta_uscl.detach_features = detach
            rate, trial.alpha_optimizer.param_groups[0]["lr"] = trial.alpha_optimizer.param_groups[0]["lr"], 6e-5
            step = (
                trial.meta_uscl.lookahead(*frames)
                if name == "lookahead"
                else trial.meta_uscl.published(*frames, trial.weigh)
            )
            trial.alpha_optimizer.param_groups[0]["lr"] = rate
            alpha = torch.cat([p.grad.flatten() for p in trial.weight_net.parameters()])
            gradients[name] = alpha, torch.cat([g.flatten() for g in step.gradients])
            for module, state in saved:
                module.load_state_dict(state)
        trial.meta_uscl.detach_features = False
        (alpha, theta), (detached_alpha, _), (_, ahead) = (gradients[k] for k in ("published", "detached", "lookahead"))
        found["alpha's gradient, detach_features"].append(relative(detached_alpha, alpha))
        found["main gradient, lookahead"].append(relative(ahead, theta))
        simclr(trial)
    table = Table("relative difference to the published order", "median", "min-max", title=f"{setting.size} px")
    for name, values in found.items():
        table.add_row(name, f"{statistics.median(values):.3f}", f"{min(values):.3f}-{max(values):.3f}")
    return table


def relative(found: torch.Tensor, reference: torch.Tensor) -> float:
    """|found - reference| / |reference|."""
    return ((found - reference).norm() / reference.norm()).item()


def largest(setting: Setting, name: str) -> int:
    """The most pairs with which a variant's step fits on the GPU, to 1 in 16."""

    def fits(pairs: int) -> bool:
        torch.cuda.empty_cache()
        try:
            VARIANTS[name](Trial(setting._replace(pairs=pairs)))
        except torch.cuda.OutOfMemoryError:
            return False
        return True

    low = 2
    while fits(2 * low):
        low *= 2
    step = low // 2
    while step >= max(1, low // 16):
        low, step = (low + step if fits(low + step) else low), step // 2
    return low


if __name__ == "__main__":
    main()
