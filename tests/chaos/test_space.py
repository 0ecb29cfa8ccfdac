"""Full disks, places that can't be written to: one sentence, no half file, and the same bytes afterwards."""

import os
from pathlib import Path

import pytest

from tests.chaos.cut_off import EXTRACTION, PRETRAINING, TABLE_JOB, Job, last_lines, without
from tests.chaos.disks import make_room, read_only, small_disk
from tests.chaos.paths import CLAIMS, FRAMES, LINEAR, OUTCOME
from tests.chaos.project import UNTRACKED, differences, half_files, snakemake

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
PREDICTIONS = Job(
    "probe",
    (f"{LINEAR}/*.*",),
    f"{LINEAR}/{OUTCOME}",
    "probe/pocus-linear-labels100-imagenet-seed0.log",
    bool,
)


def full_disk(folder: Path, job: Job, part: str, room: int) -> None:
    """Make what a job makes on a disk with too little room for it, then again with enough."""
    project = without(folder, job)
    place = project / "results" / part
    call = (*UNTRACKED, "--", f"results/{job.target}")
    with small_disk(place, room):
        run = snakemake(project, *call)
        assert run.returncode != 0, "the call said that all is well"
        assert "disk is full" in run.stdout, f"not said: {last_lines(run.stdout)}"
        assert "Traceback" not in run.stdout, "a traceback was shown"
        assert not (half := half_files(project)), f"half files are left: {half}"
        make_room(place)
        again = snakemake(project, *call)
        assert again.returncode == 0, f"with room again: {last_lines(again.stdout)}"
        other = differences(project)
    assert not other, other


def test_disk_full_while_frames_are_written(folder: Path) -> None:
    """One sentence says that the disk is full; no half file; with room again the same bytes."""
    full_disk(folder, EXTRACTION, "frames", 16 << 10)


@pytest.mark.chaos_short
def test_disk_full_while_a_checkpoint_is_written(folder: Path) -> None:
    """One sentence says that the disk is full; no half file; with room again the same bytes."""
    full_disk(folder, PRETRAINING, "checkpoints", 8 << 20)


def test_disk_full_while_an_encoder_is_written(folder: Path) -> None:
    """One sentence says that the disk is full; no half file; with room again the same bytes."""
    full_disk(folder, PRETRAINING, "encoders", 4 << 20)


def test_disk_full_while_predictions_are_written(folder: Path) -> None:
    """One sentence says that the disk is full; no half file; with room again the same bytes."""
    full_disk(folder, PREDICTIONS, "cells", 0)


def test_disk_full_with_the_results_on_it_while_the_table_is_written(folder: Path) -> None:
    """One sentence says that the disk is full; no half file; with room again the same bytes."""
    full_disk(folder, TABLE_JOB, "", 24 << 10)


def refused(project: Path, text: str, *words: str) -> None:
    """A call ends with a sentence that holds `text`."""
    run = snakemake(project, *UNTRACKED, *words)
    assert run.returncode != 0, "the call said that all is well"
    assert "Traceback" not in run.stdout, f"a traceback was shown: {last_lines(run.stdout)}"
    assert text in run.stdout, f"not said: {last_lines(run.stdout)}"


def same_afterwards(project: Path, *words: str) -> None:
    """A plain call ends in the same bytes once the fault is fixed."""
    again = snakemake(project, *UNTRACKED, *words)
    assert again.returncode == 0, f"afterwards: {last_lines(again.stdout)}"
    other = differences(project)
    assert not other, other


@pytest.mark.chaos_short
def test_the_results_can_only_be_read(folder: Path) -> None:
    """One sentence before any job; then the same bytes."""
    project = without(folder, TABLE_JOB)
    with read_only(project / "results"):
        refused(project, "can't be written to")
    same_afterwards(project, "--", CLAIMS)


def test_a_folder_within_the_results_can_only_be_read(folder: Path) -> None:
    """One sentence; then the same bytes."""
    project = without(folder, EXTRACTION)
    frames = f"results/{FRAMES}"
    with read_only(project / "results/frames"):
        refused(project, f"{frames} can't be written to", "--", f"{frames}/frames.npy")
    same_afterwards(project, "--", f"{frames}/frames.npy")


def test_project_read_only(folder: Path) -> None:
    """The project's folder can only be read, so that Snakemake has no place for its notes: one sentence."""
    project = without(folder, TABLE_JOB)
    with read_only(project):
        refused(project, "can", "--config", f"results={folder / 'elsewhere'}", "tracking=none")
    same_afterwards(project, "--", CLAIMS)


def test_the_results_folder_belongs_to_another_user(folder: Path) -> None:
    """One sentence before any job; then the same bytes."""
    if os.geteuid() == 0:
        pytest.skip("the administrator may write everywhere; see the read-only disks instead")
    project = without(folder, TABLE_JOB)
    (project / "results").chmod(0o555)
    refused(project, "can't be written to")
    (project / "results").chmod(0o755)
    same_afterwards(project, "--", CLAIMS)
