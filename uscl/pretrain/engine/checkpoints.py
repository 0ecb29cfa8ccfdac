"""Checkpoints of a pretraining: the last two, each a whole file, and used only by the run that wrote them."""

import logging
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch

from uscl.base.files import written
from uscl.jobs import live_history

KEPT = 2
UNREADABLE = (pickle.UnpicklingError, zipfile.BadZipFile, OSError, EOFError, RuntimeError, ValueError, LookupError)

log = logging.getLogger(__name__)


def save(folder: Path, epochs: int, steps: int, identity: str, state: dict[str, Any]) -> None:
    """Write the state after so many epochs and so many steps of the next, then remove all but the last two.

    `identity` names the run that it belongs to: its settings, data and code. `state` holds tensors and plain values.
    """
    with written(folder / f"epochs{epochs:06d}-steps{steps:06d}.pt") as path:
        torch.save({"identity": identity, "state": state}, path)
    for path in sorted(folder.glob("epochs*.pt"))[:-KEPT]:
        path.unlink()


def latest(folder: Path, identity: str) -> dict[str, Any] | None:
    """The state in the newest whole checkpoint of this run, or None.

    Files that can't be read and files of another run (other settings, data or code) are removed, with a warning.
    Nothing in a file is executed.
    """
    for path in sorted(folder.glob("epochs*.pt"), reverse=True):
        try:
            found = read(path)
        except UNREADABLE as error:
            log.warning("%s can't be read (%s): removed.", path, type(error).__name__)
        else:
            if found["identity"] == identity:
                return found["state"]
            log.warning("%s is from other settings, data or code: removed.", path)
        path.unlink(missing_ok=True)  # another process of the same run may have been faster
    return None


def read(path: Path) -> dict[str, Any]:
    """The state that `save` wrote. Raises one of many errors if a byte of the file has changed."""
    with zipfile.ZipFile(path) as archive:  # torch itself compares no checksums
        if damaged := archive.testzip():
            raise zipfile.BadZipFile(f"{damaged} is damaged")
    found: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return found


def clear(folder: Path) -> None:
    """Remove the checkpoints and the live history of a finished run."""
    live_history.clear(folder)
    for path in folder.glob("*epochs*.pt"):
        path.unlink()
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
