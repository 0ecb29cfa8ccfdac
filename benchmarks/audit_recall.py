"""How many changed copies the leakage audit finds, among how many pictures, and which other pairs it finds.

    python benchmarks/audit_recall.py [--data data] [--sets busi covid19_ultrasound covid_blues] [--pictures 50]
                                      [--among 50 5000] [--write uscl/report/pages/audit_recall.csv]

Takes pictures from public sets in the folder `--data`, evenly spread over their files, and changes each in every way of
changed_copies.py. Prints, per way and set, how many copies are found by hashes alone and by hashes or points, and the
pairs with other videos. `--among 5000` searches among as many pictures: frames of all files of these sets, and if these
are too few, the same frames stretched, which no zoom and rotation undoes. It also looks for copies within these
pictures, as the audit of a set of that size does, and prints the CPU seconds, the peak memory, and the pairs of files.
`--write` adds the rows to the table that the audit's page shows.
"""

import argparse
import csv
import resource
import sys
import time
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the library of this checkout, installed or not

from benchmarks.changed_copies import COPIES
from uscl.audit.changed_copies import copies_between, copies_within
from uscl.audit.hashes import hash_frames
from uscl.audit.matches import Side, matches_between, numbered
from uscl.audit.pictures import RATE_HZ, size_and_points
from uscl.audit.point_search import Pictures
from uscl.audit.points import Points, joined, points_of
from uscl.data.decode.clip import read_source
from uscl.data.decode.image import fit_image
from uscl.data.picture_box import picture_box
from uscl.data.readers import reader
from uscl.data.source import Source
from uscl.data.sources.folders import public_folder

FINE = 640  # pixels of the pictures that are changed
STORED = 96  # pixels of the frames that are hashed
FRAMES = 47_000  # of all files of the public sets, about: every nth is taken for smaller crowds
STRETCH = 0.6  # of the width of frames that are used a second time
PART = 1000  # pictures whose points are found at once
COLUMNS = ("copy", "dataset", "pictures", "among", "hashes", "both", "others")

Picture = NDArray[np.uint8]


class Crowd(NamedTuple):
    """Points of many pictures, and the file of each."""

    points: Points
    files: list[str]

    def pictures(self) -> Pictures:
        """In the form that the search takes; every file is a group of its own."""
        video = numbered(pd.Series(self.files))
        return Pictures(self.points, video, video)


def sources(name: str, data: Path) -> tuple[Path, list[Source]]:
    """The folder of a set, and its files."""
    root = Path(public_folder(name, str(data)))
    return root, [Source(*row) for row in reader(name)(root).files.itertuples(index=False)]


