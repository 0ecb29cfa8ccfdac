"""Your own videos: a folder of videos at any depth, for pretraining.

A still image counts as a video of one frame. A video's name is its path. Group: the match of the regular expression
`patient` or `group` in the path, or the column of this name in `table`, a CSV in the folder with the column file; else
the video. Label: the column label, else none.
"""

from pathlib import Path

from uscl.data.readers.shared.listing import Sources, sources
from uscl.data.readers.shared.own_data import labels_of, media_below, mixed_groups, owners_of, rows_of
from uscl.data.source import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Source, kind_of

FOLDER = None
LANDMARKS: tuple[str, ...] = ()
HAS_MASKS = False
OWN_DATA = True

LAYOUT = "videos (mp4, avi, mov, mkv, wmv, DICOM and others) or images (png, jpg), with or without subfolders"


def read(
    root: Path,
    *,
    group: str | None = None,
    patient: str | None = None,
    table: str | None = None,
    classes: list[str] | None = None,
) -> Sources:
    """List the videos. Raises UserError."""
    files, problems = media_below(root, VIDEO_SUFFIXES + IMAGE_SUFFIXES, LAYOUT, table)
    rows, of_rows = rows_of(root, table, files, classes)
    owners, of_groups = owners_of(root, files, rows, group=group, patient=patient)
    labels, of_labels = labels_of(root, files, rows, classes)
    found = [
        Source(file, file, kind_of(Path(file)), label=label, **owner._asdict())
        for file, owner, label in zip(files, owners, labels, strict=True)
    ]
    return sources(found, [*problems, *of_rows, *of_groups, *of_labels, *mixed_groups(found)])
