"""Butterfly: lung videos of the Butterfly probe, the public part of US-4, as folders of frames.

Source: https://github.com/Schuture/Meta-USCL, section 4.2 of its README (Google Drive); Chen et al., USCL, MICCAI 2021.
Licence: not stated. 22 videos, VIDEO/<name>frame<number>.jpg, at any depth; ordinary video files are read too.
Unlabelled. Group: the video, as no patient ids exist.
"""

from collections.abc import Iterable
from pathlib import Path

from uscl.base.errors import UserError
from uscl.data.readers.shared.listing import Problem, Sources, relative, require, set_aside, sources
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
    files: list[Source] = []
    folders: dict[Path, list[Path]] = {}
    for path in paths:
        name = relative(root, path)
        if path.suffix.lower() in VIDEO_SUFFIXES:
            files.append(Source(name, name, "video", name, "", unit="video"))
        elif reason := not_a_frame(root, path):
            problems.append(set_aside(root, path, reason))
        else:
            folders.setdefault(path.parent, []).append(path)
    videos, ambiguous = frame_videos(root, folders.items())
    files += videos
    problems += ambiguous
    if not files and not ambiguous:
        raise UserError(f"{root} has no videos: it should hold {LAYOUT}.")
    return sources(files, problems)


def refuse_other_sets(root: Path) -> None:
    """Raise UserError for a folder that holds other public sets: their videos would count as this one's."""
    from uscl.data.readers import READERS  # late: that registry imports this module

    public = sorted(found.folder for found in READERS.values() if found.folder and found.folder != FOLDER)
    if others := [name for name in public if (root / name).is_dir()]:
        raise UserError(f"{root} holds other sets ({', '.join(others)}): put the videos in {root / FOLDER}.")


def not_a_frame(root: Path, path: Path) -> str:
    """Why a file isn't a frame of a video, or ""."""
    from uscl.data.decode.frame_folder import frame_number

    if path.suffix.lower() not in IMAGE_SUFFIXES:
        return f"the name does not end in {', '.join(IMAGE_SUFFIXES + VIDEO_SUFFIXES)}"
    if frame_number(path) is None:
        return "the name does not end in frame<number>"
    return "a frame outside of a video's folder" if path.parent == root else ""


def frame_videos(root: Path, folders: Iterable[tuple[Path, list[Path]]]) -> tuple[list[Source], list[Problem]]:
    """One source per folder of frames; a folder with two frames of the same number is set aside."""
    from uscl.data.decode.frame_folder import in_order
    from uscl.data.decode.video import BadMedia

    files, problems = [], []
    for folder, paths in folders:
        name = relative(root, folder)
        try:
            in_order(paths)
            files.append(Source(name, name, "frames", name, "", unit="video"))
        except BadMedia as error:
            problems.append(set_aside(root, folder, str(error)))
    return files, problems
