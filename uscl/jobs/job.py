"""What every job of the workflow does around its work: logging, provenance, and errors reported in one sentence."""

import errno
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from uscl.base.errors import DamagedFileError, DiskFullError, UserError
from uscl.base.files import FULL, disk_full
from uscl.base.redaction import Redaction, redacted
from uscl.jobs import interruption
from uscl.jobs.attempts import FAILED, INTERRUPTED, Attempt, last_failure
from uscl.jobs.job_record import JobProvenance
from uscl.jobs.outcome import required, write_failed
from uscl.jobs.recorded import checked

log = logging.getLogger("uscl")

REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM)
# As PyTorch, NumPy, the CUDA libraries and the system say it.
OUT_OF_MEMORY = ("out of memory", "allocate memory", "bad_alloc", "alloc_failed")


@contextmanager
def job(snakemake: Any, *, result: bool = True) -> Iterator[Attempt]:
    """Log to the job's log file and to standard error; end the process with one sentence on an error.

    The exit code of a failed job is 1; that of an interrupted job, which Snakemake may retry, is
    `uscl.jobs.interruption.EXIT_CODE`. A job that succeeds leaves a provenance file next to its first output, unless
    `result` is False. If several processes train together, only the first writes files here.
    """
    interruption.listen()
    first, logfile, attempt = os.environ.get("LOCAL_RANK", "0") == "0", Path(snakemake.log[0]), None
    try:
        log_to(logfile, first, already_shown=last_failure(logfile))
        interruption.end_with_caller()
        attempt = Attempt(logfile, kept=first)
        provenance = JobProvenance(snakemake) if result and first else None
        yield attempt
        if provenance:
            provenance.write()
        attempt.succeed()
    except interruption.Interrupted as signal:
        log.warning("Interrupted by %s. Run the command again to resume from the last checkpoint.", signal)
        fail(attempt, f"interrupted ({signal})", INTERRUPTED, interruption.EXIT_CODE)
    except Exception as error:  # noqa: BLE001 - any error is logged and fails the job
        fail(attempt, reason_of(error))


@contextmanager
def run_of(snakemake: Any) -> Iterator[Attempt]:
    """`job` for a training or evaluation run: an error of the run itself becomes its outcome, and the job succeeds.

    The run's folder is the folder of the first output.
    """
    folder, key = Path(snakemake.output[0]).parent, snakemake.params.key
    with job(snakemake) as attempt:
        try:
            yield attempt
        except Exception as error:  # any fault of the run itself: the study goes on without its arm
            if isinstance(error, DamagedFileError) or is_outside_cause(error):
                raise
            if attempt.kept:
                reason = reason_of(error)
                write_failed(folder, key, reason, attempt.failure(reason))


def trained_encoder(outcome: str | Path) -> Path:
    """The encoder file next to an outcome. Raises UserError if its training failed or the file is damaged."""
    found = required(Path(outcome))
    if not found.done:
        raise UserError(f"its encoder could not be trained: {found.reason}")
    return checked(Path(outcome).with_name("encoder.safetensors"))


def reason_of(error: Exception) -> str:
    """Log an error and return one sentence about it; a fault of the program is logged with its traceback."""
    sentence = str(error) if isinstance(error, UserError) else outside_cause(error)
    if sentence:
        log.error("%s", sentence)
        return sentence
    log.exception("This is a fault of the program, not of your input. Please report it with this log.")
    return redacted(f"{type(error).__name__}: {error}")


def log_to(logfile: Path, first: bool, already_shown: str | None = None) -> None:
    """Log to the log file, and warnings also to the screen; processes other than the `first` write no log file.

    The screen does not repeat a message that was `already_shown`.
    """
    logfile.parent.mkdir(parents=True, exist_ok=True)
    to_file = logging.FileHandler(logfile if first else os.devnull, mode="w", encoding="utf-8")
    to_file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    to_screen = logging.StreamHandler()
    # Progress belongs in the log; the screen shows only what the user must know.
    to_screen.setLevel(logging.WARNING)
    to_screen.addFilter(lambda record: record.getMessage() != already_shown)
    to_screen.setFormatter(OnScreen(f"{logfile.parent.name}/{logfile.stem}"))
    for handler in (to_file, to_screen):
        handler.addFilter(Redaction())
    logging.basicConfig(level=logging.INFO, handlers=[to_file, to_screen], force=True)
    logging.captureWarnings(True)
    # If a full disk stops the log, logging's own tracebacks must not bury the reason.
    logging.raiseExceptions = False


class OnScreen(logging.Formatter):
    """One line per message, with the name of the job; of a traceback only its last line, the rest is in the log."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        why = f" ({record.exc_text.splitlines()[-1]})" if record.exc_text else ""
        return f"{self.formatTime(record, '%H:%M:%S')}  {self._name} {record.levelname} {record.getMessage()}{why}"


def fail(attempt: Attempt | None, reason: str, status: str = FAILED, code: int = 1) -> NoReturn:
    """End the process after recording the reason in the attempt's file, if the disk has room for it."""
    try:
        if attempt:
            attempt.end(status, reason)
    except (OSError, UserError) as error:
        log.info("The reason can't be recorded: %s", error)
    sys.exit(code)


def is_outside_cause(error: Exception) -> bool:
    """Whether the machine caused an error, such as a full disk, so that another attempt may succeed."""
    return isinstance(error, DiskFullError) or outside_cause(error) is not None


def outside_cause(error: Exception) -> str | None:
    """One sentence about an error that the machine caused, not the program; None for other errors."""
    if isinstance(error, OSError) and error.errno in FULL:
        return disk_full(error.filename or "A file")
    if isinstance(error, OSError) and error.errno in REFUSED:
        return f"{error.filename} can't be used ({error.strerror}): change its permissions or choose another path."
    if isinstance(error, MemoryError) or any(text in str(error).lower() for text in OUT_OF_MEMORY):
        return (
            "Out of memory: make `batch_size` or `frame_size` smaller, or run fewer jobs at a time (--cores 1);"
            " finished work is kept."
        )
    return None
