"""The columns of a table that a person wrote: which are the wanted ones, which nearly are, which are not used."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from uscl.base.errors import UserError
from uscl.data.units import listed

if TYPE_CHECKING:
    import pandas as pd

# Other names of the columns that the readers of own data know, in small letters without blanks and signs.
OTHER_NAMES = {
    "file": (
        *("filename", "filepath", "filenames", "files", "path", "name", "image", "imagename", "imagefile", "imagepath"),
        *("imageid", "img", "imgpath", "picture", "video", "videoname", "videofile", "videopath", "videoid", "frame"),
        *("scan", "clip", "fname", "id"),
    ),
    "label": (
        *(
            "labels",
            "class",
            "classes",
            "classid",
            "classname",
            "classlabel",
            "category",
            "diagnosis",
            "dx",
            "target",
            "y",
        ),
        *("finding", "pathology", "type", "outcome", "disease", "groundtruth", "gt", "malignancy", "status"),
    ),
    "patient": (
        *("patientid", "patientno", "patientnumber", "patientname", "patients", "pid", "pat", "patid", "subject"),
        *("subjectid", "subjects", "case", "caseid", "person", "mrn", "participant", "participantid", "studyid"),
    ),
    "group": ("groups", "groupid", "series", "seriesid", "cluster", "examination", "exam", "examid", "visit", "study"),
}
PARTS = ("splits", "folds", "set", "subset", "partition", "phase", "usage", "istrain", "istest")


def letters(name: str) -> str:
    """The name of a column in small letters, without blanks and signs."""
    return re.sub(r"[\W_]", "", name).lower()


def with_wanted(path: Path, table: pd.DataFrame, wanted: Sequence[str]) -> pd.DataFrame:
    """The table with the wanted columns under their names, which a header may write in another case or with blanks.

    Raises UserError for a column that is there twice.
    """
    names = [" ".join(str(name).split()) for name in table.columns]
    for column in wanted:
        same = [k for k, name in enumerate(names) if name.lower() in (column.lower(), f"{column.lower()}.1")]
        if len(same) > 1:  # pandas calls the second label `label.1`
            raise UserError(f"{path} has the column {column} {len(same)} times, in any spelling: keep one of them.")
        for k in same:
            names[k] = column if names[k].lower() == column.lower() else names[k]
    return table.set_axis(names, axis="columns")


def require_columns(path: Path, found: Iterable[str], needed: Sequence[str]) -> None:
    """Raise UserError if a column is absent, which names those that may be meant."""
    names = [name for name in found if name and not name.startswith("Unnamed: ")]
    absent = [column for column in needed if column not in names]
    if not absent:
        return
    near = ((column, near_column(column, names)) for column in absent)
    hints = "".join(f" Rename {other} to {column} if that is meant." for column, other in near if other)
    there = ", ".join(names) or "no column with a name"
    raise UserError(
        f"{path} has no column {', '.join(absent)}: it should have {', '.join(needed)}, but has {there}.{hints}"
    )


def near_column(column: str, names: Sequence[str]) -> str:
    """The column that may be meant by a wanted one: by another name of it, or one that is written almost alike; or "".

    >>> near_column("patient", ["age", "Patient_ID"]), near_column("label", ["lable"]), near_column("group", ["age"])
    ('Patient_ID', 'lable', '')
    """
    by_letters = {letters(name): name for name in reversed(names)}
    others = [other for other in OTHER_NAMES.get(column, ()) if other in by_letters]
    alike = difflib.get_close_matches(letters(column), list(by_letters), n=1, cutoff=0.75)
    return by_letters[(others or alike)[0]] if others or alike else ""


def unused_columns(found: Iterable[str], used: Sequence[str]) -> str:
    """One sentence part about the columns that are not used, or ""; it names those that a user may have meant to use.

    `used` are the columns that a reader knows; those of them that the table lacks may be there under another name.
    """
    names = [name for name in found if name and name not in used and not name.startswith("Unnamed: ")]
    if not names:
        return ""
    grouped = {"patient", "group"} & set(found)
    lacking = [column for column in used if column not in found and not (grouped and column in ("patient", "group"))]
    near = {column: near_column(column, names) for column in lacking}
    hints = [f"rename {other} to {column} if it is the {column}" for column, other in near.items() if other]
    hints += [f"the study draws its own folds, whatever {name} says" for name in names if letters(name) in PARTS]
    some = listed(names) if len(names) <= 10 else f"{', '.join(names[:10])} and {len(names) - 10} more"
    return "; ".join([f"not used: the column{'s' if len(names) > 1 else ''} {some}", *hints])
