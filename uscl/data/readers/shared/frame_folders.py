"""Recognize videos that are given as a folder of images, one per frame: NAME/NAME_frame1.png.

One rule for every reader: an image whose name ends in frame<number> is a frame, and the frames of a folder are a video.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from uscl.base.text import counted
from uscl.data.readers.shared.listing import Problem
from uscl.data.readers.shared.own_data import WHOLE_SET
from uscl.data.source import IMAGE_SUFFIXES

FEWEST_NUMBERED = 3  # images whose names differ only in numbers, and that may be meant as a video


class FrameFolders(NamedTuple):
    """The folders of frames among some files, the other files, and the problems of frames that are no video."""

    videos: list[str]
    others: list[str]
    problems: list[Problem]


def frame_folders(files: Sequence[str]) -> FrameFolders:
    """Divide files (paths relative to the data set's folder) into frames and others."""
    from uscl.data.decode.frame_folder import frame_number  # late: it imports NumPy

    folders: dict[str, list[str]] = defaultdict(list)
    others, problems = [], []
    for file in files:
        path = PurePosixPath(file)
        if path.suffix.lower() not in IMAGE_SUFFIXES or frame_number(Path(file)) is None:
            others.append(file)
        elif "/" not in file:
            reason = "a frame outside of a video's folder: give each video a folder of its own"
            problems.append(Problem(file, "set aside", reason))
        else:
            folders[str(path.parent)].append(path.name)
    faults = {folder: not_one_video(names) for folder, names in folders.items()}
    problems += [Problem(folder, "set aside", fault) for folder, fault in faults.items() if fault]
    return FrameFolders([folder for folder, fault in faults.items() if not fault], others, problems)


def not_one_video(names: Sequence[str]) -> str:
    """Why the frames of a folder are not one video, or ""."""
    from uscl.data.decode.frame_folder import in_order
    from uscl.data.decode.video import BadMedia

    videos = sorted({re.split(r"frame[ _-]*\d+\.\w+$", name.lower())[0] for name in names})
    try:
        in_order(map(Path, names))
    except BadMedia as error:
        return f"{error}; give each a folder of its own"
    if len(videos) > 1:
        return f"frames of several videos ({', '.join(videos)}): give each a folder of its own"
    return ""


def numbered_images(images: Sequence[str]) -> list[Problem]:
    """A remark on folders of images whose names differ only in numbers, which may be meant as videos."""
    alike = Counter((str(PurePosixPath(image).parent), without_numbers(image)) for image in images)
    found = sorted({folder for (folder, _), count in alike.items() if count >= FEWEST_NUMBERED})
    if not found:
        return []
    reason = (
        f"{counted(len(found), 'folder')} of images whose names differ only in numbers, such as {found[0]}: each image"
        " counts as a video of one frame; if they are frames of a video, name them frame1, frame2 and so on"
    )
    return [Problem(WHOLE_SET, "kept", reason)]


def without_numbers(image: str) -> str:
    """The name of an image with 0 for each number.

    >>> without_numbers("p1/v1_f10.png"), without_numbers("p1/overview.png")
    ('v0_f0', 'overview')
    """
    return re.sub(r"\d+", "0", PurePosixPath(image).stem).lower()
