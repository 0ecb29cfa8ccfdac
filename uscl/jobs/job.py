"""What every job of the workflow does around its work: its log, its provenance, and errors told in one sentence."""

import errno
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from uscl.base.errors import UserError
from uscl.base.files import FULL, disk_full
from uscl.base.redaction import Redaction
from uscl.jobs import interruption
from uscl.jobs.attempts import FAILED, INTERRUPTED, Attempt
from uscl.jobs.job_record import JobProvenance

log = logging.getLogger("uscl")

REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM)


@contextmanager
def job(snakemake: Any, *, result: bool = True) -> Iterator[Attempt]:
    """Log to the job's log file and to standard error; end the process with one sentence on an error.

    The exit code is 1, and that of `uscl.jobs.interruption` for a job that was told to end, which is worth another try.
    A job that ends well leaves a provenance file beside its first output, unless what it makes is no `result`. Of
    several processes that train together only the first writes files here.
    """
    interruption.listen()
    first, logfile, attempt = os.environ.get("LOCAL_RANK", "0") == "0", Path(snakemake.log[0]), None
    try:
        log_to(logfile, first)
        interruption.end_with_caller()
        attempt = Attempt(logfile, kept=first)
        if reason := attempt.failed_for_good:
            log.info("Not tried again, since it would fail again: %s", reason)
            fail(attempt, reason)
        provenance = JobProvenance(snakemake) if result and first else None
        yield attempt
        if provenance:
            provenance.write()
        attempt.succeed()
    except UserError as error:
        log.error("%s", error)
        fail(attempt, str(error))
    except interruption.Interrupted as told:
        log.warning("Told to end (%s): run again, the job goes on with what is finished.", told)
        fail(attempt, f"told to end ({told})", INTERRUPTED, interruption.EXIT_CODE)
    except Exception as error:  # whatever it is: into the job's log, and the job fails
        if sentence := outside_cause(error):
            log.error("%s", sentence)
            fail(attempt, sentence)
        log.exception("This is a fault of the program, not of your input. Please report it with this log.")
        fail(attempt, f"{type(error).__name__}: {error}")


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


def outside_cause(error: Exception) -> str | None:
    """One sentence on an error that the machine is the cause of, not the program; None for others."""
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
