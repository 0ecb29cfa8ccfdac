"""Functions looked up by module and name, for code that a job's settings choose."""

from collections.abc import Callable
from importlib import import_module
from typing import Any


def function_at(place: str) -> Callable[..., Any]:
    """The function that `module:function` names; this call imports the module."""
    module, _, name = place.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found
