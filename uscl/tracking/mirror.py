"""MLflow as a view of the result files: one process per call logs the runs as their files appear.

`python -m uscl.tracking.mirror --results FOLDER --study NAME [--address URI]` checks the results folder every few
seconds until its standard input is closed, then once more. Nothing that happens in MLflow decides a result or fails a
job: a later call, or `snakemake sync_tracking`, logs whatever is missing from the same files.

MLflow and pandas are imported only when there is something to log.
"""

import argparse
import logging
import os
import select
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from uscl.base.errors import UserError
from uscl.base.locks import locked
from uscl.base.text import counted
from uscl.jobs.job import log_to
from uscl.tracking.address import database_of, is_own_store, local_store, store_address
from uscl.tracking.logged import Logged
from uscl.tracking.messages import quiet, reason_of, refused
from uscl.tracking.plan import NAME as PLAN
from uscl.tracking.plan import read_plan
from uscl.tracking.run_files import Call, RunFiles
from uscl.tracking.summary_files import find_all

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    from uscl.tracking.result_tables import ResultTables
    from uscl.tracking.run import Run

log = logging.getLogger("uscl")

UNAVAILABLE = (
    "MLflow can't be used (%s): the study continues, its records stay in files, and `snakemake sync_tracking` logs"
    " them later."
)
NICENESS = 5  # jobs come first
LOOK_S = 5.0  # seconds between two checks of the results; more if a check takes long
LOOK_SHARE = 0.02  # checks take at most this share of the time
TURN_S = 5.0  # seconds after which other studies may use the same store
FIRST_PAUSE_S, LONGEST_PAUSE_S = 10.0, 300.0  # before an unusable store is tried again


class Mirror:
    """Logs the runs of one results folder.

    `logged` holds the runs that need no comparison with the store. A run that MLflow refuses, that can't be written for
    a fault of its own, or whose files can't be read, is skipped until its files change; the others are logged.
    """

    def __init__(self, results: Path, address: str, study: str, logged: Logged) -> None:
        self._results, self._address, self._study = results, address, study
        self._logged = logged
        self._refused: dict[str, str] = {}
        self._last: str | None = None  # the run that was being logged
        self.refusals: dict[str, str] = {}  # reasons by run
        self.counts: Counter[str] = Counter()

    def lacking(self, call: Call) -> list[RunFiles]:
        """The runs to log now; a run at which the store failed comes last, in case the run itself is the cause."""
        runs = find_all(self._results, call)
        there = {run.key for run in runs}
        # The files of an attempt that could not be read may have been about to give way to its outcome.
        self.refusals = {key: reason for key, reason in self.refusals.items() if key in there}
        fresh = (run for run in self._logged.lacking(runs) if self._refused.get(run.key) != run.fingerprint)
        return sorted(fresh, key=lambda run: run.key == self._last)

    def log(self, runs: list[RunFiles]) -> None:
        """Log `runs`. Raises whatever the store raises if it can't be used."""
        quiet()
        from uscl.tracking.store import opened

        queue = runs[::-1]
        own = database_of(self._address) == local_store(self._results)
        (self._results / "tracking").mkdir(parents=True, exist_ok=True)
        # Without the lock, sync_tracking and the mirror of another call would log the same runs at the same time.
        with locked(self._results / "tracking/mirror.lock", LONGEST_PAUSE_S):
            while queue:
                done: list[RunFiles] = []
                try:
                    with opened(self._address, rebuildable=own) as client:
                        self._turn(client, queue, done)
                finally:
                    if done:
                        self._logged.add(done)
        self._last = None

    def _turn(self, client: "MlflowClient", queue: list[RunFiles], done: list[RunFiles]) -> None:
        """Log runs from the end of the queue until the turn is over."""
        from uscl.tracking.result_tables import ResultTables
        from uscl.tracking.store import experiment

        end = time.monotonic() + TURN_S
        tables = ResultTables(self._results)  # one file holds the metrics of all cells of an evaluation
        numbers = cache(lambda name: experiment(client, self._address, f"{self._study}/{name}"))
        while queue and time.monotonic() < end:
            files = queue.pop()
            self._last = files.key
            if reason := self._refusal(client, files, tables, numbers):
                self._refused[files.key] = files.fingerprint
                self.refusals[files.key] = reason
            else:
                self.refusals.pop(files.key, None)
                done.append(files)

    def _refusal(
        self, client: "MlflowClient", files: RunFiles, tables: "ResultTables", numbers: Callable[[str], str]
    ) -> str | None:
        """Log one run; returns the reason if only that run can't be logged. `numbers` gives those of experiments.

        Raises whatever the store raises if it can't be used.
        """
        from uscl.tracking.read_runs import experiment_of, read_run
        from uscl.tracking.store import RUN_S, limited, may_be_of_store, reason, works
        from uscl.tracking.write_runs import withdraw

        try:
            run = None if files.key == PLAN else read_run(self._results, files, tables)
            _ = run and run.parts  # reads the files to be logged
        except Exception as error:  # the run's files may be damaged, or a job may be replacing them
            log.info("%s can't be read.", files.key, exc_info=True)
            return f"{type(error).__name__}: {reason(error)}"
        try:
            with limited(RUN_S):
                new = self._logs(client, run, numbers)
        except Exception as error:  # of MLflow, its database or the network: one run's fault is never the store's
            log.info("MLflow refuses %s.", files.key, exc_info=True)
            if may_be_of_store(error) and not works(client, self._address):
                raise
            if run:
                withdraw(client, numbers(experiment_of(run)), run)
            return reason(error)
        if run and not run.gathers:
            self.counts["logged" if new else "there"] += 1
        return None

    def _logs(self, client: "MlflowClient", run: "Run | None", numbers: Callable[[str], str]) -> bool:
        """Log a run, or the views if it is None; returns whether anything was missing."""
        from uscl.tracking.links import resolved
        from uscl.tracking.read_runs import experiment_of
        from uscl.tracking.views import write_views
        from uscl.tracking.write_runs import KEY, found, log_once

        if run is None:
            plan = read_plan(self._results)
            return plan is not None and write_views(client, plan, numbers)
        number, above = numbers(experiment_of(run)), run.above
        parent = next(iter(found(client, number, KEY, above)), None) if above else None
        _, new = log_once(
            client,
            number,
            run,
            parent=parent.info.run_id if parent else None,
            resolve=lambda note: resolved(note, numbers),
        )
        return new


