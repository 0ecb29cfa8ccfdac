"""What every job of the workflow does around its work: its log, its provenance, and errors told in one sentence."""

import errno
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from uscl.base.errors import DiskFullError, UserError
from uscl.base.files import FULL, disk_full
from uscl.base.redaction import Redaction
from uscl.jobs import interruption
from uscl.jobs.attempts import FAILED, INTERRUPTED, Attempt
from uscl.jobs.job_record import JobProvenance
from uscl.jobs.outcome import required, write_failed

log = logging.getLogger("uscl")

REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM)


@contextmanager
def job(snakemake: Any, *, result: bool = True) -> Iterator[Attempt]:
    """Log to the job's log file and to standard error; end the process with one sentence on an error.

    The exit code is 1, and that of `uscl.jobs.interruption` for a job that was interrupted, which Snakemake may retry.
    A job that ends well leaves a provenance file next to its first output, unless what it makes is no `result`. Of
    several processes that train together only the first writes files here.
    """
    interruption.listen()
    first, logfile, attempt = os.environ.get("LOCAL_RANK", "0") == "0", Path(snakemake.log[0]), None
    try:
        log_to(logfile, first)
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
    except Exception as error:  # noqa: BLE001 - whatever it is: into the job's log, and the job fails
        fail(attempt, reason_of(error))


@contextmanager
def run_of(snakemake: Any) -> Iterator[Attempt]:
    """`job` for a training or an evaluation: a mistake of its own becomes its outcome, and the job ends well.

    The run's folder is that of the first output.
    """
    folder, key = Path(snakemake.output[0]).parent, snakemake.params.key
    with job(snakemake) as attempt:
        try:
            yield attempt
        except Exception as error:
            if is_outside_cause(error):
                raise
            if attempt.kept:
                reason = reason_of(error)
                write_failed(folder, key, reason, attempt.failure(reason))


def trained_encoder(outcome: str) -> Path:
    """The encoder file next to an outcome. Raises UserError if its training failed."""
    found = required(Path(outcome))
    if not found.done:
        raise UserError(f"its encoder could not be trained: {found.reason}")
    return Path(outcome).with_name("encoder.safetensors")


def reason_of(error: Exception) -> str:
    """One sentence on an error, which is logged: for a fault of the program with its traceback."""
    sentence = str(error) if isinstance(error, UserError) else outside_cause(error)
    if sentence:
        log.error("%s", sentence)
        return sentence
    log.exception("This is a fault of the program, not of your input. Please report it with this log.")
    return f"{type(error).__name__}: {error}"


def log_to(logfile: Path, first: bool) -> None:
    """Send information to the log file, unless this isn't the first of several processes that train together."""
    logfile.parent.mkdir(parents=True, exist_ok=True)
    to_file = logging.FileHandler(logfile if first else os.devnull, mode="w", encoding="utf-8")
    to_screen = logging.StreamHandler()
    # Progress belongs in the log; the screen shows what the user must know.
    to_screen.setLevel(logging.WARNING)
    for handler in (to_file, to_screen):
        handler.addFilter(Redaction())
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", handlers=[to_file, to_screen], force=True
    )
    logging.captureWarnings(True)
    # A log that can't be written, on a full disk, must not bury the reason under tracebacks of its own.
    logging.raiseExceptions = False


def fail(attempt: Attempt | None, reason: str, status: str = FAILED, code: int = 1) -> NoReturn:
    """End the process; the attempt keeps the reason as far as there is room for it."""
    try:
        if attempt:
            attempt.end(status, reason)
    except (OSError, UserError) as error:
        log.info("The reason can't be kept: %s", error)
    sys.exit(code)


def is_outside_cause(error: Exception) -> bool:
    """Whether the machine caused an error, such as a full disk, so that another attempt may succeed."""
    return isinstance(error, DiskFullError) or outside_cause(error) is not None


def outside_cause(error: Exception) -> str | None:
    """One sentence on an error that the machine caused, not the program; None for others."""
    if isinstance(error, OSError) and error.errno in FULL:
        return disk_full(error.filename or "A file")
    if isinstance(error, OSError) and error.errno in REFUSED:
        return (
            f"{error.filename} can't be used ({error.strerror}): give yourself the rights to it, or name another place."
        )
    if isinstance(error, MemoryError) or any(text in str(error) for text in ("out of memory", "can't allocate memory")):
        return (
            "Out of memory: make `batch_size` or `frame_size` smaller, or let fewer jobs run at a time (--cores 1);"
            " what was finished is kept."
        )
    return None
