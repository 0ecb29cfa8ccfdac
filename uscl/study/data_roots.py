"""The folders that a study's settings name for its data, and what is wrong with them."""

import itertools
import os
from pathlib import Path

from uscl.base.files import nearest_existing
from uscl.base.text import nearest
from uscl.data.readers import READERS
from uscl.study.schema import OwnSet, SimulatedSet, StudySettings

MADE = "data"  # the folder of the studies in config/, in the working folder: the first fetch makes it
MOST_NAMES = 1000  # in a folder, to look for a similar one among


def data_root(study: StudySettings, name: str) -> str | None:
    """The `data_root` of a set, or what follows from that of the study; None if there is none.

    The study's `data_root` holds public sets by their public names and a user's own sets by their names in the study.
    """
    settings = study.datasets[name]
    if isinstance(settings, SimulatedSet):
        return None
    if settings.data_root is not None:
        return os.path.normpath(os.path.expanduser(settings.data_root))
    if study.data_root is None:
        return None
    common = os.path.normpath(os.path.expanduser(study.data_root))
    return os.path.join(common, name) if isinstance(settings, OwnSet) else common


def wrong_root(study: StudySettings, name: str) -> str | None:
    """One sentence about a `data_root` that doesn't exist; None if it does, or if a public set may be fetched into it.

    A public set's own folder may come; only the folder that holds it must exist.
    """
    settings, root = study.datasets[name], data_root(study, name)
    if root is None:
        return None
    public = None if isinstance(settings, OwnSet) else READERS[settings.reader].folder
    place = os.path.dirname(root) or "." if os.path.basename(root) == public else root
    if os.path.isdir(place) or (public and place == MADE):
        return None
    key = "data_root" if getattr(settings, "data_root", None) is None else f"datasets.{name}.data_root"
    return (
        f"Data set '{name}': there is no folder {place}: correct `{key}` if it has a typo, mount its disk, or make the"
        f" folder{similar(Path(place))}"
    )


def similar(place: Path) -> str:
    """The end of a sentence about a folder that doesn't exist: an existing one with a similar name, or a full stop."""
    parent = nearest_existing(place)
    if not parent.is_dir():
        return "."
    given = place.absolute().relative_to(parent.absolute()).parts[0]
    try:
        names = [entry.name for entry in itertools.islice(os.scandir(parent), MOST_NAMES) if entry.is_dir()]
    except OSError:
        return "."
    return nearest(given, sorted(names))
