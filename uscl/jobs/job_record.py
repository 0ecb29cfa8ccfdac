"""The provenance file next to a job's output: by which code, from which inputs, on which machine, at what cost."""

import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

from uscl.base.files import file_sha256, write_text
from uscl.jobs.commit import PROJECT, commit
from uscl.jobs.run_record import config_hash, hardware, packages, peak_memory


class JobProvenance:
    """The provenance of a job; times it from the creation of this object to `write`."""

    def __init__(self, snakemake: Any) -> None:
        self._job = snakemake
        self._started = time.time()
        self._clock = time.monotonic()  # the system's clock may be set back
        self._path = place(snakemake)
        # Recorded now: while a training runs for days, its code may be edited and committed.
        self._made_by = made_by(snakemake) if self._path else {}

    def write(self) -> None:
        """Write the file, if the job makes anything; times in seconds, memory in MiB."""
        if self._path:
            content = self._made_by | made_from(self._job) | self._cost()
            write_text(self._path, json.dumps(content, indent=2, sort_keys=True) + "\n")

    def _cost(self) -> dict[str, Any]:
        """The job's time and memory, and the machine that it ran on."""
        return {
            "hardware": hardware(),
            "threads": self._job.threads,
            "started": self._started,
            "wall_s": time.monotonic() - self._clock,
            "peak_memory_mib": peak_memory(),
        }


def made_by(job: Any) -> dict[str, Any]:
    """Commit, code, settings, seeds and packages."""
    version = commit()
    return {
        "rule": job.rule,
        "wildcards": dict(job.wildcards.items()),
        "commit": version.name,
        "dirty": version.dirty,
        "code_sha256": job.params.get("code"),
        "config_sha256": config_hash(job.config),
        "seeds": {"study": job.config["seeds"]} | own_seed(job),
        "packages": packages(),
    }


def made_from(job: Any) -> dict[str, Any]:
    """Hashes of the inputs and of the outputs."""
    inputs = sorted(set(map(str, job.input)))
    return {
        "inputs": {relative(path): file_hash(Path(path)) for path in inputs},
        "outputs": {relative(path): file_hash(Path(path)) for path in map(str, job.output)},
    }


def place(job: Any) -> Path | None:
    """The path of a job's provenance file, named after and next to its first output; None if that isn't a result."""
    first = next(iter(job.output), None)
    results = Path(job.config["results"]).expanduser().absolute()
    if first is None or results not in Path(first).absolute().parents:
        return None
    return Path(first).with_name(f"{Path(first).stem}.provenance.json")


def file_hash(path: Path) -> str:
    """SHA-256 of a file; of a folder, that of the names and hashes of its files."""
    if path.is_file():
        return file_sha256(path)
    files = sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
    names = "\n".join(f"{file.relative_to(path).as_posix()} {file_sha256(file)}" for file in files)
    return hashlib.sha256(names.encode()).hexdigest()


def own_seed(job: Any) -> dict[str, int]:
    """The job's own seed, from its wildcards or its parameters."""
    seed = job.wildcards.get("seed", job.params.get("seed"))
    return {} if seed is None else {"job": int(seed)}


def relative(path: str) -> str:
    """A path relative to Snakemake's working folder; absolute if it is outside that folder and the project."""
    near, whole = os.path.relpath(path), Path(path).absolute()
    return str(whole) if near.startswith("..") and PROJECT not in whole.parents else near
