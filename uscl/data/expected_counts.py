"""Check that a public set is complete: its files, groups and classes against the registry (config/datasets.yaml)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from uscl.base.errors import UserError
from uscl.data.readers.shared.listing import Sources


def check_counts(dataset: str, root: Path, found: Sources, expected: Mapping[str, Any]) -> None:
    """Raise UserError if what a reader found differs from `expected` by more than its `tolerance` (a share).

    `expected` has videos, images and groups, each a number or None if unknown, and classes: files by class.
    """
    counts = found_counts(found)
    wanted = {name: expected[name] for name in ("videos", "images", "groups") if expected[name] is not None}
    wanted |= {f"files of class {name}": files for name, files in (expected["classes"] or {}).items()}
    off = [
        f"{counts.get(name, 0)} {name} instead of {number}"
        for name, number in wanted.items()
        if abs(counts.get(name, 0) - number) > expected["tolerance"] * number
    ]
    if off:
        raise UserError(
            f"Data set '{dataset}': {root} holds {', '.join(off)}: complete the set, or set"
            f" datasets.{dataset}.partial: true if you use only part of it on purpose."
        )


def found_counts(found: Sources) -> dict[str, int]:
    """Numbers of videos, images, groups and files of each class that a reader found."""
    files = found.files
    images = int((files["kind"] == "image").sum())
    counts = {"videos": len(files) - images, "images": images, "groups": files["group"].nunique()}
    return counts | {f"files of class {label}": int(n) for label, n in files["label"].value_counts().items() if label}
