"""The sources of frames that a reader lists, and their kinds."""

import math
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any, NamedTuple

DICOM_SUFFIXES = (".dcm", ".dic", ".dicom", ".ima")
VIDEO_SUFFIXES = (
    *(".3g2", ".3gp", ".asf", ".avi", *DICOM_SUFFIXES, ".flv", ".gif", ".m2t", ".m2ts", ".m2v", ".m4v", ".mkv", ".mov"),
    *(".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".qt", ".ts", ".vob", ".webm", ".wmv"),
)
IMAGE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
# Media that no reader takes. They are no tables or text, so the loss of one is reported.
OTHER_MEDIA_SUFFIXES = (
    *(".apng", ".avif", ".dib", ".divx", ".dv", ".f4v", ".h264", ".heic", ".heif", ".hevc", ".jfif", ".jp2", ".jpe"),
    *(".m1v", ".mha", ".mhd", ".mjpeg", ".mjpg", ".mpe", ".mxf", ".nii", ".nii.gz", ".nrrd", ".ogm", ".pbm", ".pgm"),
    *(".pnm", ".ppm", ".rm", ".rmvb", ".swf", ".tga", ".vol", ".wtv"),
)


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
    lesion_labels: tuple[int, ...] = ()  # of the masks; all labels above 0 if empty
    part: str = ""  # the split or fold in which the provider puts it; "" if none
    origin: str = ""  # the clinic, web page or publication that it comes from; "" if unknown
    crop: tuple[float, ...] = ()  # the part of its pictures that is used (uscl.data.decode.crop); () for all
    mm_per_pixel: float = math.nan  # as a table gives it; NaN if only the file can tell
    start_s: float = 0.0  # of the part of a video that is used: its frames from start_s to before end_s, in seconds
    end_s: float = math.inf


def stored_source(root: Path, row: Mapping[str, Any]) -> Source:
    """The source of a row of a manifest, cropped to the picture that was stored."""
    place = row["video"], row["file"], kind_of(root / row["file"])
    crop = tuple(int(row[side]) for side in ("left", "top", "width", "height"))
    return Source(*place, row["group"], row["label"], crop=crop)


def kind_of(path: Path) -> str:
    """The `Source.kind` of the file or folder at a path."""
    if path.is_dir():
        return "frames"
    suffix = path.suffix.lower()
    return "image" if suffix in IMAGE_SUFFIXES else "fold" if suffix == ".pkl" else "video"


def has_ending(name: str) -> bool:
    """Whether a name ends in a file type: DICOM exports have names without one, or with numbers and dots.

    >>> has_ending("a.mp4"), has_ending("IM_0001"), has_ending("1.2.840.10008.7")
    (True, False, False)
    """
    suffix = PurePath(name).suffix
    return bool(suffix) and not suffix[1:].isdigit()
