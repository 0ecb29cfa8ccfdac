"""Your own images, listed in a CSV: `table` (labels.csv if left out) with file, label and perhaps patient or group.

Label: the column label. Group: the column patient or group, or the match of the regular expression `patient` or `group`
in the image's path; else the image. Images that the table doesn't list are left out.
"""

from pathlib import Path

from uscl.data.readers.shared.listing import Problem, Sources, sources
from uscl.data.readers.shared.own_data import media_below, mixed_groups, owners_of
from uscl.data.readers.shared.rows import labels_of, rows_of
from uscl.data.source import IMAGE_SUFFIXES, Source

FOLDER = None
LANDMARKS: tuple[str, ...] = ()
HAS_MASKS = False
OWN_DATA = True

LAYOUT = "images (png, jpg), with or without subfolders, and a CSV with the columns file and label"


def read(
    root: Path,
    *,
    group: str | None = None,
    patient: str | None = None,
    table: str | None = None,
    classes: list[str] | None = None,
    part: str | None = None,
) -> Sources:
    """List the images of the table. Raises UserError."""
    table = table or "labels.csv"
    images, problems = media_below(root, IMAGE_SUFFIXES, LAYOUT, table)
    rows, of_rows = rows_of(root, table, images, classes, needed=("label",), part=part)
    listed = set(rows.cells.index) if rows else set()
    problems += [Problem(file, "left out", f"not in {table}") for file in images if file not in listed]
    files = sorted(listed)
    owners, of_groups = owners_of(root, files, rows, group=group, patient=patient, part=part)
    labels, of_labels = labels_of(root, files, rows, classes)
    found = [
        Source(file, file, "image", label=label, **owner._asdict())
        for file, owner, label in zip(files, owners, labels, strict=True)
    ]
    return sources(found, [*problems, *of_rows, *of_groups, *of_labels, *mixed_groups(found)])
