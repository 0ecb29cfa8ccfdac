"""Start the process that logs a call's runs to MLflow, and end it with the call.

Imports neither MLflow nor pandas, since every `snakemake` call imports this.
"""

import logging
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import ClassVar

from uscl.base.text import counted
from uscl.tracking.address import store_address
from uscl.tracking.logged import Logged
from uscl.tracking.run_files import Call, find_runs

log = logging.getLogger("uscl")

PROJECT = Path(__file__).parents[2]


class _Started:
    """The process of this call, and the results folder and store that it mirrors."""

    process: ClassVar[subprocess.Popen[bytes] | None] = None
    results: ClassVar[Path] = Path()
    address: ClassVar[str] = ""


def start(results: Path, address: str | None, study: str) -> None:
    """Start the mirror; `address` comes from the config. Never raises: without a mirror, sync_tracking logs the runs.

    The mirror's standard input is a pipe that only this process holds, so it ends when the call ends, even if the call
    is killed. It has its own session, so the terminal's Ctrl-C does not reach it.
    """
    words = [sys.executable, "-m", "uscl.tracking.mirror", "--results", str(results), "--study", study]
    words += ["--since", str(time.time()), *(["--address", address] if address else [])]
    paths = os.pathsep.join([*filter(None, [os.environ.get("PYTHONPATH")]), str(PROJECT)])
    _Started.results, _Started.address = results, store_address(results, address)
    # MLflow writes temporary files: those of a mirror that was killed are removed here, and would stay in /tmp.
    temporary = results.absolute() / "tracking/temporary"
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir(parents=True, exist_ok=True)
        _Started.process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": paths, "TMPDIR": str(temporary)},
            start_new_session=True,
        )
    except OSError as error:
        log.warning("Runs are not logged to MLflow (%s): run `snakemake sync_tracking` to log them later.", error)


def finish(timeout_s: float = 60) -> str | None:
    """Let the mirror log the rest and end, within a limited time; returns a sentence about runs that still wait."""
    process, _Started.process = _Started.process, None
    if process is None:
        return None
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()  # a run that is cut off is logged again in full
        process.wait()
    runs = find_runs(_Started.results, Call(over=True))
    waiting = Logged(_Started.results, _Started.address).load().lacking(runs)
    if not waiting:
        return None
    verb = "waits" if len(waiting) == 1 else "wait"
    return f"{counted(len(waiting), 'finished run')} {verb} for MLflow; `snakemake sync_tracking` logs them."
