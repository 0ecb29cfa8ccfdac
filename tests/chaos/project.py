"""Copies of the checkout, and calls of Snakemake in them."""

import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock

from tests.chaos.paths import OF_STORE, RESULTS, SAME
from tests.screen import unwrapped

ROOT = Path(__file__).parents[2]
MINUTE = ROOT / "tests/chaos/minute.yaml"
CHECKOUT = ["benchmarks", "config", "profiles", "uscl", "workflow"]
CHECKOUT += ["CITATION.cff", "Snakefile", "environment.yml", "requirements.lock"]
SNAKEMAKE = [sys.executable, "-m", "snakemake"]
# Where the harness works: a variable may name a disk with room.
WORK = Path(os.environ.get("CHAOS_FOLDER") or tempfile.gettempdir()) / f"chaos-{os.getuid()}"
# The variable that names the checkout which all faults copy; otherwise it is this one.
SOURCE = "CHAOS_SOURCE"
# Words of a call in a copy of a finished project: what isn't about MLflow needn't rebuild its store.
UNTRACKED = ("--config", "tracking=none")


def checkout(folder: Path) -> Path:
    """What the workflow needs of the checkout, in `folder`, without results and environment."""
    source = Path(os.environ.get(SOURCE) or ROOT)
    for name in CHECKOUT:
        if (source / name).is_dir():
            shutil.copytree(source / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, folder / name)
    return folder


def command(*words: str, study: Path = MINUTE, cores: int = 2) -> list[str]:
    """The words of a call of Snakemake."""
    return [*SNAKEMAKE, "--configfile", str(study), "--cores", str(cores), *words]


def environment(**more: str) -> dict[str, str]:
    """The environment of a call: this one's, without a search path of its own."""
    return os.environ | {"PYTHONPATH": ""} | more


def snakemake(
    project: Path, *words: str, study: Path = MINUTE, cores: int = 2, by: Sequence[str] = (), **more: str
) -> subprocess.CompletedProcess:
    """Call Snakemake in a project and wait for it, perhaps `by` another program; its output is one text.

    `more` are environment variables.
    """
    run = subprocess.run(
        [*by, *command(*words, study=study, cores=cores)],
        cwd=project,
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    run.stdout = unwrapped(run.stdout)
    return run


def start(project: Path, *words: str, log: Path, study: Path = MINUTE, cores: int = 2, **more: str) -> subprocess.Popen:
    """Call Snakemake in a process group of its own, as a terminal does, without waiting; its output goes into `log`."""
    with log.open("a", encoding="utf-8") as output:
        return subprocess.Popen(
            command(*words, study=study, cores=cores),
            cwd=project,
            env=environment(**more),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            process_group=0,
        )


@functools.cache
def finished(study: Path = MINUTE) -> Path:
    """A project in which a study was run without any fault, not to be changed: kept for calls with the same code."""
    WORK.mkdir(parents=True, exist_ok=True)
    fresh = checkout(Path(tempfile.mkdtemp(dir=WORK)))
    folder = WORK / f"finished-{study.stem}-{tree_hash(fresh, study)[:12]}"
    with FileLock(folder.with_suffix(".lock")):
        if (folder / "finished").exists():
            shutil.rmtree(fresh)
            return folder
        forget_old(study)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
        run = snakemake(folder, study=study)
        assert run.returncode == 0, run.stdout
        (folder / "finished").touch()
    return folder


def tree_hash(folder: Path, *more: Path) -> str:
    """SHA-256 of the names and bytes of all files in a folder, and of some more files."""
    digest = hashlib.sha256()
    for path in (*sorted(path for path in folder.rglob("*") if path.is_file()), *more):
        digest.update(str(path.relative_to(folder) if path.is_relative_to(folder) else path.name).encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def forget_old(study: Path) -> None:
    """Remove finished projects of other states of the code that nobody needs any more."""
    for path in WORK.glob(f"finished-{study.stem}-*"):
        if path.stat().st_mtime < time.time() - 3600:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def copy_of_finished(folder: Path, study: Path = MINUTE) -> Path:
    """A copy of the finished project, in which a further call with UNTRACKED does nothing.

    Its MLflow store must be rebuilt, since that of the original keeps its files there: it's left out.
    """
    original = finished(study)
    of_store = shutil.ignore_patterns(*OF_STORE)

    def left_out(place: str, names: list[str]) -> set[str]:
        return of_store(place, names) if Path(place) == original / RESULTS else set()

    return Path(shutil.copytree(original, folder, ignore=left_out, symlinks=True, dirs_exist_ok=True))


def fingerprints(project: Path, *patterns: str) -> dict[str, str]:
    """SHA-256 of the result files that match any of `patterns` (default: what must be the same bytes in every run)."""
    results = project / RESULTS
    files = sorted({path for pattern in patterns or SAME for path in results.glob(pattern)})
    return {path.relative_to(results).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def differences(project: Path, study: Path = MINUTE) -> str:
    """What of a project's results isn't as in a run without any fault, as the end of a sentence; empty where all is."""
    expected, found = fingerprints(finished(study)), fingerprints(project)
    other = [name for name in sorted(expected.keys() | found.keys()) if expected.get(name) != found.get(name)]
    return f"{len(other)} of {len(expected)} results differ ({', '.join(other[:3])})" if other else ""


def half_files(project: Path) -> list[str]:
    """What was left in the results under a name that a file has only until it's whole (see uscl/base/files.py)."""
    return sorted(str(path.relative_to(project)) for path in (project / RESULTS).rglob(".[0-9]*.*"))
