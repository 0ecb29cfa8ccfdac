"""The weights that a method gives to pairs, and whether planted inconsistent pairs get lower ones than the others."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.ticker import MaxNLocator
from scipy.stats import spearmanr

from uscl.base.seeds import generator
from uscl.pretrain.meta.exercised import Exercised
from uscl.report.figures.style import BLUE, ORANGE, PAGE, plt, wrapped

AGAINST = {"distance": "frames between the two views", "similarity": "similarity of first and last frame"}
KINDS = {"all pairs": (BLUE, "o"), "no change": (BLUE, "o"), "across a change": (ORANGE, "^")}
ACROSS = 4  # sources per row
BLOCK = 256  # pairs


class Difference(NamedTuple):
    """Mean weight of inconsistent pairs minus that of consistent pairs, with a 95 % confidence interval."""

    mean: float
    low: float
    high: float


def inconsistent(pairs: pd.DataFrame, manifest: pd.DataFrame) -> np.ndarray | None:
    """Which pairs span a change of what is seen [pairs]; None if the manifest doesn't record what its frames show.

    `pairs` has store rows row_a, row_c of a pair's first and last frame; `manifest` is the store's.
    """
    organ = manifest["organ"].to_numpy(str)
    if not organ.astype(bool).all():
        return None
    later = (manifest["second_state"] > manifest["state"]).to_numpy()  # shows what its video changes to
    first, last = pairs["row_a"], pairs["row_c"]
    return np.asarray((organ[first] != organ[last]) | (later[first] != later[last]))


def weight_difference(
    pairs: pd.DataFrame, spans_change: np.ndarray, *, draws: int = 10_000, seed: int = 0
) -> Difference:
    """How much lower inconsistent pairs are weighted; percentile bootstrap that draws whole groups (patients).

    `pairs` has group and weight. Draws that lack one of the two kinds are left out. NaN if a kind is absent.
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

    1 means the same picture up to brightness and contrast. 0 if a frame has a single grey level.
    """
    # A pool's frames may not fit into memory as numbers of four bytes.
    starts = range(0, len(first), BLOCK)
    blocks = [correlation(frames[first[low : low + BLOCK]], frames[second[low : low + BLOCK]]) for low in starts]
    return np.concatenate([np.empty(0), *blocks])


def correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Correlation of the pixels of two stacks of frames [n, height, width], frame by frame: [n]."""
    a, b = (stack.reshape(len(stack), -1).astype(np.float32) for stack in (one, other))
    a, b = (values - values.mean(axis=1, keepdims=True) for values in (a, b))
    norm = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.where(norm > 0, (a * b).sum(axis=1) / np.maximum(norm, 1e-12), 0.0)


