"""Flipped bits in the files of a finished study, and what the jobs that read these files do about them.

A job checks its inputs when it starts, and the files of runs when it reads them: here both are done as jobs do them.
"""

import contextlib
import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

from flipped import flip

from uscl.base.errors import DamagedFileError
from uscl.jobs.job import trained_encoder
from uscl.jobs.job_record import JobProvenance
from uscl.jobs.outcome import required
from uscl.jobs.recorded import checked
from uscl.jobs.run_record import read_record

DETECTED, HARMLESS, OUTSIDE, SILENT = "detected", "harmless", "outside what is read", "used silently"
# What no job reads: pages and tables for readers, logs, costs, MLflow's store, the notes of calls, and the masks of
# data sets that no task segments.
FOR_READERS = {".html", ".md", ".tex", ".log", ".tsv", ".lock", ".db", ".svg"}
NOT_READ = ("mlartifacts/", "tracking/", ".call.json", "/manifest_head.csv", "/cases.csv", "/heads.safetensors")
NOT_READ += ("/native_masks.parquet", "/pool_parts.csv", "reported.csv", "/metrics.csv", "contact_sheet.png")


def random_flips(results: Path, count: int, seed: int) -> Iterator[tuple[Path, int]]:
    """So many files and the number of a bit in each; every kind of file has the same chance, big or small."""
    rng, kinds = random.Random(seed), {}
    for path in sorted(path for path in results.rglob("*") if path.is_file() and path.stat().st_size):
        kinds.setdefault(kind_of(path.relative_to(results)), []).append(path)
    for _ in range(count):
        path = rng.choice(kinds[rng.choice(sorted(kinds))])
        yield path, rng.randrange(8 * path.stat().st_size)


def kind_of(path: Path) -> str:
    """The kind of a file in the results: its first folder and its ending."""
    folder = path.parts[0] if len(path.parts) > 1 else ""
    if path.name.endswith(".provenance.json"):
        return "provenance"
    return f"{folder}/*{path.suffix}" if folder else f"*{path.suffix}"


@contextlib.contextmanager
def flipped(path: Path, bit: int) -> Iterator[None]:
    """A file with one bit flipped for the time of a block."""
    flip(path, bit)
    try:
        yield
    finally:
        flip(path, bit)


class Readers:
    """The jobs of a finished study by what they read, as their provenance files name it, from its project's folder."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.jobs: dict[Path, list[dict]] = {}
        for file in sorted((project / "results").rglob("*.provenance.json")):
            job = json.loads(file.read_text(encoding="utf-8"))
            for name in job["inputs"]:
                self.jobs.setdefault(project / name, []).append(job)

    def verdict(self, path: Path) -> str:
        """What becomes of a file that has changed: DETECTED, HARMLESS, OUTSIDE or SILENT."""
        if path.name.endswith(".provenance.json"):
            return HARMLESS  # no number is read from it; its job's outputs may be named as damaged
        try:
            read = self.read(path)
        except DamagedFileError as error:
            sentence = str(error)
            assert re.search("`snakemake .* --force", sentence), sentence
            assert len(sentence.splitlines()) == 1, sentence
            named = str(path.relative_to(self.project)) in sentence
            assert named or any(str(folder.relative_to(self.project)) in sentence for folder in path.parents), sentence
            return DETECTED
        return SILENT if read else self.outside(path)

    def read(self, path: Path) -> bool:
        """Read a file as the jobs do that read it; whether there is one. Raises DamagedFileError."""
        found = False
        for place in (path, *path.parents):  # a folder may be an input
            for job in self.jobs.get(place, [])[:2]:
                JobProvenance(self.called(job))
                found = True
        if path.parent.name == "models":  # `uscl predict` reads them
            checked(path.relative_to(self.project))
            return True
        if (outcome := path.with_name("outcome.json")).exists():
            found = self.read_run(path.relative_to(self.project), outcome.relative_to(self.project)) or found
        return found

    def read_run(self, path: Path, outcome: Path) -> bool:
        """Read a file of a run as later jobs do."""
        read = {
            "outcome.json": required,
            "encoder.safetensors": lambda _: trained_encoder(outcome),
            "run.json": lambda _: read_record(path.parent),
        }
        if path.name in ("heads.safetensors", "pool_parts.csv"):
            return False
        read.get(path.name, checked)(path)
        return True

    def called(self, job: dict) -> SimpleNamespace:
        """A job as Snakemake hands it to a script; without outputs, so that its own provenance stays."""
        config = {"results": "results", "seeds": [0]}
        return SimpleNamespace(input=list(job["inputs"]), output=[], config=config, params={}, wildcards={}, threads=1)

    def outside(self, path: Path) -> str:
        """OUTSIDE for what no job reads. Raises AssertionError for a file of which that isn't known."""
        name = path.relative_to(self.project / "results").as_posix()
        known = path.suffix in FOR_READERS or any(part in f"/{name}" for part in NOT_READ)
        assert known, f"nobody reads {name}, and it isn't listed as such"
        return OUTSIDE


def table(verdicts: list[tuple[str, str]]) -> str:
    """How many flips of each kind of file had which end."""
    ends = (DETECTED, HARMLESS, OUTSIDE, SILENT)
    counts = Counter(verdicts)
    kinds = sorted({kind for kind, _ in verdicts})
    lines = [f"{kind:32}" + "".join(f"{counts[kind, end]:>22}" for end in ends) for kind in kinds]
    total = "".join(f"{sum(counts[kind, end] for kind in kinds):>22}" for end in ends)
    return "\n".join([f"{'files':32}" + "".join(f"{end:>22}" for end in ends), *lines, f"{'all':32}{total}"])
