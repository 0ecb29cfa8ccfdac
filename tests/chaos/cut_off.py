"""A job of a finished study is made again, cut off, and made by a further call."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import psutil

from tests.chaos.paths import CHECKPOINTS, ENCODER, FINETUNE, FRAMES, OUTCOME
from tests.chaos.processes import gone, job_of, marked, mine, wait_until
from tests.chaos.project import MINUTE, UNTRACKED, copy_of_finished, differences, half_files, snakemake, start
from tests.screen import unwrapped


class Job(NamedTuple):
    """A job: its script, what it makes (patterns), the file asked for, its log, and when it's at work."""

    script: str
    makes: tuple[str, ...]
    target: str
    log: str
    at_work: Callable[[Path], object]


# What is done to a call, of which the main process and the number of the job are given.
Hit = Callable[[subprocess.Popen, int], object]
PRETRAINING = Job(
    "pretrain",
    (f"{ENCODER}/*.*",),
    f"{ENCODER}/{OUTCOME}",
    "pretrain/meta_uscl-seed0.log",
    lambda results: mid_epoch(results / CHECKPOINTS),
)
EXTRACTION = Job(
    "extract_frames",
    (f"{FRAMES}/*",),
    f"{FRAMES}/frames.npy",
    "extract_frames/sim_lung.log",
    lambda results: any((results / FRAMES).glob(".*")),
)
FINETUNING = Job(
    "finetune",
    (f"{FINETUNE}/*.*",),
    f"{FINETUNE}/{OUTCOME}",
    "finetune/pocus-finetune-labels100-meta_uscl-seed0.log",
    lambda results: (results / f"checkpoints/{FINETUNE}/fold0/fold.json").exists(),
)
TABLE_JOB = Job(
    "table",
    ("table.*", "claims.*", "costs.csv"),
    "claims.md",
    "table/table.log",
    lambda results: (results / "table.csv").exists(),
)


class Run(NamedTuple):
    """A call that was cut off, or went on: its project, exit code (None: it had to be killed), and what it said."""

    project: Path
    code: int | None
    said: str


def read(path: Path) -> str:
    """A text file, empty where there is none."""
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def mid_epoch(checkpoints: Path) -> bool:
    """Whether a pretraining is in the middle of an epoch after its third: every epoch ends with a checkpoint."""
    try:
        before, last = (path.stat().st_mtime for path in sorted(checkpoints.glob("epochs*.pt"))[-2:])
    except (ValueError, FileNotFoundError):  # fewer, or just removed
        return False
    third = any(checkpoints.glob("epochs00000[3-9]*.pt"))
    return third and 0.3 < (time.time() - last) / (last - before) < 0.7


def without(folder: Path, job: Job) -> Path:
    """A finished project without what a job makes, and without its log."""
    project = copy_of_finished(folder / "project")
    for pattern in job.makes:
        for path in (project / "results").glob(pattern):
            path.unlink()
    (project / "results/logs" / job.log).unlink(missing_ok=True)
    return project


def cut_off(folder: Path, job: Job, hit: Hit, *, seconds: float = 60) -> Run:
    """Let a job be made again and hit it in the middle of its work, by its main process and its own number."""
    project = without(folder, job)
    log = folder / "cut_off.log"
    started = start(project, *UNTRACKED, "--", f"results/{job.target}", log=log)
    process = job_of(started, job.script)
    wait_until(lambda: job.at_work(project / "results"), f"{job.script} in the middle of its work", every=0.004)
    hit(started, process.pid)
    try:
        code = started.wait(seconds)
    except subprocess.TimeoutExpired:
        code = None
    return Run(project, code, unwrapped(read(log)))


def ended(run: Run, *, good: bool) -> None:
    """Raises AssertionError where a call that was cut off didn't end as it should, or left processes behind."""
    assert run.code is not None, "the call didn't end"
    assert (run.code == 0) == good, f"exit code {run.code}: {last_lines(run.said)}"
    assert "Traceback" not in run.said, "a traceback was shown"
    left = gone(others(), 20)
    assert not left, f"processes were left behind: {[process.name() for process in left]}"


def others() -> list[psutil.Process]:
    """All that this fault has started and that still lives."""
    return [process for process in marked(mine()) if process.pid != os.getpid()]


def unlock(project: Path, *words: str, study: Path = MINUTE) -> None:
    """Clear the marks and locks that a killed call leaves."""
    run = snakemake(project, "--unlock", *words, study=study)
    assert run.returncode == 0, f"--unlock failed: {last_lines(run.stdout)}"


def went_on(run: Run, job: Job, told: str = "") -> None:
    """Call again: it ends with the same bytes, and its log says `told`."""
    again = snakemake(run.project, *UNTRACKED, "--", f"results/{job.target}")
    assert again.returncode == 0, f"the further call failed: {last_lines(again.stdout)}"
    whole(run.project, job, told)


def whole(project: Path, job: Job, told: str = "") -> None:
    """All results are the same bytes as without a fault, no half file is left, and the log says `told`."""
    log = read(project / "results/logs" / job.log)
    assert told in log, f"its log doesn't say '{told}'"
    other, half = differences(project), half_files(project)
    assert not other, other
    assert not half, f"half files are left: {half}"


def last_lines(text: str, count: int = 6) -> str:
    """The end of what a call said, on one line."""
    return " / ".join(line.strip() for line in text.strip().splitlines()[-count:])
