"""Your own labelled videos: a folder per class, or a table of videos, or of parts of videos.

Videos are those of `video_folder`: files, DICOM clips, folders of frames, still images. Label: the column label of
`table` if there is one, else the first folder of the path that is no part. With the columns start and end (seconds) a
row labels a part of its file; the parts of a file are videos of one group. Group: as for `video_folder`.
"""

import math
from pathlib import Path

from uscl.data.readers.image_folder import check_classes, label_of
from uscl.data.readers.shared.cells import examples
from uscl.data.readers.shared.companions import without_companions
from uscl.data.readers.shared.frame_folders import frame_folders, numbered_images
from uscl.data.readers.shared.frame_ranges import Range, has_ranges, ranges_of
from uscl.data.readers.shared.listing import Problem, Sources, sources
from uscl.data.readers.shared.own_data import WHOLE_SET, Owner, media_below, mixed_groups, owners_of
from uscl.data.readers.shared.rows import FOLDER as FOLDER_PART
from uscl.data.readers.shared.rows import labels_of, rows_of
from uscl.data.source import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Source, kind_of

FOLDER = None
LANDMARKS: tuple[str, ...] = ()
HAS_MASKS = False
OWN_DATA = True

LAYOUT = "a folder of videos (mp4, avi, DICOM and others) for each of two or more classes, or videos and a `table`"


def read(
    root: Path,
    *,
    group: str | None = None,
    patient: str | None = None,
    table: str | None = None,
    classes: list[str] | None = None,
    part: str | None = None,
) -> Sources:
    """List the videos, or the labelled parts of videos. Raises UserError."""
    media, problems = media_below(root, VIDEO_SUFFIXES + IMAGE_SUFFIXES, LAYOUT, table)
    kept, companions = without_companions(media)
    folders = frame_folders(kept)
    kinds = {file: kind_of(Path(file)) for file in folders.others} | dict.fromkeys(folders.videos, "frames")
    files, ranged = sorted(kinds), has_ranges(root, table)
    rows, of_rows = rows_of(root, table, files, classes, part=part, ranged=ranged)
    owners, of_groups = owners_of(root, files, rows, group=group, patient=patient, part=part)
    if ranged and table:
        parts = ranges_of(root, table, files, classes)
        of_labels = without_range([file for file in files if file not in parts])
    elif rows is not None and "label" in rows.cells:
        labels, of_labels = labels_of(root, files, rows, classes)
        parts = {file: [Range(0, math.inf, label)] for file, label in zip(files, labels, strict=True)}
    else:
        divided = part == FOLDER_PART
        inside = {file: label_of(file, divided) for file in files}
        labelled = [file for file, label in inside.items() if label]
        check_classes(root, labelled, classes, divided, noun="videos", layout=LAYOUT)
        reason = "a video outside the class folders"
        of_labels = [Problem(file, "set aside", reason) for file, label in inside.items() if not label]
        parts = {file: [Range(0, math.inf, label)] for file, label in inside.items() if label}
    found = [
        source_of(file, kinds[file], one, owner)
        for file, owner in zip(files, owners, strict=True)
        for one in parts.get(file, [])
    ]
    numbered = numbered_images([file for file in files if kinds[file] == "image"])
    remarks = [*companions, *folders.problems, *numbered, *of_rows, *of_groups, *of_labels, *mixed_groups(found)]
    return sources(found, [*problems, *remarks])


def source_of(file: str, kind: str, part: Range, owner: Owner) -> Source:
    """A video, or a part of one, which is a video of its own in the group of its file."""
    video = file if part.whole else f"{file} ({part.name})"
    return Source(video, file, kind, label=part.label, start_s=part.start, end_s=part.end, **owner._asdict())


def without_range(files: list[str]) -> list[Problem]:
    """A remark on the files of which the table labels no part."""
    reason = f"no row for {examples(files)}: nothing of these files is read"
    return [Problem(WHOLE_SET, "kept", reason)] if files else []
