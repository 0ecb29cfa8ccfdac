"""The pictures of a data set whose points are compared: all images, and one picture per second of a video.

They are read again from the files, since points need a finer picture than a network does.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from uscl.audit.changed_copies import ALL_POINTS, points_searched
from uscl.audit.points import SIDE, Points, joined, points_of
from uscl.data.decode.clip import read_source
from uscl.data.decode.video import BadMedia
from uscl.data.source import stored_source

SIDE_OF_MANY = 256  # the same for sets of more than `ALL_POINTS` pictures: the time grows with the pixels
RATE_HZ = 1.0

log = logging.getLogger(__name__)


def points_of_set(manifest: pd.DataFrame, root: Path, workers: int) -> Points:
    """The points of a set's pictures. Logs files that can't be read again; they have none."""
    seconds = manifest["time_s"].astype(int)
    pictures = len(manifest.assign(second=seconds).drop_duplicates(["video", "second"]))
    size, most = size_and_points(pictures)
    videos = [part for _, part in manifest.groupby("video", sort=False)]
    with ThreadPoolExecutor(workers) as pool:
        return joined(list(pool.map(partial(points_of_video, root, size, most), videos)))


def size_and_points(pictures: int) -> tuple[int, int]:
    """The pixels per side of the pictures of a set of this many, and how many points are taken of each."""
    return SIDE if pictures <= ALL_POINTS else SIDE_OF_MANY, points_searched(pictures)


def points_of_video(root: Path, size: int, most: int, frames: pd.DataFrame) -> Points:
    """At most `most` points of each picture of an image or video; `frames` are its rows of the manifest."""
    row = frames.iloc[0]
    try:
        clip, _ = read_source(root, stored_source(root, row), size, RATE_HZ, None)
    except (BadMedia, OSError) as error:
        log.warning("%s can't be read again, so changed copies of it are not found: %s", row["file"], error)
        return points_of([])
    stored = frames["frame"].to_numpy()
    pictures = (
        (int(frames["row"].iloc[np.abs(stored - number).argmin()]), picture)
        for number, picture in zip(clip.number, clip.frames, strict=True)
        if number <= stored.max()
    )
    return points_of(pictures, most)
