"""How long the statistics of a study of realistic size take, on simulated predictions.

    python benchmarks/compare.py [--draws 10000] [--runs 1] [--threads 1]
    python benchmarks/compare.py --cases 2000 20000 100000 [--draws 10000]

Six arms x three tasks x five folds x five trainings, each with folds of its own: classification of 2,000 frames of 100
patients, of 780 images of 780 patients, and segmentation of 647 images, all metrics, five comparisons with a reference
and five between other arms. A task's time is that of the rule `score`, without its start and its files. Tasks run one
after the other here, on one thread as in the rule; the workflow runs as many at once as there are cores. The matrix
products are many and small, so on a busy machine two threads wait for each other and take several times as long. The
aim is less than 60 s on two cores.

With `--cases`: a classification task of each of these sizes, six arms x five folds x five trainings x three classes,
with a case per patient and with 20. Each size and each part runs in a process of its own, whose peak memory is printed;
`a swap test` compares one pair of arms.
"""

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path


def arguments() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=10_000, help="of the bootstrap, and of the permutation test")
    parser.add_argument("--runs", type=int, default=1, help="of which the median is printed")
    parser.add_argument("--cases", type=int, nargs="+", help="of a task: how do time and memory grow?")
    parser.add_argument("--threads", type=int, default=1, help="of matrix products, as the rule has it")
    return parser.parse_args()


if __name__ == "__main__":
    given = arguments()
    # NumPy's matrix products read it once, when NumPy is imported.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(given.threads)

from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the library of this checkout, installed or not

from uscl.base.seeds import generator
from uscl.stats.panel import to_panel
from uscl.stats.simulated import simulated_cases, simulated_images
from uscl.stats.summary import comparisons, intervals
from uscl.stats.tests import swap_test

ARMS = ["imagenet", "untrained", "simclr", "uscl", "constant", "meta_uscl"]
PAIRS = [(arm, "imagenet") for arm in ARMS[1:]] + [("meta_uscl", "constant")]
PAIRS += [(arm, "untrained") for arm in ("simclr", "uscl", "constant", "meta_uscl")]


def main(draws: int, runs: int, threads: int, cases: list[int] | None) -> None:
    """Print how long the statistics take."""
    if cases:
        curve(cases, draws, threads)
    else:
        study(draws, runs, threads)


def curve(sizes: list[int], draws: int, threads: int) -> None:
    """Print seconds and memory by the number of cases."""
    columns = ["cases", "per patient", "intervals s", "MiB", "a swap test s", "MiB"]
    printed = Table(*columns, title=f"{draws:,} draws, threads: {threads}")
    for size in sizes:
        for per_group in (1, 20):
            row = [f"{size:,}", f"{per_group}"]
            for arms in (len(ARMS), 2):
                with ProcessPoolExecutor(1) as alone:
                    spent, memory = alone.submit(of_size, size, per_group, arms, draws).result()
                row += [f"{spent:.1f}", f"{memory:,.0f}"]
            printed.add_row(*row)
    Console().print(printed)


def of_size(cases: int, per_group: int, arms: int, draws: int) -> tuple[float, float]:
    """Seconds and peak memory in MiB of the intervals of all arms, or of a swap test if there are two arms."""
    skills = {arm: 1.0 + 0.1 * number for number, arm in enumerate(ARMS[:arms])}
    random, size = generator(0, "benchmark"), {"folds": 5, "seeds": 5, "per_training": True}
    table = simulated_cases(random, skills, groups=cases // per_group, cases=per_group, **size)
    if arms == 2:
        panel = to_panel(table, "classification")
        spent = seconds(lambda: swap_test(panel, 1, 0, draws, 0), 1)
    else:
        spent = seconds(lambda: intervals(table, "classification", draws=draws, seed=0), 1)
    return spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def study(draws: int, runs: int, threads: int) -> None:
    """Print the seconds of each part of each task, and the sum."""
    printed = Table("", "intervals s", "comparisons s", "sum s", title=f"{draws:,} draws, threads: {threads}")
    total = 0.0
    for task, (cases, kind) in tasks().items():
        first = seconds(lambda c=cases, k=kind: intervals(c, k, draws=draws, seed=0), runs)
        second = seconds(lambda c=cases, k=kind: comparisons(c, k, PAIRS, draws=draws, seed=0), runs)
        printed.add_row(task, f"{first:.1f}", f"{second:.1f}", f"{first + second:.1f}")
        total += first + second
    printed.add_row("all", "", "", f"{total:.1f}")
    console = Console()
    console.print(printed)
    console.print(f"at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB of memory")


def tasks() -> dict[str, tuple[pd.DataFrame, str]]:
    """Simulated cases and the kind of each task."""
    skills = {arm: 1.0 + 0.1 * number for number, arm in enumerate(ARMS)}
    random = generator(0, "benchmark")
    size = {"folds": 5, "seeds": 5, "per_training": True}
    return {
        "pocus": (simulated_cases(random, skills, groups=100, cases=20, **size), "classification"),
        "busi": (simulated_cases(random, skills, groups=780, cases=1, **size), "classification"),
        "segmentation": (simulated_images(random, skills, images=647, **size), "segmentation"),
    }


def seconds(work: Callable[[], object], runs: int) -> float:
    """Wall-clock seconds, the median of `runs`."""
    found = []
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        found.append(time.perf_counter() - begin)
    return float(np.median(found))


if __name__ == "__main__":
    main(**vars(given))
