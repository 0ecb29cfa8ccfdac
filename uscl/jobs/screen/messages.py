"""What a call shows of Snakemake's messages: short lines for its jobs, and all warnings and errors.

The complete messages are in the file that Snakemake writes to .snakemake/log.
"""

import logging
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from snakemake_interface_logger_plugins.common import LogEvent

from uscl.base.text import duration
from uscl.jobs import interruption
from uscl.jobs.attempts import FAILED, INTERRUPTED, RUNNING, read
from uscl.jobs.screen.bars import Running, bars
from uscl.jobs.screen.output import Output
from uscl.jobs.screen.remaining import Remaining, kind_of

if TYPE_CHECKING:
    from rich.console import RenderableType

KILLED = "it gave no reason: it was killed, with kill -9 or by the system because memory ran out, or it crashed"
RETRY = re.compile(r"Trying to restart job (\d+)\.")
# Messages about Snakemake's own steps.
STEPS = re.compile(
    r"(Select jobs to execute|Building DAG of jobs|Using shell|Conda environments: ignored|Singularity containers:"
    r" ignored|Removing output files of failed job|Elapsed time|Shutting down, this might take some time"
    r"|Exiting because a job execution failed)"
)
UNSHOWN = (
    LogEvent.WORKFLOW_STARTED,
    LogEvent.RESOURCES_INFO,
    LogEvent.JOB_STARTED,
    LogEvent.PROGRESS,
    LogEvent.SHELLCMD,
    LogEvent.RULEGRAPH,
)


class Failed(NamedTuple):
    """A job that failed, and whether it was killed."""

    job: Running
    killed: bool


class Screen(logging.Handler):
    """Shows the messages of one call.

    `open_output` is given the function that draws the bars; `nothing_to_do` gives the lines of a call without jobs.
    """

    def __init__(
        self,
        open_output: Callable[[Callable[[], "RenderableType"]], Output],
        nothing_to_do: Callable[[], list[str]] = list,
    ) -> None:
        super().__init__()
        self._nothing_to_do = nothing_to_do
        self._last = ""
        self.began = time.time()
        self.failed: dict[int, Failed] = {}
        self._jobs: dict[int, Running] = {}
        self._running: set[int] = set()
        self.remaining = Remaining([], {}, self.began)
        self._events: dict[LogEvent | None, Callable[[logging.LogRecord], None]] = {
            LogEvent.RUN_INFO: self._plan,
            LogEvent.JOB_INFO: self._start,
            LogEvent.JOB_FINISHED: self._end,
            LogEvent.JOB_ERROR: self._failure,
            LogEvent.ERROR: self._error,
        }
        self.output = open_output(self._bars)

    def emit(self, record: logging.LogRecord) -> None:
        """Show one message, if it is of interest."""
        event = getattr(record, "event", None)
        if event in UNSHOWN:
            return
        try:
            self._events.get(event, self._other)(record)
        except Exception:  # noqa: BLE001 - a fault in the display must not end the study; logging reports it
            self.handleError(record)

    def close(self) -> None:
        """End the display; call it before the last lines."""
        self.output.close()
        super().close()

    def _plan(self, record: logging.LogRecord) -> None:
        stats = {rule: count for rule, count in vars(record)["stats"].items() if rule not in ("total", "all")}
        self.output.write(f"Jobs to run: {', '.join(f'{count} {rule}' for rule, count in stats.items())}.")

    def _start(self, record: logging.LogRecord) -> None:
        job = vars(record)
        if not job["rule_msg"]:  # a target such as `all`
            return
        log = Path(job["log"][0]) if job["log"] else None
        self._jobs[job["jobid"]] = Running(job["rule_msg"], log, record.created)
        self._running.add(job["jobid"])
        self.remaining.started(job["jobid"], kind_of(job["rule_name"], job["wildcards"]), record.created)
        if not self.output.has_bars:
            self._line(record, "start", job["rule_msg"])

    def _end(self, record: logging.LogRecord) -> None:
        number = vars(record)["job_id"]
        if number not in self._running:
            return
        job = self._stopped(number, record, well=True)
        done, total = self.remaining.done, self.remaining.total
        self._line(
            record,
            f"{done}/{total}",
            f"{job.message} ({duration(record.created - job.start)}){self._left(record.created)}",
        )

    def _failure(self, record: logging.LogRecord) -> None:
        number = vars(record)["jobid"]
        if number not in self._running:
            self.output.write(record.getMessage(), "red")
            return
        job = self._stopped(number, record, well=False)
        attempt = read(job.log.with_suffix(".attempt.json")) if job.log else None
        status = attempt["status"] if attempt else None
        self.failed[number] = Failed(job, status == RUNNING)
        # With Ctrl-C, a job that has only just started ends before it can write that it was interrupted.
        if status == INTERRUPTED or (interruption.received() and status != FAILED):
            self._line(record, "stopped", f"{job.message} (log: {job.log})", "yellow")
        else:
            reason = f": {KILLED}" if status == RUNNING else ""
            self._line(record, "FAILED", f"{job.message}{reason} (log: {job.log})", "red")

    def _stopped(self, number: int, record: logging.LogRecord, *, well: bool) -> Running:
        self._running.discard(number)
        self.remaining.ended(number, record.created, well=well)
        self.output.drain()  # what the job itself reports comes first
        return self._jobs[number]

    def _error(self, record: logging.LogRecord) -> None:
        # The job itself has reported why its script failed; this would add the command.
        if "CalledProcessError" not in record.getMessage():
            self.output.write(record.getMessage(), "red")

    def _other(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        retried = RETRY.match(text)
        if retried and int(retried[1]) in self.failed:
            self._line(record, "retry", self.failed.pop(int(retried[1])).job.message)
        elif text in ("None", self._last) or STEPS.match(text) or (text.startswith("Complete log") and not self.failed):
            return
        else:
            colours = {logging.WARNING: "yellow", logging.ERROR: "red", logging.CRITICAL: "red"}
            self.output.write(text, colours.get(record.levelno, ""))
        self._last = text  # Snakemake repeats some messages
        if text.startswith("Nothing to be done") and (lines := self._nothing_to_do()):
            self.output.write("\n".join(lines))

    def _line(self, record: logging.LogRecord, what: str, text: str, style: str = "") -> None:
        self.output.write(f"{time.strftime('%H:%M:%S', time.localtime(record.created))}  {what:<8} {text}", style)

    def _left(self, now: float) -> str:
        left = self.remaining.left(now) if self.remaining.done < self.remaining.total else None
        return "" if left is None else f"; about {duration(left)} left"

    def _bars(self) -> "RenderableType":
        now = time.time()
        head = f"{self.remaining.done} of {self.remaining.total} jobs, {duration(now - self.began)}{self._left(now)}"
        return bars([self._jobs[number] for number in list(self._running)], head, now)
