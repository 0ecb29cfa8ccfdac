"""What every job of the workflow does around its work: its log, and errors told in one sentence."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from uscl.errors import UserError

log = logging.getLogger("uscl")


@contextmanager
def job(logfile: str | Path) -> Iterator[None]:
    """Log to `logfile` and to standard error; end the process with one sentence on a UserError."""
    Path(logfile).parent.mkdir(parents=True, exist_ok=True)
    to_file, to_screen = logging.FileHandler(logfile, mode="w", encoding="utf-8"), logging.StreamHandler()
    # Progress belongs in the log; the screen shows what the user must know.
    to_screen.setLevel(logging.WARNING)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", handlers=[to_file, to_screen], force=True
    )
    logging.captureWarnings(True)
    try:
        yield
    except UserError as error:
        log.error("%s", error)
        sys.exit(1)
    except Exception:  # whatever it is: into the job's log with its traceback, and the job fails
        log.exception("This is a fault of the program, not of your input. Please report it with this log.")
        sys.exit(1)
