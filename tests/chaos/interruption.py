"""Told to end, killed, out of memory: what was begun goes on, and ends in the same bytes."""

import os
import resource
import signal
import subprocess
import time
from pathlib import Path

import psutil

from chaos.cut_off import (
    EXTRACTION,
    FINETUNING,
    PRETRAINING,
    TABLE,
    Hit,
    cut_off,
    ended,
    last_lines,
    read,
    went_on,
    whole,
)
from chaos.faults import Faults, Outcome
from chaos.processes import jobs

FAULTS = Faults("interruption")
GOES_ON = "going on from"
SAME = "the next plain call goes on from the checkpoint and ends in the same bytes"


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


def next_call_goes_on(folder: Path, hit: Hit) -> Outcome:
    """A pretraining that is hit so that its call ends; the next goes on from the checkpoint."""
    run = cut_off(folder, PRETRAINING, hit)
    ended(run, good=False)
    return went_on(run, PRETRAINING, GOES_ON)


def same_call_goes_on(folder: Path, hit: Hit, said: str = "") -> Outcome:
    """A pretraining that is hit and, in the same call, tried again from the checkpoint; `said` is what must be told."""
    run = cut_off(folder, PRETRAINING, hit)
    ended(run, good=True)
    assert said in run.said, f"'{said}' isn't told"
    return whole(run.project, PRETRAINING, GOES_ON, "the same call went on")


@FAULTS.fault("Ctrl-C in the middle of a pretraining", f"ends in order; {SAME}", short=True)
def ctrl_c(folder: Path) -> Outcome:
    return next_call_goes_on(folder, sent(signal.SIGINT, "group"))


@FAULTS.fault("Ctrl-C three times in quick succession", f"ends; {SAME}")
def ctrl_c_again(folder: Path) -> Outcome:
    return next_call_goes_on(folder, sent(signal.SIGINT, "group", times=3))


@FAULTS.fault(
    "SIGTERM to the trainer in the middle of an epoch",
    "it leaves a checkpoint behind its step; the same call tries again, goes on there and ends in the same bytes",
    short=True,
)
def term_to_trainer(folder: Path) -> Outcome:
    return same_call_goes_on(folder, sent(signal.SIGTERM), "a checkpoint stands at")


@FAULTS.fault("SIGTERM to the trainer twice in quick succession", "as if it came once")
def term_twice(folder: Path) -> Outcome:
    return same_call_goes_on(folder, sent(signal.SIGTERM, times=2))


@FAULTS.fault(
    "SIGTERM to the main process alone, in the middle of a pretraining",
    "it says that it ends behind the job that is at work, and does; the same bytes",
)
def term_to_main(folder: Path) -> Outcome:
    run = cut_off(folder, PRETRAINING, sent(signal.SIGTERM, "main"), seconds=180)
    ended(run, good=False)
    assert "Will exit after finishing currently running jobs" in run.said, f"not said: {last_lines(run.said)}"
    return went_on(run, PRETRAINING)


@FAULTS.fault("SIGTERM to all of a call's processes, as at the machine's shutdown", f"ends in order; {SAME}")
def term_to_all(folder: Path) -> Outcome:
    return next_call_goes_on(folder, sent(signal.SIGTERM, "group"))


@FAULTS.fault(
    "kill -9 of the trainer",
    "the same call tries again, goes on from the last checkpoint and ends in the same bytes",
    short=True,
)
def kill_trainer(folder: Path) -> Outcome:
    return same_call_goes_on(folder, sent(signal.SIGKILL))


@FAULTS.fault("kill -9 of the trainer as often as it's tried again", f"the call fails; {SAME}")
def kill_trainer_always(folder: Path) -> Outcome:
    killed = []

    def hit(started: subprocess.Popen, job: int) -> None:
        while started.poll() is None:
            for process in jobs(started.pid, PRETRAINING.script):
                killed.append(process.pid)
                process.kill()
            time.sleep(0.05)

    run = cut_off(folder, PRETRAINING, hit)
    ended(run, good=False)
    outcome = went_on(run, PRETRAINING, GOES_ON)
    return outcome._replace(happened=f"given up after {len(set(killed))} attempts; {outcome.happened}")


@FAULTS.fault("kill -9 of an extraction", "the call fails, no half store; the next makes the same bytes")
def kill_extraction(folder: Path) -> Outcome:
    run = cut_off(folder, EXTRACTION, sent(signal.SIGKILL))
    ended(run, good=False)
    assert not (run.project / "results/frames/sim_lung/frames.npy").exists(), "half a store stands in its place"
    return went_on(run, EXTRACTION)


@FAULTS.fault(
    "kill -9 of a fine-tuning between its folds", "the same call tries again behind the finished fold; same bytes"
)
def kill_finetuning(folder: Path) -> Outcome:
    run = cut_off(folder, FINETUNING, sent(signal.SIGKILL))
    ended(run, good=True)
    return whole(run.project, FINETUNING, "fold 0 was done before", "the same call went on")


@FAULTS.fault("kill -9 of the table job between its files", "the call fails; the next writes the same bytes")
def kill_table(folder: Path) -> Outcome:
    run = cut_off(folder, TABLE, sent(signal.SIGKILL))
    ended(run, good=False)
    return went_on(run, TABLE)


@FAULTS.fault(
    "kill -9 of the main process in the middle of a pretraining",
    f"its job ends by itself within 20 s; {SAME}, without --unlock",
    short=True,
)
def kill_main(folder: Path) -> Outcome:
    return next_call_goes_on(folder, sent(signal.SIGKILL, "main"))


@FAULTS.fault("kill -9 of the main process and of its job at once", f"{SAME}, without --unlock")
def kill_all(folder: Path) -> Outcome:
    return next_call_goes_on(folder, sent(signal.SIGKILL, "group"))


@FAULTS.fault("the machine sleeps: the trainer stands still for 5 s", "it goes on as if nothing had happened")
def stopped(folder: Path) -> Outcome:
    def hit(started: subprocess.Popen, job: int) -> None:
        os.killpg(started.pid, signal.SIGSTOP)
        time.sleep(5)
        os.killpg(started.pid, signal.SIGCONT)

    run = cut_off(folder, PRETRAINING, hit)
    ended(run, good=True)
    return whole(run.project, PRETRAINING, "", "the same bytes")


@FAULTS.fault(
    "the trainer gets no more memory", "one sentence that says so and what to do; the next call ends in the same bytes"
)
def out_of_memory(folder: Path) -> Outcome:
    if not hasattr(resource, "prlimit"):
        return Outcome(None, "this system can't limit the memory of a running process")

    def hit(started: subprocess.Popen, job: int) -> None:
        used = psutil.Process(job).memory_info().vms
        resource.prlimit(job, resource.RLIMIT_AS, (used // 2, used // 2))  # what it has it keeps

    run = cut_off(folder, PRETRAINING, hit)
    log = read(run.project / "results/logs" / PRETRAINING.log)
    if run.code == 0:
        return Outcome(None, "the trainer needed no more memory than it had")
    ended(run, good=False)
    assert "Out of memory" in run.said, f"not said: {log[-300:]}"
    return went_on(run, PRETRAINING, GOES_ON)
