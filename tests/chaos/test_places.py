"""Where a study is, who else works there, and what is done to its files by hand."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.chaos.cut_off import PRETRAINING, TABLE_JOB, last_lines, read, without
from tests.chaos.paths import LINEAR, TABLE
from tests.chaos.processes import job_of, wait_until
from tests.chaos.project import (
    UNTRACKED,
    checkout,
    copy_of_finished,
    differences,
    fingerprints,
    finished,
    snakemake,
    start,
)

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
TO_THE_TABLE = (*UNTRACKED, "--", TABLE)
PREDICTIONS = f"{LINEAR}/predictions.parquet"


def same(project: Path, *words: str) -> None:
    """A call ends in the same bytes as a run without any fault."""
    run = snakemake(project, *(words or UNTRACKED))
    assert run.returncode == 0, last_lines(run.stdout)
    other = differences(project)
    assert not other, other


def test_a_project_folder_with_spaces_umlauts_and_quotes_in_its_name(folder: Path) -> None:
    """The study ends in the same bytes."""
    same(checkout(folder / 'Müller\'s "new" study, 100 % $HOME'), *TO_THE_TABLE)


def test_braces(folder: Path) -> None:
    """A project folder with braces in its name, which Snakemake can't work in: one sentence says so."""
    run = snakemake(checkout(folder / "study {1}"), *TO_THE_TABLE)
    assert run.returncode != 0, "the call said that all is well"
    assert "Traceback" not in run.stdout, f"a traceback was shown: {last_lines(run.stdout, 2)}"
    said = next((line for line in run.stdout.splitlines() if "brace" in line), "")
    assert said, f"not said: {last_lines(run.stdout)}"


def other_disk(folder: Path) -> Path:
    """A new folder on another disk than this one."""
    shm = Path("/dev/shm")
    if not os.access(shm, os.W_OK) or shm.stat().st_dev == folder.stat().st_dev:
        pytest.skip("there is no other disk at /dev/shm")
    place = shm / f"chaos-{os.getpid()}" / "results"
    place.mkdir(parents=True)
    return place


def test_results_is_a_link_to_a_folder_on_another_disk(folder: Path) -> None:
    """The study ends in the same bytes."""
    place = other_disk(folder)
    try:
        project = checkout(folder / "project")
        (project / "results").symlink_to(place)
        same(project, *TO_THE_TABLE)
    finally:
        shutil.rmtree(place.parent)


def test_results_names_a_folder_on_another_disk(folder: Path) -> None:
    """The study ends in the same bytes."""
    place = other_disk(folder)
    try:
        run = snakemake(checkout(folder), "--config", f"results={place}", "tracking=none", "--", f"{place}/table.csv")
        assert run.returncode == 0, last_lines(run.stdout)
        other = differences(place.parent)
        assert not other, other
    finally:
        shutil.rmtree(place.parent)


@pytest.mark.chaos_short
def test_the_projects_folder_is_moved_when_the_study_is_done(folder: Path) -> None:
    """A plain call does nothing."""
    shutil.copytree(finished(), folder / "first", symlinks=True)
    project = (folder / "first").rename(folder / "second")
    run = snakemake(project)
    assert run.returncode == 0, last_lines(run.stdout)
    assert "Nothing to be done" in run.stdout, f"something was done: {last_lines(run.stdout)}"
    other = differences(project)
    assert not other, other


@pytest.mark.chaos_short
def test_further_calls_in_a_folder_while_the_first_runs(folder: Path) -> None:
    """They end at once and name the first, whatever they ask for; the first ends in the same bytes."""
    project = without(folder, PRETRAINING)
    first = start(project, *UNTRACKED, "--", f"results/{PRETRAINING.target}", log=folder / "first.log")
    job_of(first, "pretrain")
    for target in (f"results/{PRETRAINING.target}", TABLE, "doctor"):
        refused(snakemake(project, *UNTRACKED, "--", target), first.pid)
    assert snakemake(project, "-n", *UNTRACKED).returncode == 0, "a dry run is refused"
    assert first.poll() is None, "the first call was over before the others ended"
    assert first.wait() == 0, f"the first call failed: {last_lines(read(folder / 'first.log'))}"
    other = differences(project)
    assert not other, other


def test_a_call_of_another_checkout_on_the_same_results(folder: Path) -> None:
    """It ends at once and names the first; the first ends in the same bytes."""
    project, another = without(folder, PRETRAINING), checkout(folder / "another")
    results = f"results={project / 'results'}"
    first = start(project, *UNTRACKED, "--", f"results/{PRETRAINING.target}", log=folder / "first.log")
    job_of(first, "pretrain")
    refused(snakemake(another, *UNTRACKED, results), first.pid)
    assert first.wait() == 0, f"the first call failed: {last_lines(read(folder / 'first.log'))}"
    other = differences(project)
    assert not other, other


def refused(run: subprocess.CompletedProcess, holder: int) -> None:
    """A call ended with the sentence that names the call which has the results."""
    assert run.returncode != 0, "a further call ended well"
    assert f"is in use by another call, process {holder} on " in run.stdout, last_lines(run.stdout)
    assert "Traceback" not in run.stdout, "a traceback was shown"


def test_the_results_folder_is_deleted_in_the_middle_of_a_run(folder: Path) -> None:
    """The call fails in order; a plain call makes all again."""
    project = without(folder, PRETRAINING)
    first = start(project, *UNTRACKED, "--", f"results/{PRETRAINING.target}", log=folder / "first.log")
    job_of(first, "pretrain")
    wait_until(lambda: PRETRAINING.at_work(project / "results"), "the pretraining")
    shutil.rmtree(project / "results", ignore_errors=True)
    first.wait()
    said = read(folder / "first.log")
    assert "Traceback" not in said, f"a traceback was shown: {last_lines(said)}"
    same(project, *TO_THE_TABLE)


@pytest.mark.chaos_short
def test_a_table_is_deleted_by_hand(folder: Path) -> None:
    """A plain call writes it again, the same bytes, and nothing but it."""
    project = without(folder, TABLE_JOB)
    same(project)
    assert fingerprints(project, "claims.*", "costs.csv") == fingerprints(finished(), "claims.*", "costs.csv")


def test_a_cells_predictions_are_cut_to_0_bytes_by_hand(folder: Path) -> None:
    """The call names the file, or makes it again."""
    project = copy_of_finished(folder)
    (project / "results" / PREDICTIONS).write_bytes(b"")
    run = snakemake(project, *UNTRACKED)
    if run.returncode == 0:
        other = differences(project)
        assert not other, other
    assert "Traceback" not in run.stdout, f"a traceback was shown: {last_lines(run.stdout, 3)}"
    assert "predictions.parquet" in run.stdout, f"not named: {last_lines(run.stdout)}"
    (project / "results" / PREDICTIONS).unlink()
    same(project)
