"""Frames of a few videos in time order, with the pairs that were drawn from them and the weights these got."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from uscl.report.style import PAGE, plt, wrapped

FRAMES = 12


class Strip(NamedTuple):
    """A video to show: its rank among the videos by mean weight, its name, its store rows in time order, its pairs."""

    rank: str
    video: str
    rows: np.ndarray
    pairs: pd.DataFrame


def choose_videos(pairs: pd.DataFrame, manifest: pd.DataFrame) -> list[Strip]:
    """The videos of the highest, the median and the lowest mean weight, each once.

    `pairs` has video, row_a, row_b, row_c and weight; `manifest` is the store's.
    """
    mean = pairs.groupby("video")["weight"].mean().sort_values(ascending=False, kind="stable")
    ranks: dict[str, str] = {}
    for rank, place in {"highest": 0, "median": len(mean) // 2, "lowest": len(mean) - 1}.items():
        ranks.setdefault(mean.index[place], rank)
    in_time = manifest.sort_values("frame", kind="stable")
    return [
        Strip(rank, video, in_time.loc[in_time["video"] == video, "row"].to_numpy(), pairs[pairs["video"] == video])
        for video, rank in ranks.items()
    ]


def film_strip(frames: np.ndarray, strips: list[Strip], title: str) -> Figure:
    """One film strip a video: at most twelve frames evenly over time, and below them its pairs.

    A pair is a line from its first to its last frame with a mark at the middle one, and its weight beside it; equal
    colours are equal weights. `frames` [rows, height, width] are the store's.
    """
    weights = np.concatenate([strip.pairs["weight"] for strip in strips])
    scale = Normalize(weights.min() - 1e-9, weights.max() + 1e-9)
    figure = plt.figure(figsize=(PAGE, 0.4 + 2.2 * len(strips)), layout="constrained")
    parts = figure.subfigures(len(strips), 1, squeeze=False)[:, 0]
    for part, strip in zip(parts, strips, strict=True):
        film, lines = part.subplots(2, 1, height_ratios=[1, 1.2])
        mean = strip.pairs["weight"].mean()
        film.set_title(f"{strip.rank} mean weight, {mean:.3f}: {wrapped(strip.video, 70)}", fontsize=8)
        draw_frames(film, frames[strip.rows])
        draw_pairs(lines, strip, scale)
    figure.suptitle(title)
    return figure


def draw_frames(axis: Axes, frames: np.ndarray) -> None:
    """Evenly spaced frames side by side, each under its number in the video."""
    shown = np.unique(np.linspace(0, len(frames) - 1, FRAMES).round().astype(int))
    axis.imshow(np.concatenate(frames[shown], axis=1), cmap="gray", vmin=0, vmax=255)
    width = frames.shape[2]
    axis.set_xticks(width * (np.arange(len(shown)) + 0.5), [str(number) for number in shown])
    axis.set_yticks([])
    axis.tick_params(length=0)


def draw_pairs(axis: Axes, strip: Strip, scale: Normalize) -> None:
    """One line a pair over the frames' places in time."""
    place = pd.Series(np.arange(len(strip.rows)), strip.rows)
    for depth, pair in enumerate(strip.pairs.itertuples()):
        first, middle, last = (place[row] for row in (pair.row_a, pair.row_b, pair.row_c))
        colour = plt.cm.viridis_r(scale(pair.weight))
        axis.plot([first, last], [depth, depth], color=colour, linewidth=3, solid_capstyle="butt")
        axis.plot(middle, depth, "|", color="black", markersize=8)
        axis.annotate(f"{pair.weight:.3f}", (last, depth), (4, 0), textcoords="offset points", va="center", fontsize=7)
    count = len(strip.rows)
    axis.set(xlim=(-0.5, count - 0.5 + 0.08 * count), ylim=(len(strip.pairs) - 0.5, -0.5), yticks=[])
    axis.set_xticks(range(0, count, max(1, count // FRAMES)))
    axis.set_xlabel("frame of the video; a line a pair, a tick at its middle frame, its weight beside it", fontsize=8)
