"""Readers of data sets: each lists the source files of one folder layout, with group and label.

A reader is one module of this package, found by its name. It opens no video and declares

- FOLDER: the name under which a public set's folder is published, None for other layouts,
- LANDMARKS: files or folders, any of which shows that a folder with another name holds the set,
- HAS_MASKS: whether the set has masks to segment,
- OWN_DATA (False if left out): whether it reads a user's own data,
- SIMULATES (None if left out): the kind of set that the simulator writes in its layout,
- read(root) -> Sources, for own data read(root, group=..., patient=..., table=..., classes=...). Each source has the
  `unit` of its group (uscl.data.units) and, if the data name it, its `patient`.

A new public set is such a module and an entry in config/datasets.yaml. `shared` holds the code that readers share.

Imports neither numpy nor pandas (readers import them late), since every `snakemake` call reads this registry.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from uscl.base.errors import UserError

if TYPE_CHECKING:
    from uscl.data.readers.shared.listing import Sources

REQUIRED = ("FOLDER", "LANDMARKS", "HAS_MASKS", "read")


class Reader(NamedTuple):
    """The declarations of a reader's module."""

    name: str
    folder: str | None
    landmarks: tuple[str, ...]
    has_masks: bool
    own_data: bool
    simulates: str | None
    read: Callable[..., Sources]


def declared(name: str) -> Reader:
    """The declarations of a reader's module. Raises UserError if one is missing."""
    module = importlib.import_module(f"{__name__}.{name}")
    if absent := [part for part in REQUIRED if not hasattr(module, part)]:
        raise UserError(f"The reader uscl/data/readers/{name}.py declares no {' and no '.join(absent)}: add it.")
    return Reader(
        name,
        module.FOLDER,
        module.LANDMARKS,
        module.HAS_MASKS,
        getattr(module, "OWN_DATA", False),
        getattr(module, "SIMULATES", None),
        module.read,
    )


def all_readers() -> dict[str, Reader]:
    """Every reader of this package by name, in alphabetical order."""
    return {found.name: declared(found.name) for found in pkgutil.iter_modules(__path__) if not found.ispkg}


READERS = all_readers()


def reader_names(*, own_data: bool) -> list[str]:
    """The readers of public sets and of the simulator's pool, or those of a user's own data.

    >>> reader_names(own_data=True)
    ['image_csv', 'image_folder', 'image_mask_pairs', 'labelled_videos', 'ultrabench', 'video_folder']
    """
    return [found.name for found in READERS.values() if found.own_data == own_data]


def readers_with_masks() -> list[str]:
    """The readers of sets that have masks to segment.

    >>> readers_with_masks()
    ['busi', 'image_mask_pairs', 'udiat_b', 'ultrabench']
    """
    return [found.name for found in READERS.values() if found.has_masks]


def reader_of_simulated(kind: str) -> str:
    """The reader of the layout in which the simulator writes a kind of set.

    >>> reader_of_simulated("breast")
    'busi'
    """
    (found,) = (found.name for found in READERS.values() if found.simulates == kind)
    return found


def reader(name: str) -> Callable[..., Sources]:
    """The `read` function of a reader. Raises UserError for an unknown name."""
    if name not in READERS:
        known = [*reader_names(own_data=False), *reader_names(own_data=True)]
        raise UserError(f"There is no reader {name!r}: choose one of {', '.join(known)}.")
    return READERS[name].read
