"""Told to end, killed, out of memory: what was begun goes on, and ends in the same bytes."""

import os
import resource
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.chaos.cut_off import (
    EXTRACTION,
    FINETUNING,
    PRETRAINING,
    TABLE_JOB,
    Hit,
    cut_off,
    ended,
    last_lines,
    read,
    unlock,
    went_on,
    whole,
)
from tests.chaos.paths import FRAMES
from tests.chaos.processes import jobs
from tests.chaos.project import UNTRACKED, snakemake

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
GOES_ON = "resuming from"


def sent(number: signal.Signals, to: str = "job", times: int = 1) -> Hit:
    """A hit: a signal to the job, to the main process, or to the whole group as a terminal does on Ctrl-C."""

    def hit(started: subprocess.Popen, job: int) -> None:
        for _ in range(times):
            if to == "group":
                os.killpg(started.pid, number)
            else:
                os.kill(job if to == "job" else started.pid, number)
            time.sleep(0.05)

    return hit


def next_call_goes_on(folder: Path, hit: Hit, said: str = "", *, killed: bool = False) -> None:
    """A pretraining that is hit so that its call ends, which says `said`; the next one goes on from the checkpoint.

    If the call itself was `killed`, the next is refused and names the command that clears the mark.
    """
    run = cut_off(folder, PRETRAINING, hit)
    ended(run, good=False)
    assert said in run.said, f"'{said}' isn't told"
    if killed:
        refused = snakemake(run.project, *UNTRACKED, "--", f"results/{PRETRAINING.target}")
        assert refused.returncode != 0, "a call went on without --unlock"
        assert "clear its mark with `snakemake --unlock --configfile" in refused.stdout, last_lines(refused.stdout)
        assert "Traceback" not in refused.stdout, "a traceback was shown"
        unlock(run.project)
    went_on(run, PRETRAINING, GOES_ON)


def same_call_goes_on(folder: Path, hit: Hit, said: str = "") -> None:
    """A pretraining that is hit and tried again from the checkpoint in the same call, which says `said`."""
    run = cut_off(folder, PRETRAINING, hit)
    ended(run, good=True)
    assert said in run.said, f"'{said}' isn't told"
    whole(run.project, PRETRAINING, GOES_ON)


@pytest.mark.chaos_short
def test_ctrl_c_in_the_middle_of_a_pretraining(folder: Path) -> None:
    """Ends in order, and says that nothing failed; the next plain call goes on and ends in the same bytes."""
    next_call_goes_on(folder, sent(signal.SIGINT, "group"), said="The call was interrupted after ")


def test_ctrl_c_three_times_in_quick_succession(folder: Path) -> None:
    """Ends; the next plain call goes on from the checkpoint and ends in the same bytes."""
    next_call_goes_on(folder, sent(signal.SIGINT, "group", times=3))


@pytest.mark.chaos_short
def test_sigterm_to_the_trainer_in_the_middle_of_an_epoch(folder: Path) -> None:
    """It leaves a checkpoint after its step; the same call tries again, goes on there and ends in the same bytes."""
    same_call_goes_on(folder, sent(signal.SIGTERM), "SIGTERM")


def test_sigterm_to_the_trainer_twice_in_quick_succession(folder: Path) -> None:
    """As if it came once."""
    same_call_goes_on(folder, sent(signal.SIGTERM, times=2))


def test_sigterm_to_the_main_process_alone_in_the_middle_of_a_pretraining(folder: Path) -> None:
    """It says that it ends after the running job, and does; the same bytes."""
    run = cut_off(folder, PRETRAINING, sent(signal.SIGTERM, "main"), seconds=180)
    ended(run, good=False)
    assert "Will exit after finishing currently running jobs" in run.said, f"not said: {last_lines(run.said)}"
    went_on(run, PRETRAINING)


def test_sigterm_to_all_of_a_calls_processes_as_at_the_machines_shutdown(folder: Path) -> None:
    """Ends in order; the next plain call goes on from the checkpoint and ends in the same bytes."""
    next_call_goes_on(folder, sent(signal.SIGTERM, "group"))


