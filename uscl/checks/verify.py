"""Computing a row of the table again, from nothing, and comparing."""

import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from uscl.base.errors import UserError
from uscl.base.files import write_text
from uscl.jobs.commit import commit
from uscl.jobs.outcome import FILE
from uscl.jobs.run_record import cpu_model
from uscl.models.checkpoint import read_encoder_file
from uscl.stats.evaluation import cases_of
from uscl.stats.level_names import per
from uscl.stats.level_tables import with_level
from uscl.stats.levels import Asked, by_level
from uscl.stats.summary import intervals

COMPARED = ["mean", "sd", "ci_low", "ci_high", "models_ci_low", "models_ci_high"]
AS_WRITTEN = 1e-6  # table.csv has six decimals

log = logging.getLogger(__name__)


class Named(NamedTuple):
    """A row of the table, as its column `run` names it."""

    task: str
    regime: str
    arm: str

    def folders(self, results: Path, seeds: list[int]) -> list[Path]:
        """Where the cells of all seeds lie."""
        return [results / f"cells/{self.task}/{self.regime}/labels100/{self.arm}/seed{seed}" for seed in seeds]

    def encoders(self, results: Path, seeds: list[int]) -> list[Path]:
        """The encoder files of all seeds."""
        return [results / f"encoders/{self.arm}/seed{seed}/encoder.safetensors" for seed in seeds]


def named(text: str | None, table: pd.DataFrame) -> Named:
    """The row of the table that the user names. Raises UserError that lists the existing names."""
    runs = list(dict.fromkeys(table["run"].dropna()))
    if text is None or text not in runs:
        fault = "Name the row to verify" if text is None else f"The table has no row '{text}'"
        raise UserError(
            f"{fault}: --config verify=NAME, where NAME is in the table's column `run`: {', '.join(runs[:6])}"
            + (f" and {len(runs) - 6} more." if len(runs) > 6 else ".")
        )
    return Named(*text.split("/"))


def recompute(
    name: Named, config: dict[str, Any], seeds: list[int], snakefile: Path, cores: int, scratch: Path
) -> None:
    """Run the cells of all seeds and everything they rest on in the new folder `scratch`, in a separate Snakemake call.

    Raises UserError with the end of Snakemake's output if the call or one of its runs fails.
    """
    shutil.rmtree(scratch, ignore_errors=True)
    study = {key: value for key, value in config.items() if key != "verify"}
    study |= {"results": str(scratch), "tracking": "none", "keep_models": "none"}
    write_text(scratch / "study.json", json.dumps(study, indent=2))
    targets = [str(folder / FILE) for folder in name.folders(scratch, seeds)]
    words = ["--snakefile", str(snakefile), "--configfile", str(scratch / "study.json"), "--cores", str(cores)]
    run = subprocess.run(
        [sys.executable, "-m", "snakemake", *words, "--", *targets],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    log.info("%s", run.stdout)
    if run.returncode:
        raise UserError(f"It could not be computed again, see the log: {run.stdout.strip().splitlines()[-1]}")


def differences(
    name: Named,
    table: pd.DataFrame,
    results: Path,
    scratch: Path,
    kind: str,
    levels: Mapping[str, Any] = MappingProxyType({}),
    **settings: Any,
) -> list[str]:
    """The differences in table, predictions and encoders, a few words each; empty if everything is the same.

    `levels` are the arguments of `uscl.stats.levels.Asked`, `settings` the study's `seeds` and, as in
    `uscl.stats.summary.intervals`, `draws` and `seed`.
    """
    seeds = settings.pop("seeds")
    found = []
    for old, new in zip(name.encoders(results, seeds), name.encoders(scratch, seeds), strict=True):
        # An arm from files has no encoder.
        if (old.exists() or new.exists()) and not same_weights(old, new):
            found.append(f"{old} has other weights")
    for old, new in zip(name.folders(results, seeds), name.folders(scratch, seeds), strict=True):
        if (count := other_rows(old / "predictions.parquet", new / "predictions.parquet")) != 0:
            found.append(f"{old}/predictions.parquet differs ({count})")
    cases = by_level(cases_of(name.folders(scratch, seeds), kind), kind, Asked(**levels), name.task)
    scores = {level: intervals(of_level, kind, **settings).set_index("metric") for level, of_level in cases.items()}
    table = with_level(table)
    rows = table[(table["run"] == "/".join(name)) & table["mean"].notna()].set_index(["level", "metric"])
    for (level, metric), row in rows.iterrows():
        for column in COMPARED:
            there, here = row[column], scores[level].at[metric, column]
            if not np.isclose(there, here, rtol=0, atol=AS_WRITTEN, equal_nan=True):
                what = f"{metric}{per(level)} ({column})"
                found.append(f"{what} is {there:.6f} in the table and {here:.6f} computed again")
    return found


def listed(found: list[str], limit: int = 4) -> str:
    """The first differences, and the number of the others."""
    more = f" and {len(found) - limit} more differences" if len(found) > limit else ""
    return "; ".join(found[:limit]) + more


def same_weights(old: Path, new: Path) -> bool:
    """Whether two encoder files hold the same tensors, bit for bit; the commits that made them may differ."""
    (a, _), (b, _) = read_encoder_file(old), read_encoder_file(new)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def other_rows(old: Path, new: Path) -> str | int:
    """How many of the predictions differ, in words; 0 if the files are the same byte for byte."""
    if old.read_bytes() == new.read_bytes():
        return 0
    try:
        a, b = pd.read_parquet(old), pd.read_parquet(new)
    except (OSError, ValueError):
        return "it can't be read"
    if a.shape != b.shape or list(a) != list(b):
        return "other cases"
    same = [
        all(np.array_equal(x, y) for x, y in zip(*rows, strict=True)) for rows in zip(a.values, b.values, strict=True)
    ]
    return f"{same.count(False)} of {len(same)} cases"


def made_elsewhere(table: pd.DataFrame, name: Named) -> str:
    """The commit and the processor that made the table's row, if they differ from the present ones; else empty."""
    row = table[table["run"] == "/".join(name)].iloc[0]
    here = {"commit": str(commit()), "cpu": cpu_model()}
    other = [f"{key} {row[key]}, now {value}" for key, value in here.items() if str(row[key]) != value]
    return f" The table was made by {'; '.join(other)}." if other else ""
