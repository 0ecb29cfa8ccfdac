"""What a fault is, and what came of it."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

LIMIT_S = 900


class Outcome(NamedTuple):
    """Whether what happened is what was expected, and what happened, in a few words. `passed` None: not tried."""

    passed: bool | None
    happened: str


class NotTried(Exception):  # noqa: N818  (it isn't an error)
    """This machine can't do what a fault needs; the message says what."""


class Fault(NamedTuple):
    """One fault: how it's called, what is expected of the project, and how to inject it into an empty folder.

    `inject` may raise AssertionError, whose text then is what happened, or NotTried. `short` faults are those of the
    shortened form. After `limit_s` seconds a fault is taken to hang: it's ended with all processes that it started.
    """

    topic: str
    name: str
    expected: str
    inject: Callable[[Path], Outcome]
    short: bool
    limit_s: float


class Faults(list[Fault]):
    """The faults of one topic, in the order in which they are written."""

    def __init__(self, topic: str) -> None:
        super().__init__()
        self._topic = topic

    def fault(self, name: str, expected: str, *, short: bool = False, limit_s: float = LIMIT_S) -> Callable:
        """A decorator that adds a function of an empty folder, which returns an Outcome."""

        def add(inject: Callable[[Path], Outcome]) -> Callable[[Path], Outcome]:
            self.append(Fault(self._topic, name, expected, inject, short, limit_s))
            return inject

        return add