def pair_weights_figure(
    pairs: pd.DataFrame, manifest: pd.DataFrame, frames: np.ndarray, title: str, net: Exercised | None = None
) -> Figure:
    """Weight against distance in time, similarity of the outer frames, and source; by planted consistency if known.

    `frames` [rows, height, width] and `manifest` are those of the store that the pairs were drawn from. If there are
    several sources, each has panels of its own below, four sources per row, with Spearman's rank correlation. Of a
    weight net, the last lines say what became of it.
    """
    source, change = sources(pairs, manifest), inconsistent(pairs, manifest)
    similarity = frame_similarity(frames, pairs["row_a"].to_numpy(), pairs["row_c"].to_numpy())
    shown = pairs[["distance", "weight"]].assign(similarity=similarity, source=source.to_numpy(), kind="all pairs")
    if change is not None and change.any() and not change.all():
        shown["kind"] = np.where(change, "across a change", "no change")
    names = sorted(source.unique())
    rows = -(-len(names) // ACROSS) if len(names) > 1 else 0
    figure = plt.figure(figsize=(PAGE, 5.6 + 4 * rows), layout="constrained")
    grid = figure.add_gridspec(2 + 2 * rows, 12, height_ratios=[2.8] * 2 + [2] * 2 * rows)
    axes = panels(figure, grid, 0, 2)
    draw_all(axes, shown, str(source.name))
    if shown["kind"].nunique() > 1:
        found = weight_difference(pairs, (shown["kind"] == "across a change").to_numpy())
        interval = f"95 % CI {found.low:+.3f} to {found.high:+.3f}"
        axes[1, 0].set_title(f"across a change minus others: {found.mean:+.3f}\n{interval}")
    for row in range(rows):
        across = min(ACROSS, len(names))
        draw_sources(panels(figure, grid, 2 + 2 * row, across), shown, names[ACROSS * row : ACROSS * (row + 1)])
    figure.suptitle(title)
    if net:
        figure.supxlabel(net_lines(net), x=0.02, ha="left", fontsize=8)
    return figure


def net_lines(net: Exercised) -> str:
    """What a weight net could do and did, and the verdict."""
    correlation = "undefined" if net.correlation is None else f"{net.correlation:+.3f}"
    return (
        f"Learning rate x steps of the weight net: {net.bound:.2g}, about the most that a parameter can move;"
        f" the largest move was {net.distance:.2g}.\n"
        f"Correlation of the weights with those of the net's random start: {correlation}."
        f" Effective share of the pairs (ESS / N): {net.effective:.3f}.\n"
        f"Verdict: {net.verdict}."
    )


def panels(figure: Figure, grid: GridSpec, row: int, across: int) -> np.ndarray:
    """Panels [2, across] in two rows of a grid of twelve columns, all of one scale of weights."""
    axes = np.empty((2, across), dtype=object)
    wide = grid.ncols // across
    for place in np.ndindex(axes.shape):
        cell = grid[row + place[0], wide * place[1] : wide * (place[1] + 1)]
        axis = figure.add_subplot(cell, sharey=axes[0, 0], sharex=axes[place[0], 0] if row else None)
        axis.tick_params(labelleft=place[1] == 0)
        axes[place] = axis
    return axes


def draw_all(axes: np.ndarray, shown: pd.DataFrame, source: str) -> None:
    """Draw the pairs of all sources: above against distance and similarity, below by kind and by source."""
    for axis, (column, label) in zip(axes[0], AGAINST.items(), strict=True):
        cloud(axis, shown, column, ticks=6)
        axis.set_xlabel(label)
    axes[0, 1].legend()
    boxes(
        axes[1, 0], {kind: shown.loc[shown["kind"] == kind, "weight"] for kind in KINDS if kind in set(shown["kind"])}
    )
    boxes(axes[1, 1], {name: part["weight"] for name, part in shown.groupby("source")})
    axes[1, 1].set_title(f"by {source}")
    for axis in axes[:, 0]:
        axis.set_ylabel("weight of the pair")


def draw_sources(axes: np.ndarray, shown: pd.DataFrame, names: list[str]) -> None:
    """Draw one column per source: its pairs against distance, and below against similarity."""
    heads = [f"{wrapped(name, 18)}\n" for name in names], [""] * len(names)
    for row, lines, (column, label) in zip(axes, heads, AGAINST.items(), strict=True):
        for axis in row[len(names) :]:
            axis.set_axis_off()
        for axis, name, head in zip(row, names, lines, strict=False):
            part = shown[shown["source"] == name]
            cloud(axis, part, column, ticks=3)
            axis.set_title(f"{head}rank correlation {rank_correlation(part[column], part['weight'])}", fontsize=8)
            axis.set_xlabel(label.replace(" of", "\nof").replace(" the", "\nthe"), fontsize=8)
        row[0].set_ylabel("weight", fontsize=8)


def cloud(axis: Axes, shown: pd.DataFrame, column: str, ticks: int) -> None:
    """Draw weight against a column, with so many ticks at most; kinds differ in colour and mark."""
    axis.xaxis.set_major_locator(MaxNLocator(nbins=ticks))
    for kind, (colour, mark) in KINDS.items():
        part = shown[shown["kind"] == kind]
        if len(part):
            axis.scatter(part[column], part["weight"], s=12, color=colour, marker=mark, alpha=0.5, label=kind)


def rank_correlation(one: pd.Series, other: pd.Series) -> str:
    """Spearman's rank correlation, two decimals; undefined where either is constant."""
    if min(one.nunique(), other.nunique()) < 2:
        return "undefined"
    return f"{spearmanr(one, other).statistic:+.2f}"


def sources(pairs: pd.DataFrame, manifest: pd.DataFrame) -> pd.Series:
    """Where each pair comes from: its data set if there are several, else its label; the series' name says which."""
    first = manifest.iloc[pairs["row_a"].to_numpy()]
    column = "dataset" if manifest["dataset"].nunique() > 1 else "label"
    return first[column].replace("", "unlabelled").rename({"dataset": "data set"}.get(column, column))


def boxes(axis: Axes, weights: dict[str, pd.Series]) -> None:
    """Draw one box of weights per kind, with the mean as a triangle."""
    names = [f"{wrapped(name, 12)}\n({len(values)})" for name, values in weights.items()]
    axis.boxplot(list(weights.values()), tick_labels=names, showmeans=True)
