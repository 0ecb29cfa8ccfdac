"""Progress of long work: a bar on a terminal, a log line now and then elsewhere."""

import logging
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress

LOG_INTERVAL_S = 30.0

log = logging.getLogger(__name__)
T = TypeVar("T")


def shown(items: Iterable[T], total: int, name: str) -> Iterator[T]:
    """Pass `items` on while showing how many of `total` are done."""
    console = Console(stderr=True)
    said = time.monotonic()
    with Progress(console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(name, total=total)
        for done, item in enumerate(items, start=1):
            yield item
            bar.advance(task)
            if not console.is_terminal and time.monotonic() - said > LOG_INTERVAL_S:
                log.info("%s: %d of %d", name, done, total)
                said = time.monotonic()