def follow(mirror: Mirror, call: Call) -> None:
    """Log runs as they appear until standard input is closed, then once more; never raises, never repeats a warning.

    A store that can't be used is tried again after increasing pauses, and at the end of the call.
    """
    pause, retry_at, warned = FIRST_PAUSE_S, 0.0, False
    while True:
        began = time.monotonic()
        took = 0.0
        try:
            runs = mirror.lacking(call)
            took = time.monotonic() - began
            if runs and (call.over or began >= retry_at):
                mirror.log(runs)
                pause = FIRST_PAUSE_S
        except Exception as error:  # from MLflow, its packages, a server or a disk: the study continues in any case
            log.info("Not logged to MLflow.", exc_info=True)
            if not warned:
                log.warning(UNAVAILABLE, reason_of(error))
            warned, retry_at, pause = True, time.monotonic() + pause, min(2 * pause, LONGEST_PAUSE_S)
        if call.over:
            break
        call = call._replace(over=closed_within(max(LOOK_S, took / LOOK_SHARE)))
    if mirror.refusals:
        log.warning("%s", refused(mirror.refusals))


def closed_within(seconds: float) -> bool:
    """Wait up to `seconds`; return True as soon as standard input is closed, which means that the call has ended."""
    readable, _, _ = select.select([sys.stdin], [], [], seconds)
    return bool(readable) and not os.read(sys.stdin.fileno(), 1024)


def sync(results: Path, configured: str | None, study: str) -> str:
    """Log everything that the store lacks; returns a summary. Raises UserError if the store can't be used."""
    address = store_address(results, configured)
    mirror = Mirror(results, address, study, Logged(results, address))  # asks the store about every run
    try:
        from uscl.tracking.store import replace_unusable

        moved = replace_unusable(local_store(results)) if is_own_store(results, configured) else None
        if moved:
            log.warning("%s", moved)
        mirror.log(mirror.lacking(Call()))
    except Exception as error:  # of any type and from any package: the store can't be used
        log.info("Not logged to MLflow.", exc_info=True)
        raise UserError(
            f"MLflow can't be used ({reason_of(error)}): nothing is lost; run `snakemake sync_tracking` once it works."
        ) from error
    done = f"MLflow: {counted(mirror.counts['logged'], 'run')} logged, {mirror.counts['there']} already there"
    return f"{done}. {refused(mirror.refusals)}" if mirror.refusals else f"{done}."


def main() -> None:
    """Follow one call."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the call, and the call ends this process
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--study", required=True)
    parser.add_argument("--address")
    parser.add_argument("--since", type=float, default=0.0, help="start of the call, in seconds since 1970")
    given = parser.parse_args()
    os.nice(NICENESS)
    log_to(given.results / "logs/tracking.log", first=True)
    address = store_address(given.results, given.address)
    follow(Mirror(given.results, address, given.study, Logged(given.results, address).load()), Call(given.since))


if __name__ == "__main__":
    main()