@pytest.mark.chaos_short
def test_kill_9_of_the_trainer(folder: Path) -> None:
    """The same call tries again, goes on from the last checkpoint and ends in the same bytes."""
    same_call_goes_on(folder, sent(signal.SIGKILL))


def test_kill_9_of_the_trainer_as_often_as_its_tried_again(folder: Path) -> None:
    """The call fails; the next plain call goes on from the checkpoint and ends in the same bytes."""
    killed = []

    def hit(started: subprocess.Popen, job: int) -> None:
        while started.poll() is None:
            for process in jobs(started.pid, PRETRAINING.script):
                killed.append(process.pid)
                process.kill()
            time.sleep(0.05)

    run = cut_off(folder, PRETRAINING, hit)
    ended(run, good=False)
    assert len(set(killed)) > 1, "the call tried once only"
    went_on(run, PRETRAINING, GOES_ON)


def test_kill_9_of_an_extraction(folder: Path) -> None:
    """The call fails, no half store; the next makes the same bytes."""
    run = cut_off(folder, EXTRACTION, sent(signal.SIGKILL))
    ended(run, good=False)
    assert not (run.project / f"results/{FRAMES}/frames.npy").exists(), "half a store stands in its place"
    went_on(run, EXTRACTION)


def test_kill_9_of_a_fine_tuning_between_its_folds(folder: Path) -> None:
    """The same call tries again after the finished fold; same bytes."""
    run = cut_off(folder, FINETUNING, sent(signal.SIGKILL))
    ended(run, good=True)
    whole(run.project, FINETUNING, "fold 0 was done before")


def test_kill_9_of_the_table_job_between_its_files(folder: Path) -> None:
    """The call fails; the next writes the same bytes."""
    run = cut_off(folder, TABLE_JOB, sent(signal.SIGKILL))
    ended(run, good=False)
    went_on(run, TABLE_JOB)


@pytest.mark.chaos_short
def test_kill_9_of_the_main_process_in_the_middle_of_a_pretraining(folder: Path) -> None:
    """Its job ends by itself within 20 s; the next plain call goes on from the checkpoint and ends in the same
    bytes, after --unlock."""
    next_call_goes_on(folder, sent(signal.SIGKILL, "main"), killed=True)


def test_kill_9_of_the_main_process_and_of_its_job_at_once(folder: Path) -> None:
    """The next plain call goes on from the checkpoint and ends in the same bytes, after --unlock."""
    next_call_goes_on(folder, sent(signal.SIGKILL, "group"), killed=True)


def test_the_machine_sleeps_the_trainer_stands_still_for_5_s(folder: Path) -> None:
    """It goes on as if nothing had happened."""

    def hit(started: subprocess.Popen, job: int) -> None:
        os.killpg(started.pid, signal.SIGSTOP)
        time.sleep(5)
        os.killpg(started.pid, signal.SIGCONT)

    run = cut_off(folder, PRETRAINING, hit)
    ended(run, good=True)
    whole(run.project, PRETRAINING)


def test_the_trainer_gets_no_more_memory(folder: Path) -> None:
    """One sentence that says so and what to do; the next call ends in the same bytes."""
    if not hasattr(resource, "prlimit"):
        pytest.skip("this system can't limit the memory of a running process")

    def hit(started: subprocess.Popen, job: int) -> None:
        used = psutil.Process(job).memory_info().vms
        resource.prlimit(job, resource.RLIMIT_AS, (used // 2, used // 2))  # what it has it keeps

    run = cut_off(folder, PRETRAINING, hit)
    log = read(run.project / "results/logs" / PRETRAINING.log)
    if run.code == 0:
        pytest.skip("the trainer needed no more memory than it had")
    ended(run, good=False)
    assert "Out of memory" in run.said, f"not said: {log[-300:]}"
    went_on(run, PRETRAINING, GOES_ON)
