"""How long the statistics of a study of realistic size take, on simulated predictions.

    python benchmarks/compare.py [--draws 10000] [--runs 1] [--threads 1]

Six arms x three tasks x five folds x five trainings, each with folds of its own: classification of 2,000 frames of 100
patients, of 780 images of 780 patients, and segmentation of 647 images, all metrics, five comparisons with a reference
and five between other arms. A task's time is that of the rule `score`, without its start and its files. Tasks run one
after the other here, on one thread as in the rule; the workflow runs as many at once as there are cores. The matrix
products are many and small, so on a busy machine two threads wait for each other and take several times as long. The
aim is less than 60 s on two cores.
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
    parser.add_argument("--threads", type=int, default=1, help="of matrix products, as the rule has it")
    return parser.parse_args()


if __name__ == "__main__":
    given = arguments()
    # NumPy's matrix products read it once, when NumPy is imported.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(given.threads)

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the library of this checkout, installed or not

from uscl.base.seeds import generator
from uscl.stats.simulated import simulated_cases, simulated_images
from uscl.stats.summary import comparisons, intervals

ARMS = ["imagenet", "untrained", "simclr", "uscl", "constant", "meta_uscl"]
PAIRS = [(arm, "imagenet") for arm in ARMS[1:]] + [("meta_uscl", "constant")]
PAIRS += [(arm, "untrained") for arm in ("simclr", "uscl", "constant", "meta_uscl")]


def main(draws: int, runs: int, threads: int) -> None:
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
