"""The same study gives the same bytes: however many cores, in whatever order and wherever it runs."""

import random
from pathlib import Path

from chaos.faults import Faults, Outcome
from chaos.project import UNTRACKED, checkout, differences, fingerprints, finished, snakemake

FAULTS = Faults("reproducibility")


def same_bytes(project: Path, told: str) -> Outcome:
    """Whether a project's results are those of the run without any fault."""
    other = differences(project)
    return Outcome(not other, f"{told}: {other or f'the same {len(fingerprints(project))} files to the byte'}")


@FAULTS.fault("the study on one core instead of two", "table, predictions and encoders are the same bytes")
def one_core(folder: Path) -> Outcome:
    run = snakemake(checkout(folder), *UNTRACKED, cores=1)
    assert run.returncode == 0, run.stdout
    return same_bytes(folder, "--cores 1")


@FAULTS.fault(
    "cells are asked for one by one, in shuffled order, in another folder; then all of the study",
    "table, predictions and encoders are the same bytes",
)
def shuffled(folder: Path) -> Outcome:
    cells = sorted((finished() / "results/cells").rglob("predictions.parquet"))
    random.Random(1).shuffle(cells)
    project = checkout(folder / "another" / "place")
    for target in (*(str(cell.relative_to(finished())) for cell in cells), "results/table.csv"):
        run = snakemake(project, *UNTRACKED, "--", target)
        assert run.returncode == 0, run.stdout
    return same_bytes(project, f"{len(cells)} cells one by one")
