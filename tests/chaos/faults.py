"""What a fault is, and what came of it."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Outcome(NamedTuple):
    """Whether what happened is what was expected, and what happened, in a few words. `passed` None: could not be tried."""

    passed: bool | None
    happened: str


class Fault(NamedTuple):
    """One fault: how it's called, what is expected of the project, and how to inject it into an empty folder.

    `inject` may raise AssertionError, whose text then is what happened. `short` faults are those of the shortened form.
    """

    topic: str
    name: str
    expected: str
    inject: Callable[[Path], Outcome]
    short: bool


class Faults(list[Fault]):
    """The faults of one topic, in the order in which they are written."""

    def __init__(self, topic: str) -> None:
        super().__init__()
        self._topic = topic

    def fault(self, name: str, expected: str, *, short: bool = False) -> Callable:
        """A decorator that adds a function of an empty folder, which returns an Outcome."""

        def add(inject: Callable[[Path], Outcome]) -> Callable[[Path], Outcome]:
            self.append(Fault(self._topic, name, expected, inject, short))
            return inject

        return add
