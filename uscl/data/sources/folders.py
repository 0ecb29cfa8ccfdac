"""Where the files of a data set lie below the folder that a user names.

Light on purpose: the workflow asks at every call.
"""

from pathlib import Path

# The names under which the sets are published; a download or a clone makes a folder of this name.
PUBLIC_FOLDERS = {
    "busi": "Dataset_BUSI_with_GT",
    "butterfly": "Butterfly_Dataset",
    "covid19_ultrasound": "covid19_ultrasound",
    "covid_blues": "COVID-BLUES",
    "pocus_folds": "covid_5_fold",
    "udiat_b": "UDIAT_Dataset_B",
}

# By any of these a folder of another name is known to hold the set itself.
LANDMARKS = {
    "busi": ("benign", "malignant", "normal"),
    "covid19_ultrasound": ("data/dataset_metadata.csv", "data/pocus_videos"),
    "covid_blues": ("lus_videos", "clinical_variables.csv"),
    "pocus_folds": tuple(f"covid_data{fold}.pkl" for fold in range(1, 6)),
    "udiat_b": ("original", "GT"),
}


def public_folder(reader: str, data_root: str) -> str:
    """The set's own folder: one of its public name below `data_root`, or `data_root` itself where that is the set's.

    Archives unpack to a folder in a folder, or to one with a branch behind its name (COVID-BLUES-main): these are found
    too, by the landmarks of the set. A set that is nowhere belongs under its public name. Sets without a public name or
    without landmarks are taken to be in `data_root`.
    """
    root, name, marks = Path(data_root), PUBLIC_FOLDERS.get(reader), LANDMARKS.get(reader)
    if name is None:
        return str(root)
    own = root if root.name == name else root / name
    if marks is None:
        return str(own if own.is_dir() else root)
    places = [own, own / name, root, *sorted(root.glob(f"{name}-*"))]
    marked = (place for place in places if any((place / mark).exists() for mark in marks))
    return str(next(marked, own))
