"""The table of the faults: on the screen and as Markdown."""

from collections.abc import Iterable

from rich import box
from rich.table import Table

from chaos.runner import Tried

HEAD = ("topic", "fault", "expected", "happened", "time", "result")
RESULTS = {True: "pass", False: "FAIL", None: "not tried"}
STYLES = {True: "green", False: "bold red", None: "yellow"}


def row(tried: Tried) -> tuple[str, ...]:
    """A fault's cells."""
    fault, outcome, seconds = tried
    return fault.topic, fault.name, fault.expected, outcome.happened, f"{seconds:.0f} s", RESULTS[outcome.passed]


def counts(all_tried: Iterable[Tried]) -> str:
    """How many faults passed, failed and could not be tried."""
    passed = [tried.outcome.passed for tried in all_tried]
    told = f"{len(passed)} faults: {passed.count(True)} passed, {passed.count(False)} failed"
    return f"{told}, {passed.count(None)} not tried"


def on_screen(all_tried: Iterable[Tried]) -> Table:
    """The table for a terminal."""
    table = Table(*HEAD, box=box.SIMPLE_HEAD, show_lines=True)
    for tried in all_tried:
        table.add_row(*map(plain, row(tried)), style=STYLES[tried.outcome.passed])
    return table


def plain(text: str) -> str:
    """A text whose brackets rich doesn't take for markup."""
    return text.replace("[", r"\[")


def markdown(all_tried: Iterable[Tried]) -> str:
    """The table as Markdown, with the counts below it."""
    all_tried = list(all_tried)
    rows = [HEAD, ("---",) * len(HEAD), *map(row, all_tried)]
    lines = ["| " + " | ".join(" ".join(cell.replace("|", r"\|").split()) for cell in cells) + " |" for cells in rows]
    return "\n".join([*lines, "", counts(all_tried), ""])
