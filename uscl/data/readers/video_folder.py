"""Your own videos: a folder of videos at any depth, for pretraining.

A folder of images named NAME_frame1.png and so on is a video, any other still image a video of one frame. A video's
name is its path. Masks and previews next to images and videos are left out. Group: the match of the regular expression
`patient` or `group` in the path, or the column of this name in `table`, a CSV in the folder with the column file; else
the video. Label: the column label, else none.
"""

from pathlib import Path

from uscl.base.errors import UserError
from uscl.data.readers.shared.companions import without_companions
from uscl.data.readers.shared.frame_folders import frame_folders, numbered_images
from uscl.data.readers.shared.listing import Sources, sources
from uscl.data.readers.shared.own_data import media_below, mixed_groups, owners_of
from uscl.data.readers.shared.rows import labels_of, rows_of
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
    part: str | None = None,
) -> Sources:
    """List the videos. Raises UserError."""
    media, problems = media_below(root, VIDEO_SUFFIXES + IMAGE_SUFFIXES, LAYOUT, table)
    kept, companions = without_companions(media)
    folders = frame_folders(kept)
    kinds = {file: kind_of(Path(file)) for file in folders.others} | dict.fromkeys(folders.videos, "frames")
    if not kinds:
        raise UserError(f"{root} has no video: {folders.problems[0].file}: {folders.problems[0].reason}.")
    files = sorted(kinds)
    rows, of_rows = rows_of(root, table, files, classes, part=part)
    owners, of_groups = owners_of(root, files, rows, group=group, patient=patient, part=part)
    labels, of_labels = labels_of(root, files, rows, classes)
    found = [
        Source(file, file, kinds[file], label=label, **owner._asdict())
        for file, owner, label in zip(files, owners, labels, strict=True)
    ]
    numbered = numbered_images([file for file in files if kinds[file] == "image"])
    remarks = [*companions, *folders.problems, *numbered, *of_rows, *of_groups, *of_labels, *mixed_groups(found)]
    return sources(found, [*problems, *remarks])
