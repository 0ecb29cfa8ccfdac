"""What every job of the workflow does around its work: its log, and errors told in one sentence."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from uscl.errors import UserError

log = logging.getLogger("uscl")


@contextmanager
def job(snakemake: Any) -> Iterator[None]:
    """Log to the job's log file and to standard error; end the process with one sentence on a UserError.

    Of several processes that train together only the first writes the log.
    """
    logfile = Path(snakemake.log[0])
    logfile.parent.mkdir(parents=True, exist_ok=True)
    first = os.environ.get("LOCAL_RANK", "0") == "0"
    to_file = logging.FileHandler(logfile if first else os.devnull, mode="w", encoding="utf-8")
    to_screen = logging.StreamHandler()
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