def originals(name: str, data: Path, count: int) -> tuple[list[str], list[Picture]]:
    """Names and pictures [height, width] of a set's files, evenly spread; of a video the frame after a second."""
    root, found = sources(name, data)
    names, pictures = [], []
    for source in found[:: max(1, len(found) // count)][:count]:
        clip, _ = read_source(root, source, FINE, RATE_HZ, 2)
        names.append(f"{name}: {source.video}")
        pictures.append(without_letterbox(clip.frames[-1], *clip.picture[-1][-2:]))
    return names, pictures


def without_letterbox(frame: Picture, height: int, width: int) -> Picture:
    """The picture in a letterboxed frame, given its size before that."""
    top, left, tall, wide = picture_box(height, width, FINE)
    return frame[top : top + tall, left : left + wide].copy()


def all_frames(sets: list[str], data: Path, size: int, every: int, stretch: float) -> Iterator[tuple[str, Picture]]:
    """Every nth frame of all files of some sets [size, size], with its file; narrower if `stretch` is below 1."""
    for name in sets:
        root, found = sources(name, data)
        for source in found:
            clip, _ = read_source(root, source, size, None, None)
            file = f"{name}: {source.video}{', stretched' if stretch < 1 else ''}"
            for frame in clip.frames[::every]:
                # A view of a frame would keep its whole clip in memory.
                yield file, frame.copy() if stretch == 1 else narrower(frame, stretch)


def narrower(frame: Picture, share: float) -> Picture:
    """A square frame narrowed to a share of its width and letterboxed."""
    small = cv2.resize(frame, (round(share * len(frame)), len(frame)), interpolation=cv2.INTER_AREA)
    return fit_image(small, len(frame))


def crowd(sets: list[str], data: Path, count: int) -> Crowd:
    """As many pictures: frames of all files, then the same frames stretched."""
    (size, most), every = size_and_points(count), max(1, FRAMES // count)
    frames = chain.from_iterable(all_frames(sets, data, size, every, stretch) for stretch in (1, STRETCH))
    parts, files = [], []
    while part := list(islice(frames, min(PART, count - len(files)))):
        parts.append(points_of(enumerate((frame for _, frame in part), len(files)), most))
        files += [file for file, _ in part]
    return Crowd(joined(parts), files)


def hashed(pictures: list[Picture]) -> Side:
    """Pictures as the search for hashes sees them, each a video and a group of its own."""
    numbers = np.arange(len(pictures))
    return Side(hash_frames(np.stack([fit_image(picture, STORED) for picture in pictures])), numbers, numbers)


def pointed(pictures: list[Picture], among: int) -> Points:
    """Their points, as many as in a set of that size."""
    size, most = size_and_points(among)
    return points_of(enumerate(fit_image(picture, size) for picture in pictures), most)


def measured(name: str, data: Path, count: int, among: int, others: Crowd) -> list[tuple]:
    """The rows of the table for one set; prints each."""
    names, pictures = originals(name, data, count)
    copies = [change(picture) for change in COPIES.values() for picture in pictures]
    near = matches_between(hashed(copies), hashed(pictures))
    own = Crowd(joined([pointed(pictures, among), others.points]), names + others.files)
    files = list(dict.fromkeys(own.files))
    numbers = np.arange(len(copies))
    changed = copies_between(Pictures(pointed(copies, among), numbers, numbers), own.pictures())
    by_hashes, by_points = (list(zip(table["video_a"], table["video_b"], strict=True)) for table in (near, changed))
    rows = []
    for number, copy in enumerate(COPIES):
        pairs = [
            {(names[one % len(names)], files[other]) for one, other in found if one // len(names) == number}
            for found in (by_hashes, by_hashes + by_points)
        ]
        right = [sum(one == other for one, other in found) for found in pairs]
        wrong = sorted((one, other) for one, other in pairs[1] if one != other)
        rows.append((copy, name, len(names), max(among, len(names)), *right, len(wrong)))
        print(*rows[-1], *wrong, sep="  ", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--sets", nargs="+", default=["busi", "covid19_ultrasound", "covid_blues"])
    parser.add_argument("--pictures", type=int, default=50)
    parser.add_argument("--among", type=int, nargs="+", default=[0])
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    rows = []
    for among in options.among:
        others = within(options.sets, options.data, among - options.pictures)
        print(*COLUMNS, sep="  ")
        for name in options.sets:
            rows += measured(name, options.data, options.pictures, among, others)
    if options.write:
        head = [] if options.write.exists() else [COLUMNS]
        with options.write.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([*head, *rows])


def within(sets: list[str], data: Path, count: int) -> Crowd:
    """As many pictures; prints what the search within them costs, and the pairs that it finds."""
    if count <= 0:
        return Crowd(points_of([]), [])
    started = time.process_time()
    found = crowd(sets, data, count)
    read = time.process_time() - started
    pairs = copies_within(found.pictures())
    searched, peak = time.process_time() - started - read, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    files = list(dict.fromkeys(found.files))
    print(f"{count:,} pictures of {len(files):,} files: {read:.0f} CPU s for points, {searched:.0f} to compare them;")
    print(f"peak memory {peak:.1f} GiB; {len(pairs)} pairs of files")
    for pair in pairs.itertuples():
        print(
            f"  {files[pair.video_a]}  {files[pair.video_b]}  {pair.points} points, {pair.correlation:.2f}", flush=True
        )
    return found


if __name__ == "__main__":
    main()
