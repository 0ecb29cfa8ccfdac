"""The provenance file beside what a job makes: by which code, from which inputs, on which machine, at what cost."""

import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

from uscl.files import sha256, write_text
from uscl.provenance import PROJECT, commit, config_hash, hardware, packages, peak_memory


class JobProvenance:
    """What a job tells about itself; times it from its creation to `write`."""

    def __init__(self, snakemake: Any) -> None:
        self._job = snakemake
        self._started = time.time()
        self._clock = time.monotonic()  # the other may be set back
        self.path = place(snakemake)

    def write(self) -> None:
        """Write the file; times in seconds, memory in MiB."""
        assert self.path
        write_text(self.path, json.dumps(self.told(), indent=2, sort_keys=True) + "\n")

    def told(self) -> dict[str, Any]:
        """Rule, commit, hashes of config, inputs and code, seeds, packages, machine, threads, time and memory."""
        job, stand = self._job, commit()
        code = [Path(path) for path in job.input.get("code", [])]
        others = sorted({path for path in map(str, job.input) if Path(path) not in code})
        return {
            "rule": job.rule,
            "wildcards": dict(job.wildcards.items()),
            "outputs": {relative(path): file_hash(Path(path)) for path in map(str, job.output)},
            "commit": stand.removesuffix("-dirty"),
            "dirty": None if stand == "unknown" else stand.endswith("-dirty"),
            "config_sha256": config_hash(job.config),
            "inputs": {relative(path): file_hash(Path(path)) for path in others},
            "code_sha256": sha256(*code),
            "seeds": {"study": job.config["seeds"]} | own_seed(job),
            "packages": packages(),
            "hardware": hardware(),
            "threads": job.threads,
            "started": self._started,
            "wall_s": time.monotonic() - self._clock,
            "peak_memory_mib": peak_memory(),
        }


def place(job: Any) -> Path | None:
    """Where a job's provenance file lies: beside its first output, under its name; None without one in the results."""
    first = next(iter(job.output), None)
    results = Path(job.config["results"]).expanduser().absolute()
    if first is None or results not in Path(first).absolute().parents:
        return None
    return Path(first).with_name(f"{Path(first).stem}.provenance.json")


def file_hash(path: Path) -> str:
    """SHA-256 of a file; of a folder, that of the names and hashes of its files."""
    if path.is_file():
        return sha256(path)
    files = sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
    names = "\n".join(f"{file.relative_to(path).as_posix()} {sha256(file)}" for file in files)
    return hashlib.sha256(names.encode()).hexdigest()


def own_seed(job: Any) -> dict[str, int]:
    """The seed that the job itself was given, by its name or its parameters."""
    seed = job.wildcards.get("seed", job.params.get("seed"))
    return {} if seed is None else {"job": int(seed)}


def relative(path: str) -> str:
    """A path as seen from the folder that Snakemake works in, or absolute outside the project."""
    near = os.path.relpath(path)
    return (
        str(Path(path).absolute()) if near.startswith("..") and PROJECT not in Path(path).absolute().parents else near
    )
