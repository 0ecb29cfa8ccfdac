"""What a reader lists: a source of frames. Apart from the readers, since the decoders need no tables."""

from typing import NamedTuple


class Source(NamedTuple):
    """One video or still image; paths are relative to the data set's folder, with forward slashes."""

    video: str  # unique within the data set
    file: str
    kind: str  # "video", "image", "frames" (a folder of images in time order) or "fold" (a part of a pickled fold)
    group: str  # patient or series: what may never be split
    label: str  # "" where unlabelled
    masks: tuple[str, ...] = ()
