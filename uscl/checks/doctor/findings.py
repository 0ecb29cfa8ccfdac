"""What the checks pass to the page: findings with a mark, and numbers as text."""

from typing import NamedTuple

UNITS = ("B", "kB", "MB", "GB", "TB")


class Finding(NamedTuple):
    """One entry of the page; `mark` is ok, note (worth a look), missing (the study can't run), or "" for plain text."""

    mark: str
    text: str


def ok(text: str) -> Finding:
    """A finding that needs no action."""
    return Finding("ok", text)


def note(text: str) -> Finding:
    """A finding that is worth a look."""
    return Finding("note", text)


def missing(text: str) -> Finding:
    """A finding that keeps the study from running."""
    return Finding("missing", text)


def size(count: float) -> str:
    """A number of bytes in the unit that suits it (powers of 1000).

    >>> size(512), size(303_000_000), size(2.5e9)
    ('512 B', '303 MB', '2.5 GB')
    """
    unit = 0
    while count >= 999.5 and unit < len(UNITS) - 1:
        count, unit = count / 1000, unit + 1
    return f"{count:.1f} {UNITS[unit]}" if unit and count < 10 else f"{count:.0f} {UNITS[unit]}"


def counted(number: int, thing: str) -> str:
    """A number with its noun, in the plural unless the number is 1.

    >>> counted(1, "file"), counted(1440, "frame")
    ('1 file', '1,440 frames')
    """
    return f"{number:,} {thing}" + ("" if number == 1 else "s")
