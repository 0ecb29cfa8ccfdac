"""How often the tests of methods find a difference between equally good methods, and what a study can show.

    python benchmarks/false_positives.py [--studies 20000] [--processes 2] [--only TEXT] [--out grid.csv]
    python benchmarks/false_positives.py --shipped [--studies 400]
    python benchmarks/false_positives.py --fit results/statistics/*/cases.parquet [--margin 5] [--luck 1.5]

The first form simulates studies of six equally good arms in the worlds of `uscl.stats.simulation_grid`. It prints the
rates of false claims, per comparison with the reference and per study (any, after Holm's adjustment), and the coverage
of 95 % intervals. With `--out` it appends every finished world to the file, and skips the worlds that the file has.

`--shipped` sends simulated studies of three worlds through the project's statistics and through the vectorised form,
and then tables of frames with classes and probabilities through all tests of the project.

`--fit` estimates the spreads of the simulation from the stored predictions of several trainings and prints the power at
the margin for them. With one training its luck is unknown, and `--luck` says what to assume.
"""

import argparse
import sys
import time
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the library of this checkout, installed or not

from uscl.base.seeds import derive
from uscl.stats.false_positives import ALPHA, claims_and_coverage, rates, share
from uscl.stats.fitted_spreads import spreads, to_evaluation
from uscl.stats.simulated_power import power
from uscl.stats.simulated_tables import both_forms, null_rejections
from uscl.stats.simulation_grid import grid

COLUMNS = ["nested: comparison", "nested: study", "plain: comparison", "plain: study"]
COLUMNS += ["crossed: comparison", "crossed: study", "swap: comparison", "swap: study"]
COLUMNS += ["covered: difference", "covered: mean"]
SHIPPED = ["luck 1.5, 98 patients, r 5", "deterministic reference, luck 1.5, r 5"]
SHIPPED += ["right or wrong, 1-30 frames, 11/46/41, r 5"]
TRAININGS = (3, 5, 10)


