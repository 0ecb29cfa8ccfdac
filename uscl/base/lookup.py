"""Functions by the name of their place, for what a job chooses by its settings."""

from collections.abc import Callable
from importlib import import_module
from typing import Any


def function_at(place: str) -> Callable[..., Any]:
    """The function that `module:function` names; its module is imported now."""
    module, _, name = place.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found
