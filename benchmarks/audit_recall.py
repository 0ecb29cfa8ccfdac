"""How many changed copies the leakage audit finds, and how many pairs it finds that are none.

    python benchmarks/audit_recall.py [--data data] [--sets busi covid19_ultrasound covid_blues] [--pictures 50]
                                      [--among 50] [--write uscl/report/pages/audit_recall.csv]

Takes pictures from public sets in the folder `--data`, evenly spread over their files, and changes each in every way of
changed_copies.py. Prints, per way and set, how many copies are found by hashes alone and by hashes or points, and the
pairs of different pictures that match. `--among` searches among as many pictures, most of them drawn: the points of the
set's pictures with other places and noise, since no public set is that large. `--write` adds the rows to the table that
the audit's page shows.
"""

import argparse
import csv
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]

from changed_copies import COPIES

from uscl.audit.changed_copies import ALL_POINTS, copies_between, points_searched
from uscl.audit.hashes import hash_frames
from uscl.audit.matches import Side, matches_between
from uscl.audit.point_search import Pictures
from uscl.audit.points import POINTS, SIDE, THUMBNAIL, Points, joined, points_of
from uscl.data.decode.clip import read_source
from uscl.data.decode.image import fit_image
from uscl.data.picture_box import picture_box
from uscl.data.readers import reader
from uscl.data.source import Source
from uscl.data.sources.folders import public_folder

FINE = 640  # pixels of the pictures that are changed
STORED = 96  # pixels of the frames that are hashed
NOISE = 25  # of a descriptor's bytes: its similarity to the point that it was drawn from is about 0.85
COLUMNS = ("copy", "dataset", "pictures", "among", "hashes", "both", "others")


class Shown(NamedTuple):
    """Pictures as the two searches of the audit see them, each a video and a group of its own."""

    hashed: Side
    pointed: Pictures


def shown(pictures: list[NDArray[np.uint8]]) -> Shown:
    numbers = np.arange(len(pictures))
    hashes = hash_frames(np.stack([fit_image(picture, STORED) for picture in pictures]))
    points = points_of(enumerate(fit_image(picture, SIDE) for picture in pictures))
    return Shown(Side(hashes, numbers, numbers), Pictures(points, numbers, numbers))


def originals(name: str, data: Path, count: int) -> tuple[list[str], list[NDArray[np.uint8]]]:
    """Names and pictures [height, width] of the first frames of a set's files, evenly spread."""
    root = Path(public_folder(name, str(data)))
    sources = [Source(*row) for row in reader(name)(root).files.itertuples(index=False)]
    names, pictures = [], []
    for source in sources[:: max(1, len(sources) // count)][:count]:
        clip, _ = read_source(root, source, FINE, None, 1)
        names.append(source.video)
        pictures.append(without_letterbox(clip.frames[0], *clip.picture[0][-2:]))
    return names, pictures


def without_letterbox(frame: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """The picture in a letterboxed frame, given its size before that."""
    top, left, tall, wide = picture_box(height, width, FINE)
    return frame[top : top + tall, left : left + wide].copy()


def crowded(own: Pictures, count: int) -> Pictures:
    """The pictures, and as many drawn ones as make `count`: points of the former, with noise and at other places."""
    rng, before = np.random.default_rng(0), len(own.video)
    each = POINTS if count <= ALL_POINTS else points_searched(count)
    drawn = max(0, count - before)
    taken = rng.integers(0, len(own.points.picture), drawn * each)
    noise = rng.integers(-NOISE, NOISE + 1, (len(taken), 128), dtype=np.int16)
    more = Points(
        np.arange(drawn),
        np.zeros((drawn, THUMBNAIL, THUMBNAIL), np.uint8),
        np.repeat(np.arange(drawn), each),
        rng.permutation(own.points.places[taken]),
        np.clip(own.points.descriptors[taken] + noise, 0, 255).astype(np.uint8),
    )
    numbers = np.arange(before + drawn)
    return Pictures(joined([own.points, more]), numbers, numbers)


def measured(name: str, data: Path, count: int, among: int) -> list[tuple]:
    """The rows of the table for one set; prints each."""
    names, pictures = originals(name, data, count)
    own, copies = shown(pictures), shown([change(picture) for change in COPIES.values() for picture in pictures])
    near = matches_between(copies.hashed, own.hashed)
    crowd = crowded(own.pointed, among)
    started = time.process_time()
    changed = copies_between(copies.pointed, crowd)
    spent = time.process_time() - started
    print(f"{name}: {len(copies.pointed.video)} copies among {len(crowd.video)}: {spent:.0f} CPU s")
    hashes, points = (set(zip(t["video_a"], t["video_b"], strict=True)) for t in (near, changed))
    rows = []
    for number, copy in enumerate(COPIES):
        of_copy = [
            {(one % len(names), other) for one, other in pairs if one // len(names) == number}
            for pairs in (hashes, hashes | points)
        ]
        right = [sum(one == other for one, other in pairs) for pairs in of_copy]
        others = sorted((names[one], names[other]) for one, other in of_copy[1] if one != other)
        rows.append((copy, name, len(names), len(crowd.video), *right, len(others)))
        print(*rows[-1], *others, sep="  ", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--sets", nargs="+", default=["busi", "covid19_ultrasound", "covid_blues"])
    parser.add_argument("--pictures", type=int, default=50)
    parser.add_argument("--among", type=int, default=0)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    print(*COLUMNS, sep="  ")
    rows = [row for name in options.sets for row in measured(name, options.data, options.pictures, options.among)]
    if options.write:
        head = [] if options.write.exists() else [COLUMNS]
        with options.write.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([*head, *rows])


if __name__ == "__main__":
    main()
