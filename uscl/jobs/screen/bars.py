"""The bars below a call's lines on a terminal: one for every running job, with its arm and task."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from uscl.base.progress import last_progress
from uscl.base.text import duration

if TYPE_CHECKING:
    from rich.console import RenderableType

MOST = 12  # bars; more jobs are only counted
BAR_WIDTH = 24


class Running(NamedTuple):
    """A running job: its message, its log if it has one, and its start in seconds since 1970."""

    message: str
    log: Path | None
    start: float


def bars(running: Iterable[Running], head: str, now: float) -> "RenderableType":
    """The headline `head` and a line per job: its message, its progress if its log reports any, and its time."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    jobs = sorted(running, key=lambda job: job.start)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, overflow="ellipsis")
    for job in jobs[:MOST]:
        progress = last_progress(job.log) if job.log else None
        bar = ProgressBar(progress.total, progress.done, BAR_WIDTH) if progress else ""
        words = f"{progress.name}: {progress.done} of {progress.total}" if progress else ""
        grid.add_row(Text(f"  {job.message}"), bar, Text(words), duration(max(0, now - job.start)))
    more = [Text(f"  and {len(jobs) - MOST} more")] if len(jobs) > MOST else []
    return Group(Text(head, style="bold"), grid, *more)
