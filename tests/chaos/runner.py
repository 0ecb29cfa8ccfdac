"""Running a fault: in a process and a folder of its own, for a limited time, with nothing left behind."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from chaos.faults import Fault, Outcome
from chaos.processes import MARK, kill_all


class Tried(NamedTuple):
    """A fault, what came of it, and how long it took."""

    fault: Fault
    outcome: Outcome
    seconds: float


def tried(fault: Fault, number: int, work: Path, more: Mapping[str, str]) -> Tried:
    """Inject a fault in a fresh folder, which stays where it failed; `more` are environment variables."""
    home = work / f"{number:02d}-{fault.topic}"
    started = time.monotonic()
    outcome = injected(fault, home, os.environ | more | {MARK: str(home)})
    unmount(home)
    if outcome.passed is False:
        outcome = outcome._replace(happened=f"{outcome.happened} [kept: {home}]")
    else:
        shutil.rmtree(home, ignore_errors=True)
    return Tried(fault, outcome, time.monotonic() - started)


def injected(fault: Fault, home: Path, environment: Mapping[str, str]) -> Outcome:
    """What came of a fault in a process of its own; all that it started is dead afterwards."""
    folder, file = home / "folder", home / "outcome.json"
    folder.mkdir(parents=True)
    words = [sys.executable, "-m", "chaos.one", fault.topic, fault.name, str(folder), str(file)]
    with (home / "log.txt").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            words, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        try:
            process.wait(fault.limit_s)
        except subprocess.TimeoutExpired:
            return Outcome(False, f"hung: not over after {fault.limit_s:.0f} s")
        finally:
            kill_all(environment[MARK])
            process.wait()
    if not file.exists():
        return Outcome(False, f"the fault's own process died (exit code {process.returncode})")
    return Outcome(*json.loads(file.read_text(encoding="utf-8")))


def unmount(folder: Path) -> None:
    """Take away what a fault that broke off has mounted below its folder."""
    mounts = Path("/proc/mounts")
    points = [line.split()[1] for line in mounts.read_text().splitlines()] if mounts.exists() else []
    for point in sorted((p.encode().decode("unicode_escape") for p in points), key=len, reverse=True):
        if Path(point).is_relative_to(folder):
            subprocess.run(["umount", "--lazy", point], check=False)
