"""A rough test for text burnt into a picture, which does not read it: rows of small, bright, sharp, letter-like shapes.

A network may learn such text instead of tissue: machines write the side of the body, the settings or the name of a
clinic into their pictures. A hit is only a warning. In BUSI the test finds 74 of 780 images; 23 of 24 hits that were
inspected clearly have words. It misses marks of two or three letters (LT) and callipers.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uscl.audit.findings import NO_ROW, base, table
from uscl.data.decode.clip import read_source
from uscl.data.decode.video import BadMedia
from uscl.data.source import stored_source

SIDE = 512  # pixels of the picture that is tested: smaller than in most videos, but letters are still sharp
LETTERS = 4  # in a row; speckle often has fewer by chance
HEIGHTS = (5, 24)  # of a letter, pixels
BRIGHT = 110  # grey levels that a letter is above its background
DARK = 150  # grey level of the background, at most


def burnt_in_text(image: NDArray[np.uint8]) -> bool:
    """Whether a grey picture [height, width], about `SIDE` pixels per side, seems to contain text."""
    raised = cv2.morphologyEx(image, cv2.MORPH_TOPHAT, np.ones((15, 15), np.uint8))
    _, _, stats, centres = cv2.connectedComponentsWithStats((raised > BRIGHT).astype(np.uint8), connectivity=8)
    around = cv2.medianBlur(image, 31)
    letters = [
        (left, y, width, height)
        for (left, _, width, height, area), (x, y) in zip(stats[1:], centres[1:], strict=True)
        if letter_like(width, height, area) and around[int(y), int(x)] <= DARK
    ]
    return longest_row(np.array(letters, float).reshape(-1, 4)) >= LETTERS


def letter_like(width: int, height: int, area: int) -> bool:
    """Whether a shape has the proportions of a letter, an I or two touching letters, not of a line, speck or block."""
    filled = area / (width * height)
    narrow = 1 < width <= 0.4 * height and filled > 0.6
    return HEIGHTS[0] <= height <= HEIGHTS[1] and (narrow or (1 < width <= 2.2 * height and 0.2 <= filled <= 0.85))


def longest_row(letters: NDArray[np.float64]) -> int:
    """The largest number of letters in a row, as in a word; shapes are (left, middle, width, height) [n, 4]."""
    longest = 0
    for left, middle, _, height in letters:
        alike = (np.abs(letters[:, 1] - middle) <= 0.25 * height) & (np.abs(letters[:, 3] - height) <= 0.35 * height)
        row = letters[alike & (letters[:, 0] >= left)]
        row = row[np.argsort(row[:, 0])]
        gaps = row[1:, 0] - (row[:-1, 0] + row[:-1, 2])
        broken = np.flatnonzero((gaps < 0) | (gaps > 0.7 * height))
        word = row[: broken[0] + 1] if len(broken) else row
        longest = max(longest, len(word) + int((word[:, 2] > 1.3 * height).sum()))  # touching letters count as two
    return longest


def text_findings(dataset: str, manifest: pd.DataFrame, root: Path, workers: int) -> pd.DataFrame:
    """One warning per file whose first frame seems to contain text (FINDINGS). Skips missing and unreadable files."""
    first = manifest.drop_duplicates("video").to_dict("records")
    with ThreadPoolExecutor(workers) as pool:
        found = pool.map(partial(has_text, root), first)
        return table(warnings(dataset, [row for row, text in zip(first, found, strict=True) if text]))


def has_text(root: Path, row: dict) -> bool:
    """Whether an image or the first frame of a video seems to contain text."""
    try:
        clip, _ = read_source(root, stored_source(root, row), SIDE, None, 1)
    except (BadMedia, OSError):
        return False
    return burnt_in_text(clip.frames[0])


def warnings(dataset: str, rows: list[dict]) -> Iterator[dict]:
    """The findings about some files."""
    for row in rows:
        about = {"dataset_a": dataset, **{f"{name}_a": row[name] for name in ("video", "group", "label")}}
        reason = f"{dataset}: {row['video']} seems to have text in it (`crop` or `exclude` removes it)."
        yield base("burnt-in text", reason) | about | {"row_a": int(row["row"]), "row_b": NO_ROW}
