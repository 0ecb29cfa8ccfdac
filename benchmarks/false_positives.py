"""How often the tests of methods find a difference between equally good methods, and what a study can show.

    python benchmarks/false_positives.py [--studies 20000] [--processes 2] [--only TEXT] [--out grid.csv]
    python benchmarks/false_positives.py --fit results/statistics/*/cases.parquet [--margin 5] [--luck 1.5]
    python benchmarks/false_positives.py --shipped [--studies 400]

The first form simulates studies of six equally good arms in the worlds of `uscl.stats.simulation_grid` and prints the
rates of false claims, per comparison with the reference and per study (any, after Holm's adjustment), and the coverage
of 95 % intervals. With `--out` it appends every finished world to the file, and skips the worlds that the file has.

`--fit` estimates the spreads of the simulation from the stored predictions of several trainings and prints the power at
the margin for them. With one training, their luck is unknown, and `--luck` says what to assume.

`--shipped` sends the same simulated studies through the project's statistics and through the vectorised form.
"""

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the library of this checkout, installed or not

from uscl.base.seeds import derive
from uscl.stats.false_positives import claims_and_coverage, rates
from uscl.stats.simulation_grid import grid

COLUMNS = ["nested: comparison", "nested: study", "reweighted: comparison", "reweighted: study"]
COLUMNS += ["crossed: comparison", "crossed: study", "swap: comparison", "swap: study"]
COLUMNS += ["covered: difference", "covered: mean"]


def main() -> None:
    """Do what the options ask."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, help="per world; default 20,000, with --shipped 400")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0, help="of the simulation")
    parser.add_argument("--only", default="", metavar="TEXT", help="the worlds whose names contain it")
    parser.add_argument("--out", type=Path, help="a CSV file of all rates, with intervals")
    given = parser.parse_args()
    run_grid(given)


def run_grid(given: argparse.Namespace) -> None:
    """Simulate the worlds that are not done yet and print the rates of all."""
    began, studies = time.perf_counter(), given.studies or 20_000
    worlds = [name for name in grid() if given.only in name]
    done = pd.read_csv(given.out) if given.out and given.out.exists() else pd.DataFrame(columns=["world"])
    found = [done[done["world"].isin(worlds)]]
    with ProcessPoolExecutor(given.processes) as pool:
        missing = [name for name in worlds if name not in set(done["world"])]
        for future in as_completed([pool.submit(simulate, name, studies, given.seed) for name in missing]):
            found.append(future.result())
            if given.out:
                found[-1].to_csv(given.out, mode="a", header=not given.out.exists(), index=False)
    table = pd.concat(found)
    Console(width=200).print(printed(table, worlds))
    print(f"{len(worlds)} worlds, of which {len(missing)} took {time.perf_counter() - began:.0f} s")


def simulate(name: str, studies: int, seed: int) -> pd.DataFrame:
    """The rates in one world of the grid."""
    found = rates(grid()[name], studies, derive(seed, name), claims_and_coverage)
    found.insert(0, "world", name)
    return found


def printed(table: pd.DataFrame, worlds: list[str]) -> Table:
    """One row per world: rates in %, with the standard error of the simulation for the first of them."""
    shares = table.pivot(index="world", columns="what", values="rate").reindex(index=worlds, columns=COLUMNS)
    errors = table.pivot(index="world", columns="what", values="error").reindex(index=worlds, columns=COLUMNS)
    title = f"{table['studies'].min():,} studies per world; ± one standard error"
    out = Table("world", *COLUMNS, title=title)
    for world in worlds:
        pairs = zip(shares.loc[world], errors.loc[world], strict=True)
        out.add_row(world, *("" if pd.isna(rate) else f"{100 * rate:.1f} ± {100 * se:.1f}" for rate, se in pairs))
    return out


if __name__ == "__main__":
    main()
