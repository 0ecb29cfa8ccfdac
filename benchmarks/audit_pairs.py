"""Which pairs of pictures of different patients the audit's second search finds, to be looked at.

    python benchmarks/audit_pairs.py READER=FOLDER ... [--sheet pairs.png]

Compares all pictures of each data set (images, and one picture per second of a video) with those of other groups of the
set and with those of the other sets. Prints how many pairs of pictures were compared, and the pairs of files that show
the same; `--sheet` draws these side by side.
"""

import argparse
import sys
import time
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the library of this checkout, installed or not

from uscl.audit.changed_copies import copies_between, copies_within
from uscl.audit.matches import numbered
from uscl.audit.pictures import RATE_HZ
from uscl.audit.point_search import Pictures
from uscl.audit.points import SIDE, points_of
from uscl.data.decode.bad_media import BadMedia
from uscl.data.decode.clip import read_source
from uscl.data.readers import reader
from uscl.data.source import Source

SHOWN = 224  # pixels of a picture on the sheet
ACROSS = 4  # pairs side by side


class Compared(NamedTuple):
    """A data set: its pictures with the file and group of each, and their points."""

    name: str
    shown: list[NDArray[np.uint8]]
    files: list[str]
    groups: list[str]
    pictures: Pictures


def read_set(name: str, root: Path) -> Compared:
    """The pictures of a folder in the layout of a reader."""
    shown, files, groups = [], [], []
    for source in (Source(*row) for row in reader(name)(root).files.itertuples(index=False)):
        try:
            clip, _ = read_source(root, source, SIDE, RATE_HZ, None)
        except BadMedia as error:
            print(f"{source.file} is left out: {error}")
            continue
        shown += list(clip.frames)
        files += [source.video] * len(clip.frames)
        groups += [source.group] * len(clip.frames)
    pictures = Pictures(points_of(enumerate(shown)), numbered(pd.Series(files)), numbered(pd.Series(groups)))
    return Compared(f"{root.name}", shown, files, groups, pictures)


def pairs_compared(a: Compared, b: Compared) -> int:
    """The number of pairs of pictures of different groups."""
    if a is not b:
        return len(a.files) * len(b.files)
    sizes = pd.Series(a.groups).value_counts()
    return int((len(a.files) ** 2 - (sizes**2).sum()) // 2)


def found(a: Compared, b: Compared) -> list[NDArray[np.uint8]]:
    """Each pair of files that shows the same, side by side; prints them."""
    started = time.process_time()
    table = copies_within(a.pictures) if a is b else copies_between(a.pictures, b.pictures)
    spent = time.process_time() - started
    where = f"within {a.name}" if a is b else f"between {a.name} and {b.name}"
    print(f"{where}: {pairs_compared(a, b):,} pairs of pictures, {len(table)} pairs of files found, {spent:.0f} CPU s")
    for row in table.sort_values("correlation").itertuples():
        print(
            f"  {a.files[row.row_a]} | {b.files[row.row_b]} | {row.frames} pictures, {row.points} points, zoom", end=" "
        )
        print(f"{row.zoom:.2f}, {row.degrees:.0f} degrees, {row.correlation:.2f}{' mirrored' * row.mirrored}")
    return [beside(a, b, row) for row in table.sort_values("correlation").itertuples()]


def beside(a: Compared, b: Compared, row) -> NDArray[np.uint8]:
    """The two pictures of a pair, with the names of their files below."""
    both = [cv2.resize(side.shown[place], (SHOWN, SHOWN)) for side, place in ((a, row.row_a), (b, row.row_b))]
    tile = np.concatenate([np.concatenate(both, 1), np.zeros((28, 2 * SHOWN), np.uint8)])
    words = f"{a.files[row.row_a][-30:]} | {b.files[row.row_b][-30:]}", f"{row.points} points, {row.correlation:.2f}"
    for line, text in enumerate(words):
        cv2.putText(tile, text, (2, SHOWN + 11 + 13 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.38, 255, 1)
    return np.pad(tile, 2, constant_values=90)


def sheet(tiles: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Tiles of one size in rows of `ACROSS`."""
    blank = [np.zeros_like(tiles[0])] * (-len(tiles) % ACROSS)
    tiles = [*tiles, *blank]
    return np.concatenate([np.concatenate(tiles[start : start + ACROSS], 1) for start in range(0, len(tiles), ACROSS)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", metavar="READER=FOLDER")
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    sets = [read_set(name, Path(folder)) for name, _, folder in (given.partition("=") for given in options.sets)]
    tiles = [tile for a, b in [*zip(sets, sets, strict=True), *combinations(sets, 2)] for tile in found(a, b)]
    if options.sheet and tiles:
        cv2.imwrite(str(options.sheet), sheet(tiles))


if __name__ == "__main__":
    main()
