"""What the settings of a set leave out: files (`exclude`) and the surroundings of pictures (`crop`)."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from uscl.base.errors import UserError
from uscl.data.readers.shared.listing import Problem, Sources
from uscl.data.readers.shared.own_data import WHOLE_SET
from uscl.data.readers.shared.rows import table_path
from uscl.data.readers.shared.tables import named_files, read_table, row_name, spelling

REASON = "named by `exclude`"


def without_excluded(root: Path, found: Sources, exclude: Sequence[str] | str | None) -> Sources:
    """What a reader found, without the files that `exclude` names: patterns, or a CSV in `root` with a column file.

    Raises UserError if it names none of them.
    """
    if not exclude:
        return found
    aside = [file for file in found.problems["file"] if file != WHOLE_SET]
    known = sorted({*found.files["file"], *aside})
    named = listed_files(root, exclude, known) if isinstance(exclude, str) else matched_files(exclude, known)
    excluded = {file for files in named.values() for file in files}
    if not excluded:
        example = f", such as {known[0]}" if known else ""
        raise UserError(f"`exclude` names none of the files in {root}{example}: fix it.")
    idle = [name for name, files in named.items() if not files]
    problems = [Problem(file, "left out", REASON) for file in sorted(excluded)]
    problems += [Problem(WHOLE_SET, "kept", f"`exclude` names {name}, which is no file of the set") for name in idle]
    files, others = (table[~table["file"].isin(excluded)] for table in (found.files, found.problems))
    return with_problems(found._replace(files=files, problems=others), problems)


def with_problems(found: Sources, problems: Sequence[Problem]) -> Sources:
    """What a reader found, with further problems."""
    import pandas as pd  # late: every call reads the settings, whose schema imports this module

    more = pd.DataFrame(list(problems), columns=list(Problem._fields), dtype="str")
    return found._replace(problems=pd.concat([found.problems, more], ignore_index=True))


def matched_files(patterns: Sequence[str], known: Sequence[str]) -> dict[str, list[str]]:
    """The files that each pattern matches, by their path or their bare name, in any case.

    >>> matched_files(["*_dop*", "b/*"], ["a/1_DOP.mp4", "a/2.mp4", "b/3.mp4"])
    {'*_dop*': ['a/1_DOP.mp4'], 'b/*': ['b/3.mp4']}
    """
    return {
        pattern: [
            file
            for file in known
            if any(fnmatchcase(spelling(name), spelling(pattern)) for name in (file, PurePosixPath(file).name))
        ]
        for pattern in patterns
    }


def listed_files(root: Path, table: str, known: Sequence[str]) -> dict[str, list[str]]:
    """The file that each row of a CSV names. Raises UserError."""
    path = table_path(root, table)
    cells = read_table(path, ["file"])["file"]
    names = named_files(path, cells[cells != ""], known)
    return {name: [name] if name in known else [] for name in names}


def with_crops(root: Path, found: Sources, crop: Sequence[float] | str | None) -> Sources:
    """What a reader found, with the crop of each file: one for all, or those in a CSV with the columns file and crop.

    Files that the CSV doesn't name keep their whole picture. Raises UserError.
    """
    if crop is None:
        return found
    files = found.files["file"].tolist()
    crops = crops_of(root, crop, files) if isinstance(crop, str) else dict.fromkeys(files, tuple(crop))
    whole = sum(file not in crops for file in files)
    reason = f"{whole} of {len(files)} files have no crop in {crop}: their whole picture is kept"
    cut = found._replace(files=found.files.assign(crop=[crops.get(file, ()) for file in files]))
    return with_problems(cut, [Problem(WHOLE_SET, "kept", reason)] if whole else [])


def crops_of(root: Path, table: str, files: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """The crop of each file that a CSV names. Raises UserError."""
    path = table_path(root, table)
    rows = read_table(path, ["file", "crop"])
    rows = rows[(rows["file"] != "") & (rows["crop"] != "")]
    crops = [crop_of(path, index, cell) for index, cell in rows["crop"].items()]
    return dict(zip(named_files(path, rows["file"], files), crops, strict=True))


def crop_of(path: Path, index: Any, cell: str) -> tuple[float, ...]:
    """A crop as written in a cell: four numbers with anything between them. Raises UserError that names the row."""
    try:
        crop = tuple(float(number) for number in re.split(r"[\s,;]+", cell.strip(" ()[]")))
    except ValueError:
        crop = ()
    if fault := crop_fault(crop):
        raise UserError(f"{row_name(path, index)}: crop is {cell!r}, but it {fault}.")
    return crop


def crop_fault(crop: Sequence[float]) -> str:
    """What is wrong with a crop, as the end of a sentence, or "".

    >>> crop_fault((0, 10, 600, 400)), crop_fault((0, 0, 0.5))
    ('', 'must be four numbers: left, top, width and height in pixels, or as shares of the picture')
    """
    if len(crop) != 4 or min(crop) < 0 or min(crop[2:]) <= 0 or max(crop) == float("inf"):
        return "must be four numbers: left, top, width and height in pixels, or as shares of the picture"
    if max(crop) <= 1 and max(crop[0] + crop[2], crop[1] + crop[3]) > 1 + 1e-9:
        return "leaves the picture: left and width, and top and height, must add up to 1 at most"
    return ""
