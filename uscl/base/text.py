"""Wording of messages: numbers with their nouns, times, long lines, suggestions for mistyped names."""

import difflib
import textwrap
from collections.abc import Iterable

LONGEST_LINE = 200  # characters of a line on the screen


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "image"), counted(2, "image")
    ('1 image', '2 images')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def duration(seconds: float, *, tenths: bool = False) -> str:
    """A time in the unit that suits it; below 10 seconds with `tenths`, if these matter.

    >>> duration(4.2), duration(75), duration(720), duration(12240), duration(400000)
    ('4 s', '75 s', '12 min', '3.4 h', '4.6 days')
    >>> duration(4.25, tenths=True), duration(12.5, tenths=True)
    ('4.2 s', '12 s')
    """
    if seconds < 100:
        return f"{seconds:.1f} s" if tenths and seconds < 10 else f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} days"


def wrapped(text: str, width: int = LONGEST_LINE) -> list[str]:
    r"""The lines of a text, those longer than `width` broken between words and indented; words stay whole.

    >>> wrapped("short\nlines")
    ['short', 'lines']
    """
    lines = []
    for line in text.splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        broken = textwrap.wrap(
            line, width, subsequent_indent=f"{indent}    ", break_long_words=False, break_on_hyphens=False
        )
        lines += [line] if len(line) <= width else broken
    return lines


def nearest(given: object, known: Iterable[str]) -> str:
    """The end of a sentence about a mistyped name: suggests the closest known name, or a full stop if none is close.

    >>> nearest("epoch", ["epochs", "lr"]), nearest("x", ["epochs", "lr"])
    ("; did you mean 'epochs'?", '.')
    """
    near = difflib.get_close_matches(str(given), list(known), n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else "."
