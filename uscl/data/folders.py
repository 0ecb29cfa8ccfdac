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
    """The set's own folder: that of its public name below `data_root`, or `data_root` itself where that is the set's.

    A folder is the set's own if it has its public name or holds one of its landmarks. A set that is in neither place
    belongs under its public name. Sets without landmarks are taken to be in `data_root`.
    """
    root, name, marks = Path(data_root), PUBLIC_FOLDERS.get(reader), LANDMARKS.get(reader)
    if name is None or root.name == name:
        return str(root)
    if not (root / name).is_dir() and (marks is None or any((root / mark).exists() for mark in marks)):
        return str(root)
    return str(root / name)
