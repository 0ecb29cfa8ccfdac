"""Where the files of a data set lie below the folder that a user names.

Light on purpose: the workflow asks at every call.
"""

from pathlib import Path

from uscl.data.readers import READERS


def public_folder(reader: str, data_root: str) -> str:
    """The set's own folder: one of its public name below `data_root`, or `data_root` itself where that is the set's.

    Archives unpack to a folder in a folder, or to one with a branch at the end of its name (COVID-BLUES-main): these
    are found too, by the landmarks of the set. A set that is nowhere belongs under its public name. Sets without a
    public name or without landmarks are taken to be in `data_root`.
    """
    root, declared = Path(data_root), READERS.get(reader)  # the study's validation refuses unknown readers
    if declared is None or declared.folder is None:
        return str(root)
    name, marks = declared.folder, declared.landmarks
    own = root if root.name == name else root / name
    if not marks:
        return str(own if own.is_dir() else root)
    places = [own, own / name, root, *sorted(root.glob(f"{name}-*"))]
    marked = (place for place in places if any((place / mark).exists() for mark in marks))
    return str(next(marked, own))
