"""Where the lines of a call go: to its standard error, above bars of the running jobs if that is a terminal.

The jobs write to a pipe that this process reads, so their lines neither break the bars nor each other.
"""

import os
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from uscl.base.text import LONGEST_LINE, wrapped

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

MARK = "\0"  # in the pipe: everything before it has been shown
DRAIN_S = 2.0
# The shell's report of a killed process, with the whole command; the call itself names the job.
OF_SHELL = re.compile(r"^\S*(bash|sh): line \d+: +\d+ (Killed|Terminated|Aborted|Segmentation fault|Interrupt)\b")


class Output:
    """Takes over standard error, and standard output if that is a terminal, until it is closed.

    `bars` draws the running jobs; only a terminal shows them.
    """

    def __init__(self, bars: Callable[[], "RenderableType"], *, colours: bool = True) -> None:
        self._lock, self._drained = threading.Lock(), threading.Event()
        self._taken = {number: os.dup(number) for number in (2, *([1] if os.isatty(1) else []))}
        self._stream = os.fdopen(self._taken[2], "w", encoding="utf-8", errors="backslashreplace", closefd=False)
        self._console = self._with_bars(bars, colours) if os.isatty(2) and os.environ.get("TERM") != "dumb" else None
        pipe, end = os.pipe()
        for number in self._taken:
            os.dup2(end, number)
        os.close(end)
        self._reader = threading.Thread(target=self._read, args=[pipe], daemon=True)
        self._reader.start()

    @property
    def has_bars(self) -> bool:
        """Whether bars show the running jobs."""
        return self._console is not None

    def _with_bars(self, bars: Callable[[], "RenderableType"], colours: bool) -> "Console":
        from rich.console import Console  # late: only a terminal needs it
        from rich.live import Live

        console = Console(file=self._stream, no_color=not colours or None, highlight=False)
        self._live = Live(
            console=console,
            get_renderable=bars,
            refresh_per_second=1,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()
        return console

    def write(self, text: str, style: str = "") -> None:
        """Show a text, its long lines broken; a screen that is gone is no reason to stop the study."""
        width = min(LONGEST_LINE, self._console.width) if self._console else LONGEST_LINE
        with self._lock, suppress(OSError, SystemExit):  # SystemExit: rich's answer to a closed pipe
            for line in wrapped(text, width) or [""]:
                if self._console:
                    self._console.print(line, style=style or None, markup=False, soft_wrap=True)
                else:
                    self._stream.write(f"{line}\n")
                    self._stream.flush()

    def _read(self, pipe: int) -> None:
        with os.fdopen(pipe, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                text = line.rstrip().replace(MARK, "")
                if text and not OF_SHELL.match(text):
                    self.write(text, style_of(text))
                if MARK in line:
                    self._drained.set()

    def drain(self) -> None:
        """Wait until everything that the jobs have written is shown."""
        if not self._taken:
            return
        self._drained.clear()
        os.write(2, f"{MARK}\n".encode())
        self._drained.wait(DRAIN_S)

    def close(self) -> None:
        """Show what is left, remove the bars, and give standard error and standard output back."""
        if not self._taken:
            return
        self.drain()
        if self._console:
            self._live.stop()
        for number, before in self._taken.items():
            os.dup2(before, number)
        self._taken = {}


def style_of(line: str) -> str:
    """The colour of a job's line, by the level that it names.

    >>> style_of("21:14:02 extract_frames/pool WARNING 18 frames are blank.")
    'yellow'
    """
    return "red" if " ERROR " in line else "yellow" if " WARNING " in line else ""
