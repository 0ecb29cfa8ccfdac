"""Find the files of a data set below the folder that a user names.

Imports nothing heavy, since the workflow imports this in every call.
"""

from pathlib import Path

from uscl.data.readers import READERS


def public_folder(reader: str, data_root: str) -> str:
    """The set's own folder: the one with its public name below `data_root`, or `data_root` itself if that is the set.

    Some archives unpack to a folder in a folder, or to one with a branch at the end of its name (COVID-BLUES-main):
    these are found too, by the landmarks of the set. If the set is nowhere, returns the path with its public name. Sets
    without a public name or without landmarks are assumed to be in `data_root`.
    """
    root, declared = Path(data_root), READERS.get(reader)  # the study's validation rejects unknown readers
    if declared is None or declared.folder is None:
        return str(root)
    name, marks = declared.folder, declared.landmarks
    own = root if root.name == name else root / name
    if not marks:
        return str(own if own.is_dir() else root)
    places = [own, own / name, root, *sorted(root.glob(f"{name}-*"))]
    marked = (place for place in places if any((place / mark).exists() for mark in marks))
    return str(next(marked, own))
