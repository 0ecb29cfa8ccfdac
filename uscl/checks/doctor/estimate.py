"""How long a study will take: jobs that have run count with their real seconds, the others as recorded times say."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from uscl.checks.doctor.jobs import PARTS, Job
from uscl.checks.doctor.page_lines import Line, counted, duration
from uscl.checks.doctor.rates import Record


class Part(NamedTuple):
    """A part of the study: its jobs, how many have run and how many can't be estimated; seconds spent and to come."""

    name: str
    jobs: int
    run: int
    unknown: int
    spent: float
    left: float


class Estimate(NamedTuple):
    """The parts of the study, and seconds still to come by the clock.

    `slowdown` is the real time of jobs in parts of what recorded times say; None where none has run.
    """

    parts: list[Part]
    left: float
    slowdown: float | None

    @property
    def unknown(self) -> int:
        """How many jobs are still to run that can't be estimated."""
        return sum(part.unknown for part in self.parts)


def measured_seconds(folder: Path) -> dict[str, float]:
    """Seconds of the jobs that have run, by name: the means in Snakemake's benchmark files below a folder."""
    found = {}
    for path in sorted(folder.rglob("*.tsv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row["s"] for row in csv.DictReader(file, delimiter="\t") if row.get("s")]
        try:
            found[path.relative_to(folder).with_suffix("").as_posix()] = sum(map(float, rows)) / len(rows)
        except (ValueError, ZeroDivisionError):
            continue  # a job that was cut off leaves an empty file or NA
    return found


def estimate(jobs: Sequence[Job], measured: Mapping[str, float], cores: int, gpus: int = 0) -> Estimate:
    """What a study has taken and will take on so many cores and GPUs.

    A job counts as run where its time is known, even if Snakemake will run it again since something changed. Where jobs
    of a part have run, the others of that part are scaled by how much longer than estimated these took; where none has,
    by how much longer all took that have run.
    """
    overall = slowdown(jobs, measured)
    parts, coming = [], []
    for name in PARTS:
        mine = [job for job in jobs if job.part == name]
        factor = slowdown(mine, measured) or overall or 1.0
        left = [job._replace(seconds=job.seconds * factor) for job in mine if job.name not in measured and job.seconds]
        unknown = sum(job.seconds is None and job.name not in measured for job in mine)
        run = [measured[job.name] for job in mine if job.name in measured]
        parts.append(Part(name, len(mine), len(run), unknown, sum(run), sum(job.seconds or 0 for job in left)))
        coming += left
    return Estimate(parts, by_the_clock(coming, cores, gpus), overall)


def slowdown(jobs: Sequence[Job], measured: Mapping[str, float]) -> float | None:
    """Measured in parts of estimated time, of the jobs that have both."""
    both = [(measured[job.name], job.seconds) for job in jobs if job.name in measured and job.seconds]
    return sum(real for real, _ in both) / sum(guess for _, guess in both) if both else None


def by_the_clock(jobs: Sequence[Job], cores: int, gpus: int) -> float:
    """Seconds until all jobs are done: cores and GPUs are kept busy, and the longest job is waited for."""
    on_cores = sum((job.seconds or 0) * min(job.threads, cores) for job in jobs) / cores
    on_gpus = sum((job.seconds or 0) * job.gpus for job in jobs) / max(gpus, 1)
    return max(on_cores, on_gpus, max((job.seconds or 0 for job in jobs), default=0.0))


def time_lines(found: Estimate, cores: int, gpus: int, record: Record) -> list[Line]:
    """The estimate as a table, and from what it is."""
    lines = [Line("", f"{'':18}{'jobs':>6}{'run':>6}{'spent':>10}{'to come':>12}  (of one core)")]
    for part in found.parts:
        spent = duration(part.spent) if part.spent else "-"
        lines.append(Line("", f"{part.name:18}{part.jobs:>6}{part.run:>6}{spent:>10}{to_come(part):>12}"))
    on = counted(cores, "core") + (f" and {counted(gpus, 'GPU')}" if gpus else "")
    about = "at least" if found.unknown else "about"
    told = f"To come, by the clock: {about} {duration(found.left)} on {on}, without downloads; an estimate."
    lines.append(Line("", told))
    if found.unknown:
        missed = ", ".join(f"{counted(part.unknown, 'job')} of {part.name}" for part in found.parts if part.unknown)
        lines.append(Line("note", f"Not in it, as how much data they have isn't known yet: {missed}."))
    told = f"{record['machine']}, {record['date']}, {record['precision']}"
    basis = f"recorded times ({told}), scaled by frame size and number of frames"
    if found.slowdown is not None:
        basis += f"; jobs that have run here took {found.slowdown:.1f} times as long as these say"
    return [*lines, Line("", f"From {basis}.")]


def to_come(part: Part) -> str:
    """A part's time to come; a `?` stands for jobs that can't be estimated."""
    known = [duration(part.left)] if part.left else []
    return " + ".join([*known, *(["?"] if part.unknown else [])]) or "-"
