"""Your own images, in one folder per class.

Label: the first folder of the path; images may be in subfolders of it. If a task is tested on parts that are folders,
the label is the first folder that is no part, so both train/benign/ and benign/train/ will do. Group: the match of the
regular expression `patient` or `group` in the path, or the column of this name in `table`, a CSV in the folder with the
column file; else the image.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from uscl.base.errors import UserError
from uscl.data.readers.shared.cells import name_key, visible, whole
from uscl.data.readers.shared.companions import without_companions
from uscl.data.readers.shared.listing import Problem, Sources, sources
from uscl.data.readers.shared.own_data import (
    WHOLE_SET,
    media_below,
    mixed_groups,
    owners_of,
    refuse_twins,
)
from uscl.data.readers.shared.part_names import is_part, part_names
from uscl.data.readers.shared.rows import FOLDER as FOLDER_PART
from uscl.data.readers.shared.rows import Rows, doubtful_classes, rows_of
from uscl.data.readers.shared.tables import nearest
from uscl.data.source import IMAGE_SUFFIXES, Source

FOLDER = None
LANDMARKS: tuple[str, ...] = ()
HAS_MASKS = False
OWN_DATA = True

LAYOUT = "a folder of images (png, jpg) for each of two or more classes"


def read(
    root: Path,
    *,
    group: str | None = None,
    patient: str | None = None,
    table: str | None = None,
    classes: list[str] | None = None,
    part: str | None = None,
) -> Sources:
    """List the images. Raises UserError."""
    images, problems = media_below(root, IMAGE_SUFFIXES, LAYOUT, table)
    divided = part == FOLDER_PART
    files, outside = class_images(images, divided)
    check_classes(root, files, classes, divided)
    rows, of_rows = rows_of(root, table, files, None, part=part)
    check_rows(root, rows, divided)
    owners, of_groups = owners_of(root, files, rows, group=group, patient=patient, part=part)
    found = [
        Source(file, file, "image", label=label_of(file, divided), **owner._asdict())
        for file, owner in zip(files, owners, strict=True)
    ]
    doubts = doubtful_classes(WHOLE_SET, [source.label for source in found], classes)
    doubts += [] if divided else divided_alike(files)
    return sources(found, [*problems, *outside, *of_rows, *of_groups, *doubts, *mixed_groups(found)])


def label_of(file: str, divided: bool = False) -> str:
    """The first folder of a path, of a set that is `divided` into folders the first that is no part; "" without one.

    >>> label_of("benign/a/1.png"), label_of("test/benign/1.png", divided=True), label_of("1.png")
    ('benign', 'benign', '')
    """
    folders = PurePosixPath(file).parts[:-1]
    return next((folder for folder in folders if not (divided and is_part(folder))), "")


def class_images(images: Sequence[str], divided: bool = False) -> tuple[list[str], list[Problem]]:
    """The images in class folders; other images, masks and previews are problems."""
    files, problems = without_companions(images)
    outside = [
        Problem(file, "set aside", "an image outside the class folders")
        for file in files
        if not label_of(file, divided)
    ]
    return [file for file in files if label_of(file, divided)], problems + outside


def divided_alike(files: Sequence[str]) -> list[Problem]:
    """A remark if every class folder has the same folders in it, which are then perhaps the classes."""
    inner: dict[str, set[str]] = defaultdict(set)
    for file in files:
        inner[label_of(file)].update(PurePosixPath(file).parts[1:-1][:1])
    first, *others = inner.values()
    if len(first) < 2 or part_names(first) or any(names != first for names in others):
        return []
    reason = (
        f"every class folder holds the folders {' and '.join(sorted(first))}: if these are the classes, list the images"
        " in a CSV (kind image_csv)"
    )
    return [Problem(WHOLE_SET, "kept", reason)]


def check_classes(
    root: Path,
    files: list[str],
    classes: list[str] | None,
    divided: bool = False,
    *,
    noun: str = "images",
    layout: str = LAYOUT,
) -> None:
    """Raise UserError unless the folders with files are two or more classes, and equal `classes` if given.

    `noun` and `layout` say what the reader's files are, and what it expects.
    """
    folders = sorted({label_of(file, divided) for file in files})
    there = ", ".join(folders) or "none"
    parts = part_names(set(folders) - set(classes or ()))
    if parts and len(folders) > 1:
        what = "which are not classes" if len(parts) > 1 else "which is no class"
        raise UserError(
            f"{root} is divided into {', '.join(sorted(parts))}, {what}: use one folder per class, since the study"
            " draws its own folds; to test on these parts, set `splits: {given: folder}` of the task (if they are"
            " classes, name all classes in `classes`)."
        )
    for name in classes or ():
        if name not in folders:
            raise UserError(f"{root} has no images in a folder {name}, which `classes` names: images are in {there}.")
    for folder in folders:
        if classes is not None and folder not in classes:
            near = nearest(folder, classes)
            raise UserError(f"The folder {folder} in {root} is none of `classes`; the nearest is {near}.")
    if len(folders) < 2:
        deeper = {file.split("/")[1] for file in files if file.count("/") > 1}
        advice = f": set data_root to {root / there} if the classes are {', '.join(sorted(deeper))}"
        raise UserError(f"{root} should hold {layout}; {noun} are in {there}{advice if len(deeper) > 1 else ''}.")
    refuse_twins(root, {folder: name_key(folder) for folder in folders})


def check_rows(root: Path, rows: Rows | None, divided: bool = False) -> None:
    """Raise UserError for a row whose label is not the image's folder."""
    if rows is None or "label" not in rows.cells:
        return
    for file, label in rows.cells["label"].items():
        folder = label_of(str(file), divided)
        if label and label != whole(visible(folder)):
            raise UserError(
                f"{root / rows.name} gives {file} the label {label!r}, but it lies in the folder {folder}:"
                " move it or fix the row."
            )
