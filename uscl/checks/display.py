"""What a call shows from its first job to its last line (see `uscl.jobs.screen`)."""

import atexit
import logging
import os
import time
from pathlib import Path
from typing import Any, ClassVar

from uscl.base.text import counted
from uscl.checks import ending
from uscl.checks.doctor.forecast import expected_seconds
from uscl.jobs import interruption
from uscl.jobs.screen.messages import Screen
from uscl.jobs.screen.output import Output
from uscl.jobs.screen.remaining import Remaining, kind_of
from uscl.jobs.snakemake_internals import all_rules, replace_screen, working_jobs
from uscl.study.study import Study


class _Call:
    """This call: when it began, and its display; None if the user chose another one."""

    began: ClassVar[float] = 0.0
    screen: ClassVar[Screen | None] = None


def take(workflow: Any, study: Study, log: logging.Logger) -> None:
    """Before the jobs are planned: show Snakemake's messages in our way from now on."""
    _Call.began = time.time()

    def create(colours: bool) -> Screen:
        _Call.screen = Screen(
            lambda bars: Output(bars, colours=colours), nothing_to_do=lambda: results_of(workflow, study, "")
        )
        atexit.register(_Call.screen.close)  # a call may end before its first job
        return _Call.screen

    replace_screen(log, create)


def expect(workflow: Any, study: Study) -> None:
    """Before the first job: count the coming jobs, to forecast their time."""
    if _Call.screen:
        kinds = [kind_of(job.rule.name, job.wildcards_dict) for job in working_jobs(workflow)]
        seconds = expected_seconds(Path(study.results, "benchmarks"), {})
        _Call.screen.remaining = Remaining(kinds, seconds, time.time())


def end(workflow: Any, study: Study, log: logging.Logger, *, failed: bool) -> None:
    """After the last job: show what was found, or what failed."""
    screen = _Call.screen
    if screen:
        screen.output.close()
    spent = ending.spent(_Call.began, time.time())
    if failed:
        failures = list(screen.failed.values()) if screen else []
        lines = ending.interrupted(spent) if interruption.received() else ending.stopped(failures, spent)
    else:
        took = f": {counted(screen.remaining.done, 'job')} in {spent}" if screen else f" in {spent}"
        lines = results_of(workflow, study, took) or ["", f"Done{took}."]
    for line in lines:
        log.info(line)


def results_of(workflow: Any, study: Study, took: str) -> list[str]:
    """Where the results of the whole study are; empty if the call is about a part of it."""
    if "all" not in all_rules(workflow):
        return []
    results = Path(study.results)
    near = Path(os.path.relpath(results)) if results.is_relative_to(Path.cwd()) else results
    return ending.finished(near, took, simulated=study.simulated, tracked=study.settings.tracking != "none")
