"""Recognize videos that are given as a folder of images, one per frame: NAME/NAME_frame1.png.

One rule for every reader: an image whose name ends in frame<number> is a frame, and the frames of a folder are a video.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from uscl.base.text import counted
from uscl.data.readers.shared.listing import Problem
from uscl.data.readers.shared.own_data import WHOLE_SET
from uscl.data.source import IMAGE_SUFFIXES

FEWEST_NUMBERED = 3  # images with consecutive numbers that may be meant as a video


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
            problems.append(Problem(file, "set aside", "a frame outside of a video's folder"))
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
    """A remark on folders of images with consecutive numbers, which may be meant as videos."""
    numbers: dict[tuple[str, str], list[int]] = defaultdict(list)
    for image in images:
        path = PurePosixPath(image)
        if match := re.fullmatch(r"(.*?)(\d{1,9})\W*", path.stem):
            numbers[str(path.parent), match[1].lower()].append(int(match[2]))
    found = sorted({folder for (folder, _), there in numbers.items() if consecutive(there)})
    if not found:
        return []
    reason = (
        f"{counted(len(found), 'folder')} of images with consecutive numbers, such as {found[0]}: each image counts as"
        " a video of one frame; if they are frames of a video, name them frame1, frame2 and so on"
    )
    return [Problem(WHOLE_SET, "kept", reason)]


def consecutive(numbers: Sequence[int]) -> bool:
    """Whether a few numbers or more have no gap."""
    return len(numbers) >= FEWEST_NUMBERED and max(numbers) - min(numbers) + 1 == len(set(numbers)) == len(numbers)
