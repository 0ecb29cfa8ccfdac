"""The same study gives the same bytes: however many cores, in whatever order and wherever it runs."""

import json
import random
from pathlib import Path

import pandas as pd
import pytest

from tests.chaos.cut_off import last_lines
from tests.chaos.paths import LINEAR, TABLE
from tests.chaos.project import UNTRACKED, checkout, copy_of_finished, differences, finished, snakemake

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
ROW = "pocus/linear/imagenet"
PROVENANCE = {
    "rule",
    "inputs",
    "outputs",
    "code_sha256",
    "config_sha256",
    "commit",
    "dirty",
    "seeds",
    "packages",
    "hardware",
}
COSTS = {"started", "wall_s", "peak_memory_mib", "threads"}


def same_bytes(project: Path) -> None:
    """A project's results are those of the run without any fault."""
    other = differences(project)
    assert not other, other


def test_the_study_on_one_core_instead_of_two(folder: Path) -> None:
    """Table, predictions and encoders are the same bytes."""
    run = snakemake(checkout(folder), *UNTRACKED, cores=1)
    assert run.returncode == 0, run.stdout
    same_bytes(folder)


def test_shuffled(folder: Path) -> None:
    """Cells are asked for one by one, in shuffled order, in another folder; then all of the study: table,
    predictions and encoders are the same bytes."""
    cells = sorted((finished() / "results/cells").rglob("outcome.json"))
    random.Random(1).shuffle(cells)
    project = checkout(folder / "another" / "place")
    for target in (*(str(cell.relative_to(finished())) for cell in cells), TABLE):
        run = snakemake(project, *UNTRACKED, "--", target)
        assert run.returncode == 0, run.stdout
    same_bytes(project)


def verified(project: Path) -> tuple[int, str]:
    """Exit code and last words of a call that computes a row again."""
    run = snakemake(project, "--config", f"verify={ROW}", "tracking=none", "--", "verify")
    assert "Traceback" not in run.stdout, f"a traceback was shown: {last_lines(run.stdout)}"
    told = next((line for line in run.stdout.splitlines() if ROW in line and "the same" in line), "")
    return run.returncode, told.split(" ERROR ")[-1]


def test_snakemake_verify_of_an_honest_row(folder: Path) -> None:
    """Computed again from nothing, all is the same."""
    code, told = verified(copy_of_finished(folder))
    assert code == 0, told
    assert "are the same" in told


def test_snakemake_verify_of_a_row_whose_mean_was_raised_by_hand(folder: Path) -> None:
    """One sentence says that it isn't the same."""
    path = copy_of_finished(folder) / TABLE
    table = pd.read_csv(path)
    table.loc[table["run"] == ROW, "mean"] += 0.01
    table.to_csv(path, index=False, float_format="%.6f")
    code, told = verified(folder)
    assert code != 0, "the call ended well"
    assert "is not the same" in told


def test_snakemake_verify_of_a_cell_with_a_doctored_prediction(folder: Path) -> None:
    """One sentence says that it isn't the same."""
    path = copy_of_finished(folder) / "results" / LINEAR / "predictions.parquet"
    predictions = pd.read_parquet(path)
    scores = [name for name in predictions.select_dtypes("number") if name not in ("fold", "seed", "labels")]
    predictions.loc[0, scores] = predictions.loc[0, scores].to_numpy()[::-1]
    predictions.to_parquet(path, index=False)
    code, told = verified(folder)
    assert code != 0, "the call ended well"
    assert "is not the same" in told


@pytest.mark.chaos_short
def test_a_result_is_found_and_nothing_is_known_of_it(folder: Path) -> None:
    """A file beside it tells what made it."""
    results = finished() / "results"
    patterns = ("table.csv", "cells/**/outcome.json", "encoders/**/outcome.json", "frames/*/frames.npy")
    found = [path for pattern in patterns for path in results.glob(pattern)]
    for path in found:
        file = path.with_name(f"{path.stem}.provenance.json")
        assert file.exists(), f"nothing beside {path.relative_to(results)}"
        missing = (PROVENANCE | COSTS) - json.loads(file.read_text(encoding="utf-8")).keys()
        assert not missing, f"{file.relative_to(results)} lacks {', '.join(sorted(missing))}"
