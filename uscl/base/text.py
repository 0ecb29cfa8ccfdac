"""Wording of messages: numbers with their nouns, suggestions for mistyped names."""

import difflib
from collections.abc import Iterable


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "image"), counted(2, "image")
    ('1 image', '2 images')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def nearest(given: object, known: Iterable[str]) -> str:
    """The end of a sentence about a mistyped name: suggests the closest known name, or a full stop if none is close.

    >>> nearest("epoch", ["epochs", "lr"]), nearest("x", ["epochs", "lr"])
    ("; did you mean 'epochs'?", '.')
    """
    near = difflib.get_close_matches(str(given), list(known), n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else "."
