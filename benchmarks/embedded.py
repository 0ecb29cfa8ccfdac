"""How often the embedded study shows what it should, in other simulated worlds and with other trainings.

    python benchmarks/embedded.py [--worlds 30 31 32 ...] [--cores all] [--folder results/worlds]

Each world is the study of config/config.yaml with another seed of the simulator and other seeds of its trainings, cut
down to its primary comparisons. The table has one row per world and comparison; worlds that are already in FOLDER are
not computed again. With two cores, a world takes about three minutes.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the modules of this checkout, installed or not

from benchmarks.cut_down import compute, embedded_study


def main() -> None:
    """Print the verdicts of every world, and in how many all of them are "better"."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, nargs="+", default=range(30, 40), help="seeds of the simulator")
    parser.add_argument("--cores", default="all")
    parser.add_argument("--folder", type=Path, default=Path("results/worlds"))
    given = parser.parse_args()
    study = embedded_study()
    printed = Table("world", "comparison", "points", "95 % CI", "Holm p", "verdict")
    held = 0
    for world in given.worlds:
        claims = claims_of(study, world, given.folder / str(world), given.cores)
        held += all(claims["verdict"].str.startswith("better"))
        for row in claims.itertuples():
            interval = f"{100 * row.ci_low:+.1f} to {100 * row.ci_high:+.1f}"
            named = f"{row.arm} - {row.reference}, {row.task}"
            printed.add_row(
                str(world), named, f"{100 * row.difference:+.1f}", interval, f"{row.p_holm:.4f}", row.verdict
            )
    Console().print(printed, f"All comparisons of a world are better in {held} of {len(given.worlds)} worlds.")


def claims_of(study: dict, world: int, folder: Path, cores: str) -> pd.DataFrame:
    """The primary comparisons of one world, as in claims.csv."""
    compute(in_world(study, world), folder, ["claims.csv"], cores)
    claims = pd.read_csv(folder / "claims.csv")
    return claims[claims["primary"]]


def in_world(study: dict, world: int) -> dict:
    """The study in another world, with the arms, tasks and regimes of its primary comparisons alone."""
    primary, count = study["primary"], len(study["seeds"])
    arms = {each[key] for each in primary for key in ("arm", "reference")}
    regimes: dict[str, list[str]] = {}
    for each in primary:
        regimes.setdefault(each["task"], []).append(each["regime"])
    return study | {
        "study": f"{study['study']}_{world}",
        "simulator_seed": world,
        "seeds": [count * world + k for k in range(count)],
        # Two simulated pictures may look the same by chance: that need not stop the run.
        "datasets": {
            name: given | {"on_leak": "drop" if name == study["pool"] else "group"}
            for name, given in study["datasets"].items()
        },
        "tasks": {task: study["tasks"][task] | {"regimes": list(dict.fromkeys(r))} for task, r in regimes.items()},
        "methods": {arm: settings for arm, settings in study["methods"].items() if arm in arms},
        "reference": primary[0]["reference"],
        "comparisons": [],
    }


if __name__ == "__main__":
    main()
