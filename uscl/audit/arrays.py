"""Named tuples of arrays as .npz files."""

import zipfile
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from uscl.base.errors import UserError
from uscl.base.files import written

Arrays = TypeVar("Arrays", bound=tuple[Any, ...])


def write_arrays(arrays: Any, path: Path) -> None:
    """Write a named tuple of arrays, whole or not at all."""
    with written(path) as partial:
        np.savez(partial, **arrays._asdict())


def read_arrays(kind: type[Arrays], path: Path, content: str, rule: str) -> Arrays:
    """Read a named tuple that `write_arrays` wrote. Raises UserError if the file is missing or damaged.

    `content` names the arrays and `rule` the rule that writes them, for the message.
    """
    try:
        with np.load(path) as file:
            return kind(*(file[name] for name in kind._fields))  # type: ignore[attr-defined]
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist: run the rule {rule}, which writes it.") from error
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} does not hold {content} ({error}): remove it and run again to recreate it.") from error
