"""The view of a study that `uscl ui` opens."""

from pathlib import Path


def view_of(results: Path, task: str | None) -> str:
    """The part of the link after the server's address. Raises UserError if the store has no such view."""
    return "#/experiments?workflowType=machine_learning"