def main() -> None:
    """Do what the options ask."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, help="per world; default 20,000, with --shipped 400")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0, help="of the simulation")
    parser.add_argument("--only", default="", metavar="TEXT", help="the worlds whose names contain it")
    parser.add_argument("--out", type=Path, help="a CSV file of all rates, with intervals")
    parser.add_argument("--shipped", action="store_true", help="through the project's statistics")
    parser.add_argument("--fit", type=Path, nargs="+", metavar="FILE", help="cases.parquet of evaluations")
    parser.add_argument("--margin", type=float, default=5.0, help="in points, for the power")
    parser.add_argument("--luck", type=float, help="sd of a training's luck, where one training leaves it unknown")
    given, began = parser.parse_args(), time.perf_counter()
    with ProcessPoolExecutor(given.processes) as pool:
        if given.fit:
            fit(given)
        elif given.shipped:
            run_shipped(given, pool)
        else:
            run_grid(given, pool)
    print(f"{time.perf_counter() - began:.0f} s")


def run_grid(given: argparse.Namespace, pool: Executor) -> None:
    """Simulate the worlds that are not done yet and print the rates of all."""
    studies, worlds = given.studies or 20_000, [name for name in grid() if given.only in name]
    done = pd.read_csv(given.out) if given.out and given.out.exists() else pd.DataFrame(columns=["world"])
    found = [done[done["world"].isin(worlds)]]
    missing = [name for name in worlds if name not in set(done["world"])]
    for future in as_completed([pool.submit(simulate, name, studies, given.seed) for name in missing]):
        found.append(future.result())
        if given.out:
            found[-1].to_csv(given.out, mode="a", header=not given.out.exists(), index=False)
    table = pd.concat([part for part in found if len(part)])
    title = f"{table['studies'].min():,} studies per world: % ± one standard error of the simulation"
    show(title, of_worlds(table, worlds))
    print(f"{len(missing)} of {len(worlds)} worlds simulated now.")


def simulate(name: str, studies: int, seed: int) -> pd.DataFrame:
    """The rates in one world of the grid."""
    found = rates(grid()[name], studies, derive(seed, name), claims_and_coverage)
    found.insert(0, "world", name)
    return found


def of_worlds(table: pd.DataFrame, worlds: list[str]) -> pd.DataFrame:
    """One row per world, one column per rate."""
    texts = table.assign(text=[percent(rate, error) for rate, error in zip(table["rate"], table["error"], strict=True)])
    return (
        texts.pivot(index="world", columns="what", values="text").reindex(index=worlds, columns=COLUMNS).reset_index()
    )


def run_shipped(given: argparse.Namespace, pool: Executor) -> None:
    """Compare the project's statistics with the vectorised form, and count what all its tests find in tables."""
    studies = given.studies or 400
    compared = [pool.submit(both, name, studies, given.seed) for name in SHIPPED]
    parts = [pool.submit(null_rejections, 10, derive(given.seed, part)) for part in range(studies // 10)]
    title = f"{studies} studies per world through the project's statistics, 20,000 through the vectorised form"
    show(title, pd.DataFrame([one.result() for one in compared]))
    found = pd.concat([part.result() for part in parts])
    rows = [
        {"test": test, "significant": percent(**only(share(found[[test]].to_numpy()), "rate", "error"))}
        for test in found
    ]
    show(f"{len(found)} tables of frames of equally good arms", pd.DataFrame(rows))


def both(name: str, studies: int, seed: int) -> dict[str, object]:
    """False claims per comparison by both forms in the same studies, and by the vectorised form in others."""
    shipped, vectorised = both_forms(grid()[name], studies, derive(seed, "shipped", name))
    others = simulate(name, 20_000, seed).set_index("what").loc["nested: comparison"]
    of_shipped = share(shipped < ALPHA)
    apart = (of_shipped["rate"] - others["rate"]) / np.hypot(of_shipped["error"], others["error"])
    return {
        "world": name,
        "largest difference in p": f"{np.abs(shipped - vectorised).max():.0e}",
        "shipped": percent(**only(of_shipped, "rate", "error")),
        "vectorised, other studies": percent(others["rate"], others["error"]),
        "apart, in standard errors": f"{apart:.1f}",
    }


def fit(given: argparse.Namespace) -> None:
    """Print the spreads of evaluations, and the power that they give where the luck of trainings is known."""
    rows, powers = [], []
    for path in given.fit:
        evaluation = to_evaluation(pd.read_parquet(path))
        found, named = spreads(evaluation), {"evaluation": path.parent.name}
        trainings, patients = evaluation.scores.shape[1:]
        size = {"patients": patients, "trainings": trainings}
        sds = {name: f"{value:.1f}" for name, value in found._asdict().items() if name != "pairs"}
        rows.append(named | size | sds | {"pairs of arms": range_of(found.pairs["patient"])})
        known = found if trainings > 1 else found._replace(luck=given.luck)
        if known.luck is not None:
            table = power(evaluation, known, TRAININGS, given.margin, given.studies or 2000, given.seed)
            powers.append(table.assign(**named))
    show("Spreads in points; pairs of arms: sd of their difference per patient", pd.DataFrame(rows))
    if not powers:
        print("No power: one training leaves its luck unknown (--luck says what to assume).")
        return
    whose = "the luck that was measured" if given.luck is None else f"luck {given.luck:g} where it is unknown"
    table = pd.concat(powers)
    for name in ("shown", "shown after Holm", "equal within"):
        table[name] = [percent(rate, error) for rate, error in zip(table[name], table["simulation"], strict=True)]
    columns = ["evaluation", "arms", "sd", "trainings", "error", "shown", "shown after Holm", "equal within"]
    show(f"Power at {given.margin:g} points, with {whose}", table[columns].round(1))


def range_of(values: pd.Series) -> str:
    """The smallest value, the median and the largest."""
    return " / ".join(f"{value:.0f}" for value in (values.min(), values.median(), values.max()))


def only(values: dict[str, float], *names: str) -> dict[str, float]:
    """Some entries."""
    return {name: values[name] for name in names}


def percent(rate: float, error: float) -> str:
    """A rate with its standard error."""
    return f"{100 * rate:.1f} ± {100 * error:.1f}"


def show(title: str, values: pd.DataFrame) -> None:
    """Print a table."""
    table = Table(title=title, box=SIMPLE_HEAD, title_justify="left")
    for number, name in enumerate(values):
        table.add_column(str(name), no_wrap=number == 0)
    for row in values.itertuples(index=False):
        table.add_row(*("" if pd.isna(value) else str(value) for value in row))
    Console(width=170).print(table)


if __name__ == "__main__":
    main()
