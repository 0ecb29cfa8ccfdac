"""The last lines of a call: what it found or what failed, how long it took, where the results are, and what to do."""

import shlex
import shutil
import sys
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path

from uscl.base.text import LONGEST_LINE, counted, duration
from uscl.jobs.screen.messages import Failed
from uscl.report.headline import headline

MOST = 3  # sentences or failed jobs; more are only counted
RESULTS = (("Table", "table.md"), ("Claims", "claims.md"), ("Report", "report.html"))


def finished(results: Path, took: str, *, simulated: bool, tracked: bool) -> list[str]:
    """The lines after a call that made or checked the whole study."""
    lines = ["", f"The study is finished{took}.", *shortened(headline(results / "claims.csv"))]
    lines += ["  The data are simulated: machinery, not medicine."] if simulated else []
    lines += [f"  {name:8}{results / file}" for name, file in RESULTS if (results / file).exists()]
    return [*lines, f"Next: {next_steps(uscl_command(), results, tracked=tracked)}."]


def stopped(failed: Sequence[Failed], time_spent: str) -> list[str]:
    """The lines after a call in which jobs failed."""
    jobs = [f"  {job.message} (log: {job.log})" for job, _ in failed]
    advice = " If memory is short, lower --cores or `batch_size`." if any(killed for _, killed in failed) else ""
    head = f"The call failed after {time_spent}; finished work is kept."
    head += f" Failed: {counted(len(jobs), 'job')}:" if jobs else ""
    return ["", head, *limited(jobs), f"Next: fix the cause and run the same command again.{advice}"]


def interrupted(time_spent: str) -> list[str]:
    """The lines after a call that Ctrl-C ended: its jobs were cut off, and did not fail."""
    head = f"The call was interrupted after {time_spent}; finished work and the checkpoints of trainings are kept."
    return ["", head, "Next: run the same command again to go on."]


def spent(began: float, now: float) -> str:
    """The time that a call took, and the time of day."""
    return f"{duration(now - began)}, at {time.strftime('%H:%M', time.localtime(now))}"


def shortened(sentences: Sequence[str]) -> list[str]:
    """The headline with its sentences indented, each on one line."""
    return [
        *sentences[:1],
        *limited([textwrap.shorten(f"- {text}", LONGEST_LINE - 2, placeholder=" ...") for text in sentences[1:]], "  "),
    ]


def limited(lines: Sequence[str], indent: str = "") -> list[str]:
    """The first lines, and the number of the others."""
    more = [f"  and {len(lines) - MOST} more"] if len(lines) > MOST else []
    return [*(f"{indent}{line}" for line in lines[:MOST]), *more]


def next_steps(command: str | None, results: Path, *, tracked: bool) -> str:
    """What a user may do with the results; `command` is how to call `uscl`, if it is installed."""
    if command is None:
        return "open the report in a browser"
    folder = "" if results == Path("results") else f" {shlex.quote(str(results))}"
    runs = f", `{command} ui{folder}` the runs in MLflow" if tracked else ""
    return f"`{command} show{folder}` opens the report{runs}"


def uscl_command() -> str | None:
    """How this user calls `uscl`: by its name if it is on the search path, else by its place next to this Python."""
    if shutil.which("uscl"):
        return "uscl"
    near, here = Path(sys.executable).with_name("uscl"), Path.cwd()
    if not near.exists():
        return None
    return shlex.quote(str(near.relative_to(here) if near.is_relative_to(here) else near))
