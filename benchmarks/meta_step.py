"""The cost of a step of Meta-USCL next to a step of SimCLR, in time and memory, and what its cheaper forms change.

    python benchmarks/meta_step.py [--arch resnet18] [--size 64 112] [--pairs 32] [--runs 9] [--threads 2]
                                   [--device cuda] [--precision bf16-mixed] [--largest-batch]
                                   [--batchnorm per_view joint]
    python benchmarks/meta_step.py --differences [--size 64]

The first prints for each size: milliseconds per step (median and range; all variants in turn in one process), also
relative to SimCLR and to double backward; peak memory of a step above what the process holds between steps, each
variant in a process of its own; where a published step's time goes, and the time to make a batch. `every 4` is the
mean step if the weight net moves at every fourth.

The second prints how much the cheaper forms differ from the published gradients, as |theirs - published| / |published|:
0 is the same gradient, and 1 is an error as large as that of no gradient at all. Equal figures in float32 and float64
(from the same states) mean that the differences come from the methods; rounding errors would shrink in float64. See
benchmarks/README.md.
"""

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the library of this checkout, installed or not

from benchmarks.differences import differences
from benchmarks.drawn import drawn_store
from benchmarks.variants import STEPS, VARIANTS, Setting, Trial
from uscl.models.encoders import ENCODERS
from uscl.pretrain.meta import weighted_step
from uscl.pretrain.pairs.pair_views import Views
from uscl.pretrain.pairs.pairs import Videos, interpolated

# Functions of a published step, and the network passes that each takes: backward counts as two forward passes.
PARTS = {
    "first forward pass": 1,
    "virtual gradient": 2,
    "virtual step": 0,
    "meta batch": 3,
    "forward-mode pass": 2,
    "alpha": 0,
    "main gradient": 2,
}
NAMES = {
    "embed": "first forward pass",
    "virtual_step": "virtual step",
    "gradient_at": "meta batch",
    "jacobian_vector_product": "forward-mode pass",
    "alpha_gradient": "alpha",
}
LARGEST = ("published", "lookahead", "double backward")
MEGABYTE = 10**6


