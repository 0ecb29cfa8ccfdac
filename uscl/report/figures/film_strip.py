"""Frames of a few videos in time order, with the pairs drawn from them and the pairs' weights."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from uscl.report.figures.style import PAGE, plt, wrapped

FRAMES = 12
STRIP = 2.25  # inches that a video takes


class Strip(NamedTuple):
    """A video to show: its rank among the videos by mean weight, its name, its store rows in time order, its pairs.

    The rank is empty if all pairs weigh the same.
    """

    rank: str
    video: str
    rows: np.ndarray
    pairs: pd.DataFrame


def choose_videos(pairs: pd.DataFrame, manifest: pd.DataFrame) -> list[Strip]:
    """The videos of the highest, the median and the lowest mean weight, each once; any three if all weights are equal.

    `pairs` has video, row_a, row_b, row_c and weight; `manifest` is the store's.
    """
    mean = pairs.groupby("video")["weight"].mean().sort_values(ascending=False, kind="stable")
    ranks: dict[str, str] = {}
    for rank, place in {"highest": 0, "median": len(mean) // 2, "lowest": len(mean) - 1}.items():
        ranks.setdefault(mean.index[place], rank)
    varied = pairs["weight"].nunique() > 1
    in_time = manifest.sort_values("frame", kind="stable")
    return [
        Strip(
            rank if varied else "",
            video,
            in_time.loc[in_time["video"] == video, "row"].to_numpy(),
            pairs[pairs["video"] == video],
        )
        for video, rank in ranks.items()
    ]


def film_strip(frames: np.ndarray, strips: list[Strip], title: str) -> Figure:
    """One film strip per video: at most twelve frames, evenly spaced over time, and below them its pairs.

    Pairs are drawn under their frames. A pair is a line over its three frames, with dots at the two outer ones
    (`row_a`, `row_c`), a tick at the one mixed into both (`row_b`), and its weight next to it, unless all weights are
    equal; equal colours mean equal weights.
    `frames` [rows, size, size] are the store's.
    """
    weights = np.concatenate([strip.pairs["weight"] for strip in strips])
    scale = Normalize(weights.min() - 1e-9, weights.max() + 1e-9)
    height = 0.35 + STRIP * len(strips)
    figure = plt.figure(figsize=(PAGE, height))
    for place, strip in enumerate(strips):
        bottom = height - 0.35 - STRIP * (place + 1)
        # Places are in inches: the layout of a solver would differ in the last digit from one run to the next.
        film = figure.add_axes((0.02, (bottom + 1.45) / height, 0.96, 0.55 / height))
        lines = figure.add_axes((0.02, (bottom + 0.45) / height, 0.96, 0.75 / height), sharex=film)
        rank = f"{strip.rank} mean weight, {strip.pairs['weight'].mean():.3f}: " if strip.rank else ""
        film.set_title(f"{rank}{wrapped(strip.video, 70)}", fontsize=8)
        draw_frames(film, frames[strip.rows])
        draw_pairs(lines, strip, scale)
    figure.suptitle(title, y=1 - 0.08 / height, va="top")
    return figure


def draw_frames(axis: Axes, frames: np.ndarray) -> None:
    """Draw evenly spaced frames side by side over their places in time, each above its number in the video."""
    count = min(FRAMES, len(frames))
    slot = len(frames) / count  # frames of the video that one picture represents
    middle = (np.arange(count) + 0.5) * slot - 0.5
    shown = np.floor(middle + 0.5).astype(int)
    height, width = frames.shape[1:]
    film = np.concatenate(frames[shown], axis=1)
    axis.imshow(film, cmap="gray", vmin=0, vmax=255, extent=(-0.5, len(frames) - 0.5, height, 0))
    axis.vlines(slot * np.arange(1, count) - 0.5, 0, height, color="white", linewidth=1)
    # A pixel is as wide as it is high.
    axis.set_aspect(slot / width)
    for place, number in zip(middle, shown, strict=True):
        axis.annotate(
            str(number), (place, height), (0, -3), textcoords="offset points", ha="center", va="top", fontsize=8
        )
    axis.set_axis_off()


def draw_pairs(axis: Axes, strip: Strip, scale: Normalize) -> None:
    """Draw one line per pair over the frames' places in time."""
    place = pd.Series(np.arange(len(strip.rows)), strip.rows)
    for depth, pair in enumerate(strip.pairs.itertuples()):
        one, middle, other = (place[row] for row in (pair.row_a, pair.row_b, pair.row_c))
        # Pairs of some methods are not in the order of time: the middle frame may come first or last.
        first, last = min(one, middle, other), max(one, middle, other)
        colour = plt.cm.viridis_r(scale(pair.weight))
        axis.plot([first, last], [depth, depth], color=colour, linewidth=3, solid_capstyle="butt")
        axis.plot([one, other], [depth, depth], "o", color=colour, markersize=5)
        axis.plot(middle, depth, "|", color="black", markersize=8)
        if strip.rank:
            words = f"{pair.weight:.3f}"
            axis.annotate(words, (last, depth), (4, 0), textcoords="offset points", va="center", fontsize=7)
    count = len(strip.rows)
    # A short video fills only part of the width, so that all pictures have one size. The right has space for a weight.
    axis.set(xlim=(-0.5, 1.08 * max(count, FRAMES) - 0.5), ylim=(len(strip.pairs) - 0.5, -0.5), yticks=[])
    axis.set_xticks(range(0, count, -(-count // (2 * FRAMES))))
    axis.set_xlabel(
        "frame of the video; pairs: dots at the outer frames, tick at the frame mixed into both", fontsize=8
    )
