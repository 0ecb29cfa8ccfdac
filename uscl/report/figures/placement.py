"""Names beside the marks of a panel, so that none covers another."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import Transform

from uscl.report.figures.style import wrapped

SIZE = 7.5  # of the names, points
GAP = 6.0  # between a mark and its name, and half the width of a mark, points
STEPS, DIRECTIONS = 24, 24


class Mark(NamedTuple):
    """A mark with its interval from `low` to `high` (NaN: none), in the coordinates of `transform`."""

    name: str
    x: float
    y: float
    low: float
    high: float
    transform: Transform


def name_marks(axis: Axes, marks: Sequence[Mark]) -> None:
    """Write every name where it covers no other name, mark or interval, as near as it can; a line leads to a far one.

    The panel must have its final place and limits: places are found in pixels.
    """
    point, frame = axis.figure.dpi / 72, np.array(axis.bbox.extents)
    taken = [mark_boxes(mark, point) for mark in marks]
    # Long names are placed first, while there is room.
    for index in sorted(range(len(marks)), key=lambda index: -len(marks[index].name)):
        mark, own = marks[index], taken[index]
        others = np.vstack([np.empty((0, 4)), *taken[:index], *taken[index + 1 :]])
        size, centre = text_size(axis, wrapped(mark.name)) + 2 * point, mark.transform.transform((mark.x, mark.y))
        place = free_place(centre, size, frame, own, others, GAP * point)
        write_name(axis, mark, (place - centre) / point, size / point)
        # Later names keep off this one and off the line to it.
        way = nearest(centre, box(place, size)) - centre
        line = centre + np.linspace(0, 1, 2 + int(np.abs(way).max() / (GAP * point)))[:, None] * way
        taken[index] = np.vstack([own, box(place, size), box(line, 2 * point)])


def write_name(axis: Axes, mark: Mark, aside: np.ndarray, size: np.ndarray) -> None:
    """The name in a box of `size` [2] with its centre `aside` [2] of the mark, in points; a line leads to a far one."""
    # The line arrives at the box where that is nearest, in shares of its sides.
    arrival = np.clip(0.5 - aside / size, 0, 1)
    far = np.abs(aside + (arrival - 0.5) * size).max() > 2 * GAP
    line = {"arrowstyle": "-", "color": "0.5", "linewidth": 0.6, "shrinkA": 0, "shrinkB": 0, "relpos": tuple(arrival)}
    right, up = aside
    axis.annotate(
        wrapped(mark.name),
        (mark.x, mark.y),
        (right, up),
        xycoords=mark.transform,
        textcoords="offset points",
        ha="center",
        va="center",
        fontsize=SIZE,
        arrowprops=line if far else None,
    )


def mark_boxes(mark: Mark, point: float) -> np.ndarray:
    """The boxes [n, 4] in pixels of a mark and, where it has one, its interval; a point has `point` pixels."""
    low, centre, high = mark.transform.transform([(mark.x, y) for y in (mark.low, mark.y, mark.high)])
    boxes = np.stack([box(centre, 2 * GAP * point), np.concatenate([low - point, high + point])])
    return boxes[~np.isnan(boxes).any(axis=1)]


def text_size(axis: Axes, words: str) -> np.ndarray:
    """Width and height of words, in pixels."""
    text = axis.text(0, 0, words, fontsize=SIZE)
    extent = text.get_window_extent()
    text.remove()
    return np.array([extent.width, extent.height])


def free_place(
    centre: np.ndarray, size: np.ndarray, frame: np.ndarray, own: np.ndarray, others: np.ndarray, gap: float
) -> np.ndarray:
    """The centre of a box near `centre` [2] that covers least, leaves the frame least and has a free line to `centre`.

    Boxes are x0, y0, x1, y1: `own` [m, 4] may stand in the way of the line, `others` [n, 4] may not. Distances from
    `centre` to the box are multiples of `gap`.
    """
    angles = 2 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    steps = np.arange(1, STEPS + 1)
    places = (centre + directions * (gap * steps[:, None, None] + size / 2)).reshape(-1, 2)
    boxes = box(places, size)
    covered = shared(boxes[:, None], np.vstack([own, others])).sum(axis=1) + size.prod() - shared(boxes, frame)
    crossed = crosses(centre, nearest(centre, boxes)[:, None], others).sum(axis=1)
    # A tenth of a name covered is as bad as 100 gaps more of distance, a line across something as 25.
    loss = 1000 * covered / size.prod() + 25 * crossed + np.repeat(steps, DIRECTIONS)
    # Rounded, so that of equally good places the first is taken.
    return places[loss.round(6).argmin()]


def nearest(centre: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """The points [..., 2] of boxes [..., 4] that are nearest to a point [2]: where a line from it arrives."""
    return np.clip(centre, boxes[..., :2], boxes[..., 2:])


def crosses(start: np.ndarray, ends: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Whether lines from a point [2] to points [..., 2] go through boxes [..., 4]; to touch one is not to go through.

    >>> crosses(np.array([0, 0]), np.array([[4, 4], [4, 0], [1, 1]]), np.array([2, 2, 3, 3])).tolist()
    [True, False, False]
    """
    # Along each axis a line is within a box from one share of its length to another.
    length = np.where(ends == start, 1e-9, ends - start)
    shares = np.stack([(boxes[..., :2] - start) / length, (boxes[..., 2:] - start) / length])
    enters, leaves = shares.min(axis=0).max(axis=-1), shares.max(axis=0).min(axis=-1)
    return np.maximum(enters, 0) < np.minimum(leaves, 1)


def box(centre: np.ndarray, size: np.ndarray | float) -> np.ndarray:
    """Boxes [..., (x0, y0, x1, y1)] of a size around centres [..., 2]."""
    half = np.broadcast_to(size, 2) / 2
    return np.concatenate([centre - half, centre + half], axis=-1)


def shared(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Area that boxes [..., (x0, y0, x1, y1)] have in common.

    >>> shared(np.array([0, 0, 2, 2]), np.array([[1, 1, 4, 4], [3, 0, 4, 1]])).tolist()
    [1, 0]
    """
    sides = np.minimum(one[..., 2:], other[..., 2:]) - np.maximum(one[..., :2], other[..., :2])
    return np.clip(sides, 0, None).prod(axis=-1)
