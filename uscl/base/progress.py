"""Progress of long work: an occasional line in the job's log, from which the waiting call draws its bars."""

import logging
import os
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

LOG_INTERVAL_S = 5.0
TAIL_BYTES = 8192
LINE = re.compile(r" INFO (.+): (\d+) of (\d+)$", re.MULTILINE)

log = logging.getLogger(__name__)
T = TypeVar("T")


def shown(items: Iterable[T], total: int, name: str) -> Iterator[T]:
    """Yield `items` and log how many of `total` are done, at most once per `LOG_INTERVAL_S` seconds."""
    logged = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        if time.monotonic() - logged > LOG_INTERVAL_S:
            log.info("%s: %d of %d", name, done, total)
            logged = time.monotonic()


class Progress(NamedTuple):
    """How far a job's current work is."""

    name: str
    done: int
    total: int


def last_progress(logfile: Path) -> Progress | None:
    """What `shown` last wrote to a job's log; None if it is not in the log's last lines, or if there is no log."""
    try:
        with logfile.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
            found = LINE.findall(file.read().decode("utf-8", "replace"))
    except OSError:
        return None
    return Progress(found[-1][0], int(found[-1][1]), int(found[-1][2])) if found else None
