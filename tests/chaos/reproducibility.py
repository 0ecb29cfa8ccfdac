"""The same study gives the same bytes: however many cores, in whatever order and wherever it runs."""

import json
import random
from pathlib import Path

import pandas as pd

from chaos.cut_off import last_lines
from chaos.faults import Faults, Outcome
from chaos.project import UNTRACKED, checkout, copy_of_finished, differences, fingerprints, finished, snakemake

FAULTS = Faults("reproducibility")
ROW = "pocus/linear/imagenet"
CELL = "cells/pocus/linear/labels100/imagenet/seed0"
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


def verified(project: Path) -> tuple[int, str]:
    """Exit code and last words of a call that computes a row anew."""
    run = snakemake(project, "--config", f"verify={ROW}", "tracking=none", "--", "verify")
    assert "Traceback" not in run.stdout, f"a traceback was shown: {last_lines(run.stdout)}"
    told = next((line for line in run.stdout.splitlines() if ROW in line and "the same" in line), "")
    return run.returncode, told.split(" ERROR ")[-1]


@FAULTS.fault("`snakemake verify` of an honest row", "computed anew from nothing, all is the same")
def honest(folder: Path) -> Outcome:
    code, told = verified(copy_of_finished(folder))
    return Outcome(code == 0 and "are the same" in told, told or f"exit code {code}, and nothing said")


@FAULTS.fault("`snakemake verify` of a row whose mean was raised by hand", "one sentence says that it isn't the same")
def doctored_table(folder: Path) -> Outcome:
    path = copy_of_finished(folder) / "results/table.csv"
    table = pd.read_csv(path)
    table.loc[table["run"] == ROW, "mean"] += 0.01
    table.to_csv(path, index=False, float_format="%.6f")
    code, told = verified(folder)
    return Outcome(code != 0 and "is not the same" in told, told or f"exit code {code}, and nothing said")


@FAULTS.fault("`snakemake verify` of a cell with a doctored prediction", "one sentence says that it isn't the same")
def doctored_prediction(folder: Path) -> Outcome:
    path = copy_of_finished(folder) / "results" / CELL / "predictions.parquet"
    predictions = pd.read_parquet(path)
    scores = [name for name in predictions.select_dtypes("number") if name not in ("fold", "seed", "labels")]
    predictions.loc[0, scores] = predictions.loc[0, scores].to_numpy()[::-1]
    predictions.to_parquet(path, index=False)
    code, told = verified(folder)
    return Outcome(code != 0 and "is not the same" in told, told or f"exit code {code}, and nothing said")


@FAULTS.fault("a result is found and nothing is known of it", "a file beside it tells what made it", short=True)
def provenance(folder: Path) -> Outcome:
    results = finished() / "results"
    patterns = ("table.csv", "cells/**/predictions.parquet", "encoders/**/encoder.safetensors", "frames/*/frames.npy")
    found = [path for pattern in patterns for path in results.glob(pattern)]
    for path in found:
        file = path.with_name(f"{path.stem}.provenance.json")
        assert file.exists(), f"nothing beside {path.relative_to(results)}"
        missing = (PROVENANCE | COSTS) - json.loads(file.read_text(encoding="utf-8")).keys()
        assert not missing, f"{file.relative_to(results)} lacks {', '.join(sorted(missing))}"
    return Outcome(True, f"{len(found)} results, beside each a file of inputs, code, settings, seeds, versions, costs")
