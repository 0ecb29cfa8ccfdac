"""Sort the files of a user's folder: media that a reader takes, media that it can't read, and everything else."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from uscl.data.content import content
from uscl.data.readers.shared.listing import Problem, relative
from uscl.data.source import (
    DICOM_SUFFIXES,
    IMAGE_SUFFIXES,
    OTHER_MEDIA_SUFFIXES,
    VIDEO_SUFFIXES,
    has_ending,
)

MEDIA_SUFFIXES = VIDEO_SUFFIXES + IMAGE_SUFFIXES + OTHER_MEDIA_SUFFIXES
DICOM_INDEX = "dicomdir"  # lists the files of a DICOM export, and has no pixels


def sorted_out(root: Path, paths: Iterable[Path], suffixes: Sequence[str]) -> tuple[list[Path], list[Problem]]:
    """The files that a reader of these suffixes takes, and the problem of every other file.

    A video without an ending is taken, by its content, if the reader takes videos. A media file that can't be read is
    set aside, which is a warning and stops the run if the study says so; other files are left out.
    """
    media: list[Path] = []
    problems: list[Problem] = []
    for path in paths:
        action, reason = verdict(path, suffixes)
        if action:
            problems.append(Problem(relative(root, path), action, reason))
        else:
            media.append(path)
    return media, problems


def verdict(path: Path, suffixes: Sequence[str]) -> tuple[str, str]:
    """What happens to a file and why; ("", "") if it is taken."""
    if path.suffix.lower() in suffixes:
        return "", ""
    if path.stem.lower() == DICOM_INDEX:
        return "left out", "the index of a DICOM export, which has no pixels"
    if path.name.lower().endswith(MEDIA_SUFFIXES):
        taken = f"this set takes {', '.join(suffixes)}"
        return "set aside", f"a media file, but its ending {path.suffix} is not read here: {taken}"
    try:
        found = content(path)
    except OSError as error:
        return "set aside", f"cannot be read: {error.strerror}"
    return verdict_by_content(path, found, suffixes)


def verdict_by_content(path: Path, found: str, suffixes: Sequence[str]) -> tuple[str, str]:
    """The same for a file whose name says nothing: an ending that no media have, or none."""
    takes_videos = set(DICOM_SUFFIXES) <= set(suffixes)
    if not has_ending(path.name) and found in ("DICOM", "video"):
        reason = f"of type {found} by its content, but this set takes {', '.join(suffixes)}"
        return ("", "") if takes_videos else ("set aside", reason)
    if found:
        advice = f"give its name the ending {'.dcm' if found == 'DICOM' else 'of its type'}"
        return "set aside", f"of type {found} by its content, but not by its name: {advice}"
    return "left out", f"the name does not end in {', '.join(suffixes)}"
