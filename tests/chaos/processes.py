"""The processes of a fault: found by a mark in their environment, which children inherit."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

MARK = "CHAOS_MARK"


def marked(mark: str) -> list[psutil.Process]:
    """All living processes whose environment carries a mark, orphans among them."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue  # gone meanwhile, or another user's
    return found


def kill_all(mark: str) -> None:
    """Kill all processes of a mark, until none is left."""
    while processes := marked(mark):
        for process in processes:
            send(process, signal.SIGKILL)
        time.sleep(0.1)


def send(process: psutil.Process, number: signal.Signals) -> bool:
    """Send a signal; False where the process is gone already."""
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return False
    return True


def jobs(main: int, script: str = "") -> list[psutil.Process]:
    """The living script jobs of a main process, or those of one script (its name without .py)."""
    try:
        children = psutil.Process(main).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return [child for child in children if (name := script_of(child)) and name == (script or name)]


def script_of(process: psutil.Process) -> str | None:
    """The name of the script that a job runs: Snakemake calls its copy <random>.<name>.py."""
    try:
        words = process.cmdline()
    except psutil.Error:
        return None
    found = [Path(word).name.split(".")[-2] for word in words[1:2] if "/.snakemake/scripts/" in word]
    return found[0] if found else None


def wait_until(happened: Callable[[], object], what: str, *, seconds: float = 120, every: float = 0.02) -> object:
    """Wait for something to be true and return it. Raises AssertionError where it doesn't come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := happened():
            return found
        time.sleep(every)
    raise AssertionError(f"waited {seconds:.0f} s for {what} in vain")


def job_of(started: subprocess.Popen, script: str, *, seconds: float = 120) -> psutil.Process:
    """The first job of a script that a main process starts. Raises AssertionError where none comes."""

    def found() -> list[psutil.Process]:
        assert started.poll() is None, f"snakemake ended ({started.returncode}) before a job of {script} was seen"
        return jobs(started.pid, script)

    return wait_until(found, f"a job of {script}", seconds=seconds)[0]  # type: ignore[index]


def gone(processes: Iterable[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those of some processes that still live after a time."""
    return psutil.wait_procs(list(processes), timeout=seconds)[1]


def mine() -> str:
    """The mark of this fault."""
    return os.environ.get(MARK, "")
