"""Where a study lies, who else works there, and what is done to its files and clock by hand."""

import os
import shutil
import time
from pathlib import Path

from chaos.cut_off import PRETRAINING, TABLE, last_lines, read, without
from chaos.faults import Faults, NotTried, Outcome
from chaos.processes import job_of, wait_until
from chaos.project import (
    UNTRACKED,
    checkout,
    copy_of_finished,
    differences,
    fingerprints,
    finished,
    snakemake,
    start,
)

FAULTS = Faults("places")
TO_THE_TABLE = (*UNTRACKED, "--", "results/table.csv")
PREDICTIONS = "cells/pocus/linear/labels100/imagenet/seed0/predictions.parquet"


def same(project: Path, told: str, *words: str) -> Outcome:
    """Whether a call ends in the same bytes as a run without any fault."""
    run = snakemake(project, *(words or UNTRACKED))
    assert run.returncode == 0, f"{told}: {last_lines(run.stdout)}"
    other = differences(project)
    return Outcome(not other, f"{told}: {other or 'the same bytes'}")


@FAULTS.fault("a project folder with spaces, umlauts and quotes in its name", "the study ends in the same bytes")
def odd_name(folder: Path) -> Outcome:
    return same(checkout(folder / 'Müller\'s "new" study, 100 % $HOME'), "studied there", *TO_THE_TABLE)


@FAULTS.fault("a project folder with braces in its name, which Snakemake can't work in", "one sentence says so")
def braces(folder: Path) -> Outcome:
    run = snakemake(checkout(folder / "study {1}"), *TO_THE_TABLE)
    assert run.returncode != 0, "the call said that all is well"
    assert "Traceback" not in run.stdout, f"a traceback was shown: {last_lines(run.stdout, 2)}"
    said = next((line for line in run.stdout.splitlines() if "brace" in line), "")
    return Outcome(bool(said), said or f"not said: {last_lines(run.stdout)}")


def other_disk(folder: Path) -> Path:
    """A new folder on another disk than this one."""
    shm = Path("/dev/shm")
    if not os.access(shm, os.W_OK) or shm.stat().st_dev == folder.stat().st_dev:
        raise NotTried("there is no other disk at /dev/shm")
    place = shm / f"chaos-{os.getpid()}" / "results"
    place.mkdir(parents=True)
    return place


@FAULTS.fault("results is a link to a folder on another disk", "the study ends in the same bytes")
def linked_results(folder: Path) -> Outcome:
    place = other_disk(folder)
    try:
        project = checkout(folder / "project")
        (project / "results").symlink_to(place)
        return same(project, "behind a link", *TO_THE_TABLE)
    finally:
        shutil.rmtree(place.parent)


@FAULTS.fault("results: names a folder on another disk", "the study ends in the same bytes")
def results_elsewhere(folder: Path) -> Outcome:
    place = other_disk(folder)
    try:
        run = snakemake(checkout(folder), "--config", f"results={place}", "tracking=none", "--", f"{place}/table.csv")
        assert run.returncode == 0, last_lines(run.stdout)
        other = differences(place.parent)
        return Outcome(not other, other or "the same bytes")
    finally:
        shutil.rmtree(place.parent)


@FAULTS.fault("the project's folder is moved when the study is done", "a plain call does nothing", short=True)
def moved(folder: Path) -> Outcome:
    shutil.copytree(finished(), folder / "first", symlinks=True)
    project = (folder / "first").rename(folder / "second")
    run = snakemake(project)
    assert run.returncode == 0, last_lines(run.stdout)
    assert "Nothing to be done" in run.stdout, f"something was done: {last_lines(run.stdout)}"
    other = differences(project)
    return Outcome(not other, other or "'Nothing to be done'; the same bytes")


@FAULTS.fault(
    "a second call in a folder while the first is at work",
    "the second says that another is at work and ends; the first ends in the same bytes",
    short=True,
)
def two_calls(folder: Path) -> Outcome:
    project = without(folder, PRETRAINING)
    words = (*UNTRACKED, "--", f"results/{PRETRAINING.target}")
    first = start(project, *words, log=folder / "first.log")
    job_of(first, "pretrain")
    second = snakemake(project, *words)
    alive = first.poll() is None
    code = first.wait()
    assert alive, "the first call was over before the second ended"
    assert code == 0, f"the first call failed: {last_lines(read(folder / 'first.log'))}"
    assert second.returncode != 0, "the second call said that all is well"
    assert "Another call is at work" in second.stdout, f"not said: {last_lines(second.stdout)}"
    assert "Traceback" not in second.stdout, "a traceback was shown"
    other = differences(project)
    return Outcome(not other, other or "'Another call is at work in this folder'; the first ended in the same bytes")


@FAULTS.fault(
    "the clock is set back by a day, then an output is lost", "made again, same bytes, then nothing to be done"
)
def clock_set_back(folder: Path) -> Outcome:
    project = copy_of_finished(folder)
    tomorrow = time.time() + 86400
    for path in project.rglob("*"):
        os.utime(path, (tomorrow, tomorrow), follow_symlinks=False)
    (project / "results" / PREDICTIONS).unlink()
    outcome = same(project, "made again")
    run = snakemake(project, *UNTRACKED)
    assert "Nothing to be done" in run.stdout, (
        f"{outcome.happened}, but a further call works again: {rules(run.stdout)}"
    )
    return outcome._replace(happened=f"{outcome.happened}, then 'Nothing to be done'")


def rules(said: str) -> str:
    """The rules that a call has worked on."""
    found = [line.split()[1].rstrip(":") for line in said.splitlines() if line.startswith(("rule ", "localrule "))]
    return ", ".join(sorted(set(found))) or last_lines(said)


@FAULTS.fault(
    "the results' folder is deleted in the middle of a run", "the call fails in order; a plain call makes all again"
)
def results_deleted(folder: Path) -> Outcome:
    project = without(folder, PRETRAINING)
    first = start(project, *UNTRACKED, "--", f"results/{PRETRAINING.target}", log=folder / "first.log")
    job_of(first, "pretrain")
    wait_until(lambda: PRETRAINING.at_work(project / "results"), "the pretraining")
    shutil.rmtree(project / "results", ignore_errors=True)
    code, said = first.wait(), read(folder / "first.log")
    assert "Traceback" not in said, f"a traceback was shown: {last_lines(said)}"
    return same(project, f"exit code {code}; then made again", *TO_THE_TABLE)


@FAULTS.fault(
    "a table is deleted by hand", "a plain call writes it again, the same bytes, and nothing but it", short=True
)
def output_deleted(folder: Path) -> Outcome:
    project = without(folder, TABLE)
    outcome = same(project, "written again")
    assert fingerprints(project, "claims.*", "costs.csv") == fingerprints(finished(), "claims.*", "costs.csv")
    return outcome


@FAULTS.fault("a cell's predictions are cut to 0 bytes by hand", "the call names the file, or makes it again")
def output_truncated(folder: Path) -> Outcome:
    project = copy_of_finished(folder)
    (project / "results" / PREDICTIONS).write_bytes(b"")
    run = snakemake(project, *UNTRACKED)
    if run.returncode == 0:
        other = differences(project)
        return Outcome(not other, f"the call ended well: {other or 'the same bytes'}")
    assert "Traceback" not in run.stdout, f"a traceback was shown: {last_lines(run.stdout, 3)}"
    assert "predictions.parquet" in run.stdout, f"not named: {last_lines(run.stdout)}"
    (project / "results" / PREDICTIONS).unlink()
    return same(project, "the call named the file; deleted and called again")
