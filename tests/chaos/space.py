"""Full disks, places that can't be written to: one sentence, no half file, and the same bytes afterwards."""

import os
from pathlib import Path

from chaos.cut_off import EXTRACTION, PRETRAINING, TABLE, Job, last_lines, without
from chaos.disks import make_room, read_only, small_disk
from chaos.faults import Faults, Outcome
from chaos.project import UNTRACKED, differences, half_files, snakemake

FAULTS = Faults("space")
FULL = "one sentence says that the disk is full; no half file; with room again the same bytes"
PREDICTIONS = Job(
    "probe",
    ("cells/pocus/linear/labels100/imagenet/seed0/*.*",),
    "cells/pocus/linear/labels100/imagenet/seed0/predictions.parquet",
    "cells/pocus-linear-labels100-imagenet-seed0.log",
    bool,
)


def full_disk(folder: Path, job: Job, part: str, room: int) -> Outcome:
    """Make what a job makes on a disk with too little room for it, then again with enough."""
    project = without(folder, job)
    place = project / "results" / part
    call = (*UNTRACKED, "--", f"results/{job.target}")
    with small_disk(place, room):
        run = snakemake(project, *call)
        told = sentence(run.stdout, "disk is full")
        assert run.returncode != 0, "the call said that all is well"
        assert told, f"not said: {last_lines(run.stdout)}"
        assert "Traceback" not in run.stdout, "a traceback was shown"
        assert not (half := half_files(project)), f"half files are left: {half}"
        make_room(place)
        again = snakemake(project, *call)
        assert again.returncode == 0, f"with room again: {last_lines(again.stdout)}"
        other = differences(project)
    return Outcome(not other, other or f"'{told}'; with room again the same bytes")


def sentence(said: str, text: str) -> str:
    """The first line of what was said that holds a text, without time and folders."""
    line = next((line for line in said.splitlines() if text in line), "")
    return " ".join(word.rsplit("/", 1)[-1] for word in line.split(" ERROR ")[-1].split())


@FAULTS.fault("disk full while frames are written", FULL)
def full_frames(folder: Path) -> Outcome:
    return full_disk(folder, EXTRACTION, "frames", 16 << 10)


@FAULTS.fault("disk full while a checkpoint is written", FULL, short=True)
def full_checkpoint(folder: Path) -> Outcome:
    return full_disk(folder, PRETRAINING, "checkpoints", 8 << 20)


@FAULTS.fault("disk full while an encoder is written", FULL)
def full_encoder(folder: Path) -> Outcome:
    return full_disk(folder, PRETRAINING, "encoders", 4 << 20)


@FAULTS.fault("disk full while predictions are written", FULL)
def full_predictions(folder: Path) -> Outcome:
    return full_disk(folder, PREDICTIONS, "cells", 0)


@FAULTS.fault("disk full, with the results on it, while the table is written", FULL)
def full_table(folder: Path) -> Outcome:
    return full_disk(folder, TABLE, "", 24 << 10)


def refused(project: Path, text: str, *words: str) -> str:
    """The sentence with which a call ends. Raises AssertionError where it ends well or otherwise."""
    run = snakemake(project, *UNTRACKED, *words)
    assert run.returncode != 0, "the call said that all is well"
    assert "Traceback" not in run.stdout, f"a traceback was shown: {last_lines(run.stdout)}"
    told = sentence(run.stdout, text)
    assert told, f"not said: {last_lines(run.stdout)}"
    return told


def same_afterwards(project: Path, told: str, *words: str) -> Outcome:
    """Whether a plain call ends in the same bytes once the fault is mended."""
    again = snakemake(project, *UNTRACKED, *words)
    assert again.returncode == 0, f"afterwards: {last_lines(again.stdout)}"
    other = differences(project)
    return Outcome(not other, other or f"'{told}'; afterwards the same bytes")


@FAULTS.fault("the results can only be read", "one sentence before any job; then the same bytes", short=True)
def results_read_only(folder: Path) -> Outcome:
    project = without(folder, TABLE)
    with read_only(project / "results"):
        told = refused(project, "can't be written to")
    return same_afterwards(project, told, "--", "results/claims.md")


@FAULTS.fault("a folder within the results can only be read", "one sentence; then the same bytes")
def part_read_only(folder: Path) -> Outcome:
    project = without(folder, EXTRACTION)
    frames = "results/frames/sim_lung"
    with read_only(project / "results/frames"):
        told = refused(project, f"{frames} can't be written to", "--", f"{frames}/frames.npy")
    return same_afterwards(project, told, "--", f"{frames}/frames.npy")


@FAULTS.fault("the project's folder can only be read, so that Snakemake has no place for its notes", "one sentence")
def project_read_only(folder: Path) -> Outcome:
    project = without(folder, TABLE)
    with read_only(project):
        told = refused(project, "can", "--config", f"results={folder / 'elsewhere'}", "tracking=none")
    return same_afterwards(project, told, "--", "results/claims.md")


@FAULTS.fault("the results' folder belongs to another user", "one sentence before any job; then the same bytes")
def results_of_another(folder: Path) -> Outcome:
    if os.geteuid() == 0:
        return Outcome(None, "the administrator may write everywhere; see the read-only disks instead")
    project = without(folder, TABLE)
    (project / "results").chmod(0o555)
    told = refused(project, "can't be written to")
    (project / "results").chmod(0o755)
    return same_afterwards(project, told, "--", "results/claims.md")
