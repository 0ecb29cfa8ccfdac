"""Your own videos: a folder of videos at any depth, for pretraining.

A still image counts as a video of one frame. A video's name is its path. Group: the match of the regular expression
`group` in the path, or the column group of `table`, a CSV in the folder with the columns file and group, label or both;
else the video. Label: the column label, else none.
"""

from pathlib import Path

from uscl.data.readers.shared.listing import Sources, sources
from uscl.data.readers.shared.own_data import groups_of, labels_of, media_below, mixed_groups, rows_of
from uscl.data.source import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Source, kind_of

FOLDER = None
LANDMARKS: tuple[str, ...] = ()
HAS_MASKS = False
OWN_DATA = True

LAYOUT = "videos (mp4, avi, mov, mpeg, gif, dcm) or images (png, jpg), with or without subfolders"


def read(
    root: Path, *, group: str | None = None, table: str | None = None, classes: list[str] | None = None
) -> Sources:
    """List the videos. Raises UserError."""
    files, problems = media_below(root, VIDEO_SUFFIXES + IMAGE_SUFFIXES, LAYOUT, table)
    rows, of_rows = rows_of(root, table, files, classes)
    groups, of_groups = groups_of(root, files, group, rows, "video")
    labels, of_labels = labels_of(root, files, rows, classes)
    found = [
        Source(file, file, kind_of(Path(file)), of_file, label)
        for file, of_file, label in zip(files, groups, labels, strict=True)
    ]
    return sources(found, [*problems, *of_rows, *of_groups, *of_labels, *mixed_groups(found)])
