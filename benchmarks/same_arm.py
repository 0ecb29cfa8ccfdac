"""A/A: how often trainings of one arm, which differ in their random numbers alone, are found different.

    python benchmarks/same_arm.py FOLDER [--each 3] [--divisions 200] [--draws 500]
    python benchmarks/same_arm.py FOLDER --arms untrained imagenet [--trainings 40] [--cores all]

FOLDER holds the results of a study with many seeds (40 or more for a useful interval). With `--arms`, it is computed
first: these arms of the embedded study, all of its tasks, so many trainings. For every evaluation and arm, the
trainings are divided at random into two sides of `--each`, and both tests compare the sides at 5 %, on the task's main
metric. The interval comes from a jackknife over trainings, because all divisions share them.
"""

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the library of this checkout, installed or not

from benchmarks.cut_down import compute, embedded_study
from uscl.base.tables import read_parquet
from uscl.metrics.registry import CLASSIFICATION, SEGMENTATION, primary, title
from uscl.stats.same_arm import Rate, same_arm_rates


def main() -> None:
    """Print one row per evaluation and arm."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="results of a study")
    parser.add_argument("--arms", nargs="+", default=[], help="compute FOLDER first, with these arms")
    parser.add_argument("--trainings", type=int, default=40, help="with --arms: how many")
    parser.add_argument("--cores", default="all", help="with --arms: for Snakemake")
    parser.add_argument("--each", type=int, default=3, help="trainings of either side")
    parser.add_argument("--divisions", type=int, default=200)
    parser.add_argument("--draws", type=int, default=500, help="of the permutation test of these models")
    parser.add_argument("--seed", type=int, default=0, help="of the divisions")
    given = vars(parser.parse_args())
    arms, trainings, cores = (given.pop(name) for name in ("arms", "trainings", "cores"))
    if arms:
        compute_trainings(given["folder"], arms, trainings, cores)
    printed = Table("evaluation", "arm", "trainings", "metric", "method test", "these models", title="found different")
    for path in sorted(given.pop("folder").glob("statistics/*-labels100/cases.parquet")):
        table = read_parquet(path)
        kind = SEGMENTATION if "dice" in table else CLASSIFICATION
        for arm, cases in table.groupby("arm", sort=False):
            if cases["seed"].nunique() < 2 * given["each"]:
                parser.error(f"{path} has {cases['seed'].nunique()} trainings of {arm}: give fewer with --each.")
            rates = same_arm_rates(cases, kind, primary(kind), **given)
            known = (path.parent.name.removesuffix("-labels100"), str(arm), str(cases["seed"].nunique()))
            printed.add_row(*known, title(primary(kind)), *map(in_words, rates.values()))
    Console().print(printed)


def compute_trainings(folder: Path, arms: list[str], trainings: int, cores: str) -> None:
    """Compute the statistics of so many trainings of these arms of the embedded study."""
    study = embedded_study() | {"study": "same_arm", "seeds": list(range(trainings))}
    if unknown := [arm for arm in arms if arm not in study["methods"]]:
        sys.exit(f"The embedded study has no arm {unknown[0]}: choose among {', '.join(study['methods'])}.")
    study |= {"methods": {arm: study["methods"][arm] for arm in arms}, "reference": arms[0]}
    study |= {"primary": [], "comparisons": []}
    cases = [
        f"statistics/{task}-{regime}-labels100/cases.parquet"
        for task, settings in study["tasks"].items()
        for regime in settings.get("regimes", ["finetune"])
    ]
    compute(study, folder, cases, cores)


def in_words(found: Rate) -> str:
    """A share with its interval.

    >>> in_words(Rate(0.05, 0.02, 0.08))
    '5.0 % (2.0-8.0)'
    """
    return f"{100 * found.share:.1f} % ({100 * found.low:.1f}-{100 * found.high:.1f})"


if __name__ == "__main__":
    main()
