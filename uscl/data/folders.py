"""Where the files of a data set lie below the folder that a user names.

Light on purpose: the workflow asks at every call.
"""

from pathlib import Path

# The names under which the sets are published; a download or a clone makes a folder of this name.
PUBLIC_FOLDERS = {
    "busi": "Dataset_BUSI_with_GT",
    "covid19_ultrasound": "covid19_ultrasound",
    "covid_blues": "COVID-BLUES",
}


def public_folder(reader: str, data_root: str) -> str:
    """The set's own folder: that of its public name below `data_root` where there is one, else `data_root` itself."""
    named = Path(data_root, PUBLIC_FOLDERS.get(reader, "."))
    return str(named if named.is_dir() else Path(data_root))
