"""The topics: one module each, with its faults in FAULTS."""

from collections.abc import Iterable
from importlib import import_module

from chaos.faults import Fault

TOPICS = ("interruption", "kills", "space", "places", "reproducibility", "tracking", "readers", "security", "numbers")


def faults_of(topics: Iterable[str], *, short: bool = False, only: str = "") -> list[Fault]:
    """The faults of some topics, those of the shortened form alone, or those whose name holds a text."""
    found = [fault for topic in topics for fault in import_module(f"chaos.{topic}").FAULTS]
    return [fault for fault in found if (fault.short or not short) and only.casefold() in fault.name.casefold()]
