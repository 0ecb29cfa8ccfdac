"""Perceptual hashes of frames: 256 bits for the search, and 32 x 32 numbers to verify what the search finds.

Copies of a picture differ in scale, aspect, borders, compression and gain. So the picture's content is first cut out
and resampled to a fixed square; after that only its structure counts, not its brightness. The box of the content leaves
out 1 % of the edges on each side instead of asking which pixels are black: with a threshold, the box would depend on
noise and gain. A bit says whether a point is brighter than its surroundings; mirroring a frame mirrors both its bits
and its detail.

Everything is batched: products with small matrices along the two axes of the frames.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from uscl.audit.arrays import read_arrays

SIDE = 32  # of the square that the content is resampled to
BITS_SIDE = 16
BITS = BITS_SIDE**2
BATCH = 512  # frames per batch: about 100 MB at 224 pixels

BLACK = 4  # grey level up to which a border counts as letterbox; JPEG raises 0 to about that
RIM = 2  # pixels inside the letterbox whose edges belong to the picture's border, not to its content
TAIL = 0.01  # share of the edges that is left outside the box on each side
FLOOR = 0.1  # edges below this share of the mean edge count as noise
MIN_BOX = 8  # pixels
MIN_CONTRAST = 2.0  # standard deviation of the square, grey levels

Floats = NDArray[np.float32]


class Hashes(NamedTuple):
    """Hashes of n frames: packed bits [n, 32], unit-norm detail [n, 1024] around 0, and which are blank [n].

    A blank frame (constant or nearly so) resembles every other blank one, which means nothing: it matches no frame.
    """

    bits: NDArray[np.uint8]
    detail: NDArray[np.float16]
    blank: NDArray[np.bool_]


class Box(NamedTuple):
    """The box of the content of n frames in pixels, with fractions: top, bottom, left and right [n]."""

    top: Floats
    bottom: Floats
    left: Floats
    right: Floats


def hash_frames(frames: NDArray[np.uint8]) -> Hashes:
    """Hashes of grey frames [n, size, size], which may be mapped from a file."""
    parts = [hash_batch(np.asarray(frames[start : start + BATCH])) for start in range(0, len(frames), BATCH)]
    parts = parts or [hash_batch(np.zeros((0, SIDE, SIDE), np.uint8))]
    return Hashes(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def hash_batch(frames: NDArray[np.uint8]) -> Hashes:
    """Hashes of one batch of frames, which must fit into memory."""
    box = content_box(frames)
    square = on_square(frames, box)
    small = (box.bottom - box.top < MIN_BOX) | (box.right - box.left < MIN_BOX)
    blank = small | (square.std((1, 2)) < MIN_CONTRAST)
    above = POOL @ (square - smooth(square, 5.0)) @ POOL.T > 0
    detail = (smooth(square, 0.7) - smooth(square, 2.0)).reshape(len(square), SIDE * SIDE)
    detail -= detail.mean(1, keepdims=True)
    detail /= np.maximum(np.linalg.norm(detail, axis=1, keepdims=True), 1e-6)
    return Hashes(np.packbits(above.reshape(len(square), BITS), axis=1), detail.astype(np.float16), blank)


def content_box(frames: NDArray[np.uint8]) -> Box:
    """The pixels between which 98 % of the edges lie, per axis; edges of the letterbox and its rim do not count."""
    size = frames.shape[1]
    edges = edge_strength(frames)
    sides: list[Floats] = []
    for axis in (2, 1):
        bright = frames.max(axis) > BLACK
        first, last = bright.argmax(1), size - 1 - bright[:, ::-1].argmax(1)
        place = np.arange(size)
        inside = (place >= first[:, None] + RIM) & (place <= last[:, None] - RIM)
        edges *= inside[:, :, None] if axis == 2 else inside[:, None, :]
        sides.append(inside)
    mean = edges.sum((1, 2), keepdims=True) / np.maximum((sides[0].sum(1) * sides[1].sum(1))[:, None, None], 1)
    weight = np.sqrt(np.sqrt(np.maximum(edges - FLOOR * mean, 0)))
    ends = [tails(weight.sum(axis)) for axis in (2, 1)]
    return Box(*ends[0], *ends[1])


def edge_strength(frames: NDArray[np.uint8]) -> Floats:
    """Sum of the absolute derivatives along both axes of the blurred frames [n, size, size].

    The batch is filtered as one tall picture: where two frames meet, this affects only pixels of the rim.
    """
    tall = np.ascontiguousarray(frames).reshape(-1, frames.shape[2])
    if not len(tall):
        return np.zeros(frames.shape, np.float32)
    blurred = cv2.blur(tall.astype(np.float32), (3, 3))
    across, down = cv2.Sobel(blurred, cv2.CV_32F, 1, 0), cv2.Sobel(blurred, cv2.CV_32F, 0, 1)
    return np.asarray(np.abs(across) + np.abs(down), np.float32).reshape(frames.shape)


def tails(weight: Floats) -> tuple[Floats, Floats]:
    """The places with a share of `TAIL` of a weight [n, size] before and after; interpolated, pixels from the left."""
    total = weight.sum(1, keepdims=True)
    share = np.cumsum(weight, 1) / np.maximum(total, 1e-6)
    before = np.concatenate([np.zeros_like(share[:, :1]), share], 1)  # at the left edge of each pixel
    ends = []
    for level in (TAIL, 1 - TAIL):
        pixel = np.minimum((before[:, 1:] < level).sum(1), weight.shape[1] - 1)[:, None]
        low, high = np.take_along_axis(before, pixel, 1), np.take_along_axis(before, pixel + 1, 1)
        end = pixel + (level - low) / np.maximum(high - low, 1e-6)
        ends.append(np.clip(end[:, 0], 0, weight.shape[1]).astype(np.float32))  # without any edge: no box
    return ends[0], ends[1]


def on_square(frames: NDArray[np.uint8], box: Box) -> Floats:
    """The content of each frame, stretched to [n, SIDE, SIDE]."""
    rows = resampling(box.top, box.bottom, frames.shape[1])
    columns = resampling(box.left, box.right, frames.shape[2])
    return rows @ frames.astype(np.float32) @ columns.transpose(0, 2, 1)


def resampling(start: Floats, end: Floats, size: int) -> Floats:
    """Matrices [n, SIDE, size] that take `SIDE` weighted means between `start` and `end`, each of unit weight."""
    step = np.maximum((end - start) / SIDE, 1e-3)[:, None]
    centres = start[:, None] + step * (np.arange(SIDE, dtype=np.float32) + 0.5)
    pixels = np.arange(size, dtype=np.float32) + 0.5
    far = np.abs(centres[:, :, None] - pixels) / np.maximum(step, 1)[:, :, None]
    tent = np.maximum(1 - far, 0)
    return tent / np.maximum(tent.sum(2, keepdims=True), 1e-6)


def smooth(square: Floats, sigma: float) -> Floats:
    """Squares [n, SIDE, SIDE] smoothed by a Gaussian of `sigma` pixels; at the edges over the existing pixels only."""
    apart = np.subtract.outer(np.arange(SIDE), np.arange(SIDE))
    kernel = np.exp(-0.5 * (apart / sigma) ** 2)
    kernel = (kernel / kernel.sum(1, keepdims=True)).astype(np.float32)
    return kernel @ square @ kernel.T


POOL = np.kron(np.eye(BITS_SIDE), np.full((1, SIDE // BITS_SIDE), BITS_SIDE / SIDE)).astype(np.float32)


def signs(hashes: Hashes) -> Floats:
    """The bits as -1 and 1 [n, BITS]; half of BITS minus half the product of two rows is their Hamming distance."""
    return np.unpackbits(hashes.bits, axis=1).astype(np.float32) * 2 - 1


def mirrored(values: Floats, side: int) -> Floats:
    """Values [n, side * side] of the mirrored frames: left and right exchanged."""
    return values.reshape(len(values), side, side)[:, :, ::-1].reshape(values.shape)


def batches(length: int, size: int) -> Iterator[slice]:
    """Slices of at most `size` that cover `length`."""
    return (slice(start, min(start + size, length)) for start in range(0, length, size))


def read_hashes(path: Path) -> Hashes:
    """Read the hashes of a store. Raises UserError if the file is missing or damaged."""
    return read_arrays(Hashes, path, "hashes", "hash_frames")
