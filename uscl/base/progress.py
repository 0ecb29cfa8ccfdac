"""Progress of long work: a bar on a terminal, an occasional log line elsewhere."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

LOG_INTERVAL_S = 30.0

log = logging.getLogger(__name__)
T = TypeVar("T")


def shown(items: Iterable[T], total: int, name: str) -> Iterator[T]:
    """Yield `items` while showing how many of `total` are done."""
    return with_bar(items, total, name) if sys.stderr.isatty() else with_log(items, total, name)


def with_bar(items: Iterable[T], total: int, name: str) -> Iterator[T]:
    """Yield `items` while a bar shows the progress."""
    from rich.console import Console  # late: most jobs have no terminal
    from rich.progress import track

    yield from track(items, name, total, console=Console(stderr=True))


def with_log(items: Iterable[T], total: int, name: str) -> Iterator[T]:
    """Yield `items` and log the progress at most once per `LOG_INTERVAL_S` seconds."""
    logged = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        if time.monotonic() - logged > LOG_INTERVAL_S:
            log.info("%s: %d of %d", name, done, total)
            logged = time.monotonic()
