"""Butterfly: lung videos of the Butterfly probe, the public part of US-4, as folders of frames.

Source: https://github.com/Schuture/Meta-USCL, section 4.2 of its README (Google Drive); Chen et al., USCL, MICCAI 2021.
Licence: not stated. 22 videos, VIDEO/<name>frame<number>.jpg, at any depth; ordinary video files are read too.
Unlabelled. Group: the video, as no patient ids exist.
"""

from pathlib import Path

from uscl.base.errors import UserError
from uscl.data.readers.shared.frame_folders import frame_folders
from uscl.data.readers.shared.listing import Problem, Sources, relative, require, sources
from uscl.data.readers.shared.own_data import files_below
from uscl.data.source import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Source

FOLDER = "Butterfly_Dataset"
LANDMARKS: tuple[str, ...] = ()
HAS_MASKS = False

LAYOUT = f"one folder per video with NAMEframe1.jpg and so on, or the folder {FOLDER} with these"


def read(root: Path) -> Sources:
    """List the folders of frames and the videos. Raises UserError."""
    refuse_other_sets(require(root, ".", LAYOUT))
    paths, problems = files_below(root)
    folders = frame_folders([relative(root, path) for path in paths])
    videos = [file for file in folders.others if file.lower().endswith(VIDEO_SUFFIXES)]
    files = [Source(folder, folder, "frames", folder, "", unit="video") for folder in folders.videos]
    files += [Source(file, file, "video", file, "", unit="video") for file in videos]
    if not files and not folders.problems:
        raise UserError(f"{root} has no videos: it should hold {LAYOUT}.")
    strange = [Problem(file, "set aside", not_a_frame(file)) for file in folders.others if file not in videos]
    return sources(files, [*problems, *folders.problems, *strange])


def refuse_other_sets(root: Path) -> None:
    """Raise UserError for a folder that holds other public sets: their videos would count as this one's."""
    from uscl.data.readers import READERS  # late: that registry imports this module

    public = sorted(found.folder for found in READERS.values() if found.folder and found.folder != FOLDER)
    if others := [name for name in public if (root / name).is_dir()]:
        raise UserError(f"{root} holds other sets ({', '.join(others)}): put the videos in {root / FOLDER}.")


def not_a_frame(file: str) -> str:
    """Why a file is neither a frame nor a video."""
    if file.lower().endswith(IMAGE_SUFFIXES):
        return "the name does not end in frame<number>"
    return f"the name does not end in {', '.join(IMAGE_SUFFIXES + VIDEO_SUFFIXES)}"
