"""Masks as run lengths in text, which any language can write.

The pixels in reading order, row by row: the number of those outside the lesion, then of those inside, and so on in
turn, separated by spaces. A mask that begins inside the lesion begins with 0.
"""

import numpy as np


def run_lengths(mask: np.ndarray) -> str:
    """The run lengths of a boolean mask [height, width].

    >>> run_lengths(np.array([[False, True], [True, False]])), run_lengths(np.ones((2, 2), bool))
    ('1 2 1', '0 4')
    """
    pixels = mask.astype(bool).ravel()
    ends = np.flatnonzero(np.diff(pixels)) + 1
    counts = np.diff([0, *ends, pixels.size])
    return " ".join(map(str, [0, *counts] if pixels[0] else counts))


def mask_of(text: str, height: int, width: int) -> np.ndarray:
    """The boolean mask [height, width] of run lengths. Raises ValueError, with the fault in a few words.

    >>> mask_of("1 2 1", 2, 2).tolist()
    [[False, True], [True, False]]
    """
    words = text.split()
    if not words or not all(word.isascii() and word.isdigit() for word in words):
        raise ValueError("is not a list of whole numbers")
    counts = np.array([min(int(word), height * width + 1) for word in words])
    if counts.sum() != height * width:
        total = sum(map(int, words))
        raise ValueError(f"covers {total} pixels, and a stored frame has {height} x {width} = {height * width}")
    return np.repeat(np.arange(len(counts)) % 2 == 1, counts).reshape(height, width)
