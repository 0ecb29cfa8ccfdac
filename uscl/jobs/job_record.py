"""The provenance file next to a job's output: by which code, from which inputs, on which machine, at what cost."""

import json
import os
import time
from pathlib import Path
from typing import Any

from uscl.base.files import write_text
from uscl.jobs.commit import PROJECT, commit
from uscl.jobs.recorded import check, tree_sha256
from uscl.jobs.run_record import config_hash, hardware, packages, peak_memory


class JobProvenance:
    """The provenance of a job; times it from the creation of this object to `write`.

    Raises DamagedFileError if an input isn't as it was written.
    """

    def __init__(self, snakemake: Any) -> None:
        self._job = snakemake
        self._started = time.time()
        self._clock = time.monotonic()  # the system's clock may be set back
        self._paths = places(snakemake)
        for path in self._paths:  # that of an earlier run: its outputs are gone
            path.unlink(missing_ok=True)
        # Recorded now: while a training runs for days, its code may be edited and committed.
        self._made_by = made_by(snakemake) if self._paths else {}
        self._inputs = check(Path(path) for path in sorted(set(map(str, snakemake.input))))

    def write(self) -> None:
        """Write the file into each folder of results; times in seconds, memory in MiB."""
        if not self._paths:
            return
        content = {
            **self._made_by,
            "inputs": {relative(path): digest for path, digest in self._inputs.items()},
            "outputs": {relative(path): tree_sha256(path) for path in map(Path, self._job.output)},
            **self._cost(),
        }
        for path in self._paths:
            write_text(path, json.dumps(content, indent=2, sort_keys=True) + "\n")

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


def places(job: Any) -> list[Path]:
    """Where a job's provenance is written: in each folder of results, named after the first output there."""
    results = Path(job.config["results"]).expanduser().absolute()
    firsts: dict[Path, Path] = {}
    for path in map(Path, job.output):
        if results in path.absolute().parents:
            firsts.setdefault(path.parent, path.with_name(f"{path.stem}.provenance.json"))
    return list(firsts.values())


def own_seed(job: Any) -> dict[str, int]:
    """The job's own seed, from its wildcards or its parameters."""
    seed = job.wildcards.get("seed", job.params.get("seed"))
    return {} if seed is None else {"job": int(seed)}


def relative(path: Path) -> str:
    """A path relative to Snakemake's working folder; absolute if it is outside that folder and the project."""
    near, whole = os.path.relpath(path), path.absolute()
    return str(whole) if near.startswith("..") and PROJECT not in whole.parents else near
