"""Checkpoints of a pretraining: whole files, the last two epochs, taken up only by the run that wrote them."""

import logging
import pickle
from pathlib import Path
from typing import Any

import torch

from uscl.files import written

KEPT = 2

log = logging.getLogger(__name__)


def save(folder: Path, epoch: int, identity: str, state: dict[str, Any]) -> None:
    """Write the state at the end of an epoch (counted from 0), then remove all but the last two.

    `identity` says which run it belongs to: its settings, data and code. `state` holds tensors and plain values.
    """
    with written(folder / f"epoch{epoch:06d}.pt") as path:
        torch.save({"identity": identity, "epoch": epoch, "state": state}, path)
    for path in sorted(folder.glob("epoch*.pt"))[:-KEPT]:
        path.unlink()


def latest(folder: Path, identity: str) -> tuple[int, dict[str, Any]] | None:
    """Epoch and state of the newest whole checkpoint of this run, or None.

    What can't be read and what another run has left (other settings, data or code) is removed, with a warning.
    """
    for path in sorted(folder.glob("epoch*.pt"), reverse=True):
        try:
            found = torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, EOFError, RuntimeError, ValueError, LookupError, pickle.UnpicklingError) as error:
            log.warning("%s can't be read (%s): removed.", path, type(error).__name__)
        else:
            if found["identity"] == identity:
                return found["epoch"], found["state"]
            log.warning("%s is of other settings, data or code: removed.", path)
        path.unlink(missing_ok=True)  # of several processes another may have been faster
    return None


def clear(folder: Path) -> None:
    """Remove the checkpoints of a finished run."""
    for path in folder.glob("*epoch*.pt"):
        path.unlink()
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
