"""The sources of frames that a reader lists, and their kinds."""

import math
from pathlib import Path
from typing import NamedTuple

VIDEO_SUFFIXES = (".avi", ".dcm", ".gif", ".mov", ".mp4", ".mpeg", ".mpg")
IMAGE_SUFFIXES = (".jpeg", ".jpg", ".png")


class Source(NamedTuple):
    """One video or still image; paths are relative to the data set's folder, with forward slashes."""

    video: str  # unique within the data set
    file: str
    kind: str  # "video", "image", "frames" (a folder of images in time order) or "fold" (a part of a pickled fold)
    group: str  # what may never be split
    label: str  # "" if unlabelled
    masks: tuple[str, ...] = ()
    unit: str = ""  # what the group is, of uscl.data.units.NOUNS; the manifest needs it, decoding does not
    patient: str = ""  # as the data name the patient; "" if unknown
    part: str = ""  # the split or fold in which the provider puts it; "" if none
    origin: str = ""  # the clinic, web page or publication that it comes from; "" if unknown
    mm_per_pixel: float = math.nan  # as a table gives it; NaN if only the file can tell


def kind_of(path: Path) -> str:
    """The `Source.kind` of the file or folder at a path."""
    if path.is_dir():
        return "frames"
    suffix = path.suffix.lower()
    return "image" if suffix in IMAGE_SUFFIXES else "fold" if suffix == ".pkl" else "video"