def main() -> None:
    """Run all parts for every size, or the one part that this process was started for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", default="resnet18", choices=list(ENCODERS))
    parser.add_argument("--size", nargs="+", type=int, default=[64, 112], help="pixels")
    parser.add_argument("--pairs", type=int, default=32)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--precision", default="32-true", choices=["32-true", "bf16-mixed"])
    parser.add_argument("--batchnorm", nargs="+", default=["per_view", "joint"], choices=["per_view", "joint"])
    parser.add_argument("--largest-batch", action="store_true", help="on a GPU: the most pairs that fit")
    parser.add_argument("--differences", action="store_true", help="of the cheaper forms' gradients, and no costs")
    parser.add_argument("--memory-of", choices=VARIANTS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.largest_batch and given.device == "cpu":
        parser.error("--largest-batch needs --device cuda")
    for size, batchnorm in itertools.product(given.size, given.batchnorm):
        setting = Setting(given.arch, size, given.pairs, given.device, given.precision, given.threads, batchnorm)
        if given.memory_of:
            print(peak_memory(setting, given.memory_of))
        elif given.differences:
            Console().print(differences(setting))
        else:
            compare(setting, given.runs, given.largest_batch)


def compare(setting: Setting, runs: int, largest_batch: bool) -> None:
    """Print the costs of each variant at one size."""
    console = Console(width=120)
    megabytes = memory(setting)
    seconds = times(setting, runs)
    console.print(costs(setting, seconds, megabytes))
    console.print(breakdown(setting, runs, statistics.median(seconds["simclr"])))
    for name in LARGEST if largest_batch else ():
        console.print(f"{name}: at most {largest(setting, name)} pairs")


def times(setting: Setting, runs: int) -> dict[str, list[float]]:
    """Seconds per step of every variant, run in turn so that a busy machine disturbs all equally."""
    trial = Trial(setting)
    found: dict[str, list[float]] = defaultdict(list)
    for run in range(runs + 1):
        for name, step in VARIANTS.items():
            duration = timed(partial(step, trial), setting.device) / STEPS.get(name, 1)
            if run:  # the first one warms up
                found[name].append(duration)
    return found


def timed(work: Callable[[], None], device: str) -> float:
    """Wall-clock seconds until the device is done."""
    start = time.perf_counter()
    work()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def memory(setting: Setting) -> dict[str, float]:
    """Peak megabytes of every variant, each in a process of its own."""
    words = [f"--{name}={value}" for name, value in setting._asdict().items()]
    run = [sys.executable, __file__, *words, "--memory-of"]
    # Freed blocks go back to the system at once, so the numbers are those of live tensors, not of what glibc keeps.
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "262144"}
    return {
        name: float(subprocess.check_output([*run, name], text=True, env=environment).split()[-1]) for name in VARIANTS
    }


def peak_memory(setting: Setting, name: str) -> float:
    """Peak megabytes of three steps above what the process holds between steps: model, optimiser, frames, code.

    On a CPU it is the resident memory; Linux resets its peak when 5 is written to clear_refs.
    """
    trial = Trial(setting)
    VARIANTS["simclr"](trial)
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
    """One row per variant."""
    title = ", ".join(
        (setting.arch, f"{setting.size} px", f"{setting.pairs} pairs", *setting[3:5], f"BatchNorm {setting.batchnorm}")
    )
    columns = (
        "ms a step",
        "min-max",
        "/ simclr",
        "double backward / it",
        "MB",
        "of double backward's",
        "of the released form's",
    )
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
            f"{100 * megabytes[name] / megabytes['as released']:.0f} %",
        )
    return table


def breakdown(setting: Setting, runs: int, base: float) -> Table:
    """Where a published step's time goes, and the time to make a batch, relative to a SimCLR step of `base` s."""
    trial, spent = Trial(setting), dict.fromkeys(PARTS, 0.0)

    def watched(inner: Callable, part: str | None) -> Callable:
        def call(*args: object, retain: bool | None = None, **kwargs: object) -> object:
            if part is None and retain is not None:
                kwargs["retain"] = retain
            result: list[object] = []
            seconds = timed(lambda: result.append(inner(*args, **kwargs)), setting.device)
            spent[part or ("virtual gradient" if retain else "main gradient")] += seconds
            return result[0]

        return call

    VARIANTS["published"](trial)
    with ExitStack() as stack:
        for name, part in {**NAMES, "gradient": None}.items():
            inner = getattr(weighted_step, name)
            stack.enter_context(patch.object(weighted_step, name, watched(inner, part)))
        whole = sum(timed(lambda: VARIANTS["published"](trial), setting.device) for _ in range(runs))
    table = Table("part of a published step", "/ simclr", "by counting passes", title=f"{setting.size} px")
    for part, passes in PARTS.items():
        table.add_row(part, f"{spent[part] / runs / base:.2f}", f"{passes / 3:.2f}")
    table.add_row("rest (losses, main step)", f"{(whole - sum(spent.values())) / runs / base:.2f}", "0.00")
    table.add_row("making a batch, not in the above", f"{batch(trial) / base:.3f}", "")
    return table


def batch(trial: Trial) -> float:
    """Median seconds to make the views of a batch of interpolated pairs from a frame store on disk."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        store = drawn_store(Path(folder), trial.frames.shape[-1], videos=2 * trial.count)
        videos, views = Videos(store.manifest), Views(store, trial.fabric)

        def make(number: int) -> None:
            pairs = interpolated(videos, rng.permutation(2 * trial.count)[: trial.count], rng)
            views.mixed_first(pairs, (0, "benchmark", number))

        runs = [timed(partial(make, number), trial.fabric.device.type) for number in range(12)]
    return statistics.median(runs[2:])


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
