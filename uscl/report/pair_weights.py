"""What weights a method gives to which pairs, and whether it tells planted inconsistent pairs from consistent ones."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uscl.report.style import BLUE, ORANGE, PAGE, plt, wrapped
from uscl.seeds import generator


class Difference(NamedTuple):
    """Mean weight of inconsistent less that of consistent pairs, with a 95 % confidence interval."""

    mean: float
    low: float
    high: float


def inconsistent(pairs: pd.DataFrame, manifest: pd.DataFrame) -> np.ndarray | None:
    """Which pairs span a change of organ [pairs]; None where the manifest doesn't know what its frames show.

    `pairs` has store rows row_a, row_c of a pair's first and last frame; `manifest` is the store's.
    """
    organ = manifest["organ"].to_numpy(str)
    if not organ.astype(bool).all():
        return None
    return organ[pairs["row_a"]] != organ[pairs["row_c"]]


def weight_difference(
    pairs: pd.DataFrame, spans_change: np.ndarray, *, draws: int = 10_000, seed: int = 0
) -> Difference:
    """How much lower inconsistent pairs are weighted; percentile bootstrap that draws whole groups (patients).

    `pairs` has group and weight. Draws without a pair of either kind are left out. NaN where a kind is absent.
    """
    codes, names = pd.factorize(pairs["group"])
    sums = {
        (kind, what): np.bincount(codes[spans_change == kind], values[spans_change == kind], len(names))
        for kind in (True, False)
        for what, values in {"weight": pairs["weight"].to_numpy(), "count": np.ones(len(pairs))}.items()
    }
    times = generator(seed, "weight difference").multinomial(len(names), np.full(len(names), 1 / len(names)), draws)
    times = np.vstack([np.ones(len(names)), times])  # the pairs as they are come first
    with np.errstate(invalid="ignore"):
        means = {kind: (times @ sums[kind, "weight"]) / (times @ sums[kind, "count"]) for kind in (True, False)}
    found = means[True] - means[False]
    if not np.isfinite(found[0]):
        return Difference(np.nan, np.nan, np.nan)
    return Difference(float(found[0]), *map(float, np.nanpercentile(found[1:], [2.5, 97.5])))


def frame_similarity(frames: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Normalised cross-correlation of frames `first` and `second` (rows of `frames` [rows, height, width]): [n].

    1 is the same picture up to brightness and contrast. 0 where a frame is all of one grey level.
    """
    a, b = (frames[rows].reshape(len(rows), -1).astype(np.float32) for rows in (first, second))
    a, b = (values - values.mean(axis=1, keepdims=True) for values in (a, b))
    norm = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.where(norm > 0, (a * b).sum(axis=1) / np.maximum(norm, 1e-12), 0.0)


def pair_weights_figure(pairs: pd.DataFrame, manifest: pd.DataFrame, frames: np.ndarray, title: str) -> Figure:
    """Weight against distance in time, similarity of the outer frames, and source; by planted consistency if known.

    `frames` [rows, height, width] and `manifest` are the store's that the pairs were drawn from.
    """
    figure, axes = plt.subplots(2, 2, figsize=(PAGE, 5.6), layout="constrained", sharey=True)
    change = inconsistent(pairs, manifest)
    kinds = {"all pairs": np.full(len(pairs), True)}
    if change is not None and change.any() and not change.all():
        kinds = {"same organ": ~change, "other organ": change}
        found = weight_difference(pairs, change)
        axes[1, 0].set_title(f"other less same organ: {found.mean:+.3f}\n95 % CI {found.low:+.3f} to {found.high:+.3f}")
    similarity = frame_similarity(frames, pairs["row_a"].to_numpy(), pairs["row_c"].to_numpy())
    for (name, chosen), color, mark in zip(kinds.items(), (BLUE, ORANGE), "o^", strict=False):
        look = {"s": 12, "color": color, "marker": mark, "alpha": 0.5, "label": name}
        axes[0, 0].scatter(pairs.loc[chosen, "distance"], pairs.loc[chosen, "weight"], **look)
        axes[0, 1].scatter(similarity[chosen], pairs.loc[chosen, "weight"], **look)
    axes[0, 0].set(xlabel="frames between the two views", ylabel="weight of the pair")
    axes[0, 1].set(xlabel="similarity of first and last frame")
    axes[0, 1].legend()
    boxes(axes[1, 0], {name: pairs.loc[chosen, "weight"] for name, chosen in kinds.items()})
    axes[1, 0].set_ylabel("weight of the pair")
    source = sources(pairs, manifest)
    boxes(axes[1, 1], {name: pairs.loc[(source == name).to_numpy(), "weight"] for name in sorted(source.unique())})
    axes[1, 1].set_title(f"by {source.name}")
    figure.suptitle(title)
    return figure


def sources(pairs: pd.DataFrame, manifest: pd.DataFrame) -> pd.Series:
    """Where each pair comes from: its data set if there are several, else its label, with what it is as name."""
    first = manifest.iloc[pairs["row_a"].to_numpy()]
    column = "dataset" if manifest["dataset"].nunique() > 1 else "label"
    return first[column].replace("", "unlabelled").rename({"dataset": "data set"}.get(column, column))


def boxes(axis: Axes, weights: dict[str, pd.Series]) -> None:
    """One box of weights a kind, with the mean as a triangle."""
    names = [f"{wrapped(name, 12)}\n({len(values)})" for name, values in weights.items()]
    axis.boxplot(list(weights.values()), tick_labels=names, showmeans=True)
