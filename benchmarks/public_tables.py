"""The public study's tables and figures from its stored predictions alone.

    python benchmarks/public_tables.py [--results results/public-tables]
    python benchmarks/public_tables.py --store results/public-study docs/public-study/results/study

The first makes the tables and figures of every finished study in docs/public-study/results again, from the cells that
are stored there, and compares them with the stored ones: CSV and Markdown byte for byte, figures within a tolerance. It
needs neither data nor encoders. The second stores the cells of a study that are finished, and its tables and figures if
there are any, without weights of encoders and without any picture of a patient.
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from matplotlib.testing.compare import compare_images

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the library of this checkout, installed or not

from uscl.study.figures import FIGURES

PAGES = ROOT / "docs/public-study"
# What tables are made from, and what is made, as `Path.glob` names them within a results folder.
OF_RUNS = ("outcome.json", "run.json", "history.csv")
SOURCES = [f"{place}/**/{name}" for place in ("cells", "encoders") for name in OF_RUNS]
SOURCES += ["cells/**/predictions.parquet", "audit/verdict.json"]
MADE = ["table.csv", "table.md", "claims.csv", "claims.md", "costs.csv", *(f"figures/{name}.png" for name in FIGURES)]
RULES = ["score", "endpoints", "table", "study_figures"]
TOLERANCE = 2.0  # root mean square of grey levels, of 255: fonts are drawn a little differently elsewhere


def main() -> None:
    """Make the tables again and compare them, or store a study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("results/public-tables"))
    parser.add_argument("--store", type=Path, nargs=2, metavar=("RESULTS", "FOLDER"))
    given = parser.parse_args()
    if given.store:
        store(*given.store)
        return
    stored = sorted(path.parent for path in PAGES.glob("results/*/table.csv"))
    different = [line for folder in stored for line in made_again(folder, given.results / folder.name)]
    print("\n".join(different) or f"The tables and figures of {len(stored)} studies are as they are stored.")
    sys.exit(1 if different else 0)


def store(results: Path, folder: Path) -> None:
    """Replace the stored files of a study by those of its results folder."""
    if not any(found(SOURCES, results)):
        sys.exit(f"{results} has no finished cells: run the study first.")
    shutil.rmtree(folder, ignore_errors=True)
    copy([*SOURCES, *MADE], results, folder)


def copy(patterns: list[str], source: Path, target: Path) -> None:
    """Copy the files of these patterns into another folder."""
    for path in found(patterns, source):
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / path, target / path)


def found(patterns: list[str], folder: Path) -> Iterator[Path]:
    """The files of these patterns, relative to their folder."""
    for pattern in patterns:
        yield from (path.relative_to(folder) for path in sorted(folder.glob(pattern)))


def made_again(folder: Path, results: Path) -> Iterator[str]:
    """Make the tables of a stored study in a new results folder; one line for each that differs."""
    shutil.rmtree(results, ignore_errors=True)
    copy(SOURCES, folder, results)
    made = list(found(MADE, folder))
    study = ["--configfile", str(PAGES / f"{folder.name}.yaml"), "--config", f"results={results}"]
    limits = ["--rerun-triggers", "mtime", "--allowed-rules", *RULES]
    targets = [str(results / path) for path in made]
    call = [sys.executable, "-m", "snakemake", *targets, "--cores", "all", *study, *limits]
    if subprocess.run(call, cwd=ROOT).returncode:
        sys.exit(f"The tables of {folder} couldn't be made again.")
    for path in made:
        if not same(folder / path, results / path):
            yield f"{results / path} differs from {folder / path}."


def same(one: Path, other: Path) -> bool:
    """Whether two files are equal, or two figures look alike."""
    if one.suffix == ".png":
        return compare_images(str(one), str(other), TOLERANCE) is None
    return one.read_bytes() == other.read_bytes()


if __name__ == "__main__":
    main()
