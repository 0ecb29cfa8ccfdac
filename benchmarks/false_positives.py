"""How often a test finds a difference between equal arms, depending on the unit of the test.

    python benchmarks/false_positives.py [--repetitions 400] [--groups 40] [--cases 10] [--clustering 1]

Each repetition simulates a benchmark of six arms of equal skill: patients with several frames, three classes, folds and
seeds. Each arm has an effect of its own on every patient (`--clustering` is its sd; the patient's difficulty, which all
arms share, has sd 1), so an arm's frames of one patient are correlated. The predictions go through the project's own
statistics. A test at 5 % should reject in 5 % of the repetitions. Rows "family" compare five arms with the first and
give the share of benchmarks with any significant difference. Tests of cases and McNemar's treat frames as independent.
"""

import argparse
import sys
import time
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table
from scipy.stats import binomtest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the library of this checkout, installed or not

from uscl.stats.false_positives import null_rejections


def main() -> None:
    """Print one row per test: rejections, their share, and its 95 % interval."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=400)
    parser.add_argument("--arms", type=int, default=6, help="the reference and those compared with it")
    parser.add_argument("--groups", type=int, default=40, help="patients")
    parser.add_argument("--cases", type=int, default=10, help="frames of a patient")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--clustering", type=float, default=1.0, help="sd of an arm's effects on patients")
    parser.add_argument("--seed", type=int, default=0, help="of the simulation")
    given = vars(parser.parse_args())
    began = time.perf_counter()
    found = null_rejections(given.pop("repetitions"), given.pop("seed"), **given)
    console = Console()
    console.print(table(found, f"{len(found)} benchmarks without a difference"))
    console.print(", ".join(f"{name} {value:g}" for name, value in given.items()))
    console.print(f"{time.perf_counter() - began:.0f} s")


def table(found: pd.DataFrame, title: str) -> Table:
    """Rejections [repetitions x tests] by test."""
    printed = Table("test at 5 %", "rejected", "share", "95 % interval", title=title)
    for test, rejected in found.items():
        result = binomtest(int(rejected.sum()), len(rejected))
        low, high = result.proportion_ci(method="exact")
        printed.add_row(
            str(test), str(rejected.sum()), f"{100 * result.statistic:.1f} %", f"{100 * low:.1f}-{100 * high:.1f} %"
        )
    return printed


if __name__ == "__main__":
    main()
