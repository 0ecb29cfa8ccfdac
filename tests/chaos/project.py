"""Copies of the checkout, and calls of Snakemake in them."""

import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
MINUTE = ROOT / "tests/chaos/minute.yaml"
CHECKOUT = ["benchmarks", "config", "profiles", "uscl", "workflow", "Snakefile", "environment.yml", "requirements.lock"]
SNAKEMAKE = [sys.executable, "-m", "snakemake"]
# Where the harness works: a variable may name a disk with room.
WORK = Path(os.environ.get("CHAOS_FOLDER") or tempfile.gettempdir()) / f"chaos-{os.getuid()}"


def checkout(folder: Path) -> Path:
    """What the workflow needs of the checkout, in `folder`, without results and environment."""
    for name in CHECKOUT:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def command(*words: str, study: Path = MINUTE, cores: int = 2) -> list[str]:
    """The words of a call of Snakemake."""
    return [*SNAKEMAKE, "--configfile", str(study), "--cores", str(cores), *words]


def environment(**more: str) -> dict[str, str]:
    """The environment of a call: this one's, without a search path of its own."""
    return os.environ | {"PYTHONPATH": ""} | more


def snakemake(
    project: Path, *words: str, study: Path = MINUTE, cores: int = 2, **more: str
) -> subprocess.CompletedProcess:
    """Call Snakemake in a project and wait for it; `more` are environment variables. Its output is one text."""
    return subprocess.run(
        command(*words, study=study, cores=cores),
        cwd=project,
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@functools.cache
def finished(study: Path = MINUTE) -> Path:
    """A project in which a study was run without any fault; kept for all faults of this call, not to be changed."""
    folder = checkout(WORK / f"finished-{study.stem}")
    run = snakemake(folder, study=study)
    assert run.returncode == 0, run.stdout
    return folder


def copy_of_finished(folder: Path, study: Path = MINUTE) -> Path:
    """A copy of the finished project, in which a further call does nothing.

    Its MLflow store must be rebuilt, since that of the original keeps its files there: it's left out.
    """
    keep_out = shutil.ignore_patterns("mlflow.db*", "mlartifacts", "tracking")
    return Path(shutil.copytree(finished(study), folder, ignore=keep_out, symlinks=True, dirs_exist_ok=True))


def fingerprints(project: Path, *patterns: str) -> dict[str, str]:
    """SHA-256 of the result files that match any of `patterns` (default: what must be the same bytes in every run)."""
    patterns = patterns or ("table.csv", "claims.csv", "cells/**/predictions.parquet", "encoders/**/*.safetensors")
    files = sorted({path for pattern in patterns for path in (project / "results").glob(pattern)})
    return {
        path.relative_to(project / "results").as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }
