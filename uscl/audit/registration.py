"""The similarity of two pictures after one is moved and stretched a little to fit the other.

A crop of 3 % shifts the borders of a picture by a whole pixel of 32, and two of its copies may be cut out differently.
To first order, a shift or stretch adds multiples of known images to a picture: its derivatives, and the derivatives
times the position. So a least-squares problem with five unknowns finds the motion; the picture is moved by it, and the
remaining motion is estimated again.
"""

import numpy as np
from numpy.typing import NDArray

from uscl.audit.hashes import SIDE, batches

STEPS = 3  # motions, one after the other
WORTH_MOVING = 0.7  # two pictures with a lower correlation never turned out to be the same
STIFFNESS = 0.02  # penalty on a motion: a few pixels of 32 cost little, more cost a lot
FARTHEST = 4.0  # pixels per step
PAIRS = 1024  # pairs per batch: about 40 MB

PLACE = np.linspace(-1, 1, SIDE, dtype=np.float32)

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


def fitted_correlations(first: Floats, second: NDArray[np.float16], i: Ints, j: Ints, enough: float) -> Floats:
    """The correlation of details `first[i]` and `second[j]` [k] after the first is fitted to the second; four digits.

    Details [n, SIDE * SIDE] have mean 0 and unit norm. A pair whose correlation reaches `enough` is not moved further.
    """
    like = np.zeros(len(i), np.float32)
    for some in batches(len(i), PAIRS):
        moving, fixed = first[i[some]], second[j[some]].astype(np.float32)
        like[some] = fitted(moving, fixed, enough)
    return like.round(4)


def fitted(moving: Floats, fixed: Floats, enough: float) -> Floats:
    """Like `fitted_correlations`, for one batch of pairs of rows [k, SIDE * SIDE]."""
    like, motion = one_step(moving, fixed)
    left = np.arange(len(like))
    for _ in range(STEPS - 1):
        goes_on = (like[left] >= WORTH_MOVING) & (like[left] < enough)
        left, motion = left[goes_on], motion[goes_on]
        if not len(left):
            break
        moving = moved(moving[goes_on], motion)
        now, motion = one_step(moving, fixed[left])
        like[left] = np.maximum(like[left], now)
    return like


def one_step(moving: Floats, fixed: Floats) -> tuple[Floats, Floats]:
    """Correlation after the best small motion [k], and the motion [k, 4]: see `motions`."""
    basis = motions(moving)
    gram = basis @ basis.transpose(0, 2, 1)
    onto = basis @ fixed[:, :, None]
    weights = np.linalg.solve(gram + np.diag([1e-6, *[STIFFNESS] * 4]).astype(np.float32), onto)
    length = np.sqrt(np.maximum(weights.transpose(0, 2, 1) @ gram @ weights, 1e-12))
    like = ((weights * onto).sum(1) / length[:, 0])[:, 0]
    scale = np.maximum(weights[:, :1, 0], 0.2)
    return like, np.clip(weights[:, 1:, 0] / scale, -FARTHEST, FARTHEST)


def motions(detail: Floats) -> Floats:
    """A picture and its change per pixel of a shift across and down, and of a stretch across and down [k, 5, ...].

    A stretch by one moves the left and right (or upper and lower) ends by one pixel, in opposite directions.
    """
    image = detail.reshape(-1, SIDE, SIDE)
    down, across = np.gradient(image, axis=1), np.gradient(image, axis=2)
    basis = np.stack([image, across, down, across * PLACE, down * PLACE[:, None]], axis=1).reshape(len(image), 5, -1)
    return basis - basis.mean(2, keepdims=True)


def moved(detail: Floats, motion: Floats) -> Floats:
    """Details [k, SIDE * SIDE] after their motions [k, 4], again with mean 0 and unit norm."""
    across, down = (taken_at(motion[:, axis, None] + motion[:, axis + 2, None] * PLACE) for axis in (0, 1))
    image = (down @ detail.reshape(-1, SIDE, SIDE) @ across.transpose(0, 2, 1)).reshape(len(detail), -1)
    image -= image.mean(1, keepdims=True)
    return image / np.maximum(np.linalg.norm(image, axis=1, keepdims=True), 1e-6)


def taken_at(offset: Floats) -> Floats:
    """Matrices [k, SIDE, SIDE] that read each pixel of a row at its `offset` [k, SIDE] (cubic; the ends continue)."""
    pixels = np.arange(SIDE, dtype=np.float32)
    at = np.clip(pixels + offset, 0, SIDE - 1)
    far = np.abs(at[:, :, None] - pixels)
    near, wide = (1.5 * far - 2.5) * far**2 + 1, ((2.5 - 0.5 * far) * far - 4) * far + 2  # Keys' cubic convolution
    kernel = np.where(far < 1, near, np.where(far < 2, wide, 0))
    return (kernel / kernel.sum(2, keepdims=True)).astype(np.float32)
