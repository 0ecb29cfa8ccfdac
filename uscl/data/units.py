"""What a group of a data set is: a patient if the data say so, else what the reader could group by.

Imports no pandas, since every `snakemake` call reads the readers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

# Singular and plural by unit. The audit joins groups that share a picture. Joined patients are one patient, who has two
# ids; joined files without a patient are a set of duplicates, since near-duplicates are not one image. Of different
# units, a group takes the first in this order: a video that shares a picture with a patient is of that patient.
NOUNS = {
    "patient": ("patient", "patients"),
    "group": ("group", "groups"),  # of a user's `group`, who alone knows what it is
    "fold": ("fold of the authors", "folds of the authors"),
    "series": ("series", "series"),  # files of one numbered series whose patients are unknown
    "duplicates": ("set of duplicates", "sets of duplicates"),
    "video": ("video", "videos"),
    "image": ("image", "images"),
}


def unit_of_file(kind: str) -> str:
    """The unit of a file that is a group of its own; `kind` is `Source.kind`.

    >>> unit_of_file("image"), unit_of_file("frames")
    ('image', 'video')
    """
    return "image" if kind == "image" else "video"


def unit_of_groups(rows: pd.DataFrame) -> pd.Series:
    """The unit of each group (the index); `rows` has the columns group and unit, in any number of rows per group."""
    order = list(NOUNS)
    return rows["unit"].map(order.index).groupby(rows["group"]).min().map(order.__getitem__)


def counted_units(rows: pd.DataFrame) -> str:
    """How many groups of each unit there are, for readers; `rows` as for `unit_of_groups`.

    >>> import pandas as pd
    >>> counted_units(pd.DataFrame({"group": ["7", "7", "8", "a.mp4"], "unit": ["patient"] * 3 + ["video"]}))
    '2 patients and 1 video'
    """
    counts = unit_of_groups(rows).value_counts().to_dict()
    found = [f"{counts[unit]} {names[counts[unit] > 1]}" for unit, names in NOUNS.items() if unit in counts]
    return listed(found) if found else "none"


def plural_units(rows: pd.DataFrame) -> str:
    """What the groups are, without numbers: "patients", "patients and videos"; `rows` as for `unit_of_groups`.

    >>> import pandas as pd
    >>> plural_units(pd.DataFrame({"group": ["7", "8", "a.mp4"], "unit": ["patient", "patient", "video"]}))
    'patients and videos'
    """
    found = set(unit_of_groups(rows))
    return listed([names[1] for unit, names in NOUNS.items() if unit in found])


def singular_unit(rows: pd.DataFrame) -> str:
    """The name of any one group: "patient" if all groups are patients, "group" if their units differ.

    >>> import pandas as pd
    >>> singular_unit(pd.DataFrame({"group": ["7", "8"], "unit": ["patient", "patient"]}))
    'patient'
    >>> singular_unit(pd.DataFrame({"group": ["7", "a.mp4"], "unit": ["patient", "video"]}))
    'group'
    """
    found = set(unit_of_groups(rows))
    return NOUNS[found.pop()][0] if len(found) == 1 else "group"


def listed(parts: list[str]) -> str:
    """Parts of a sentence, joined.

    >>> listed(["a", "b", "c"]), listed(["a"])
    ('a, b and c', 'a')
    """
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last
