"""Maps of the representations in two dimensions, by class and by group (patient, video or image)."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from uscl.base.seeds import derive, generator
from uscl.data.units import singular_unit
from uscl.report.figures.style import COLOURS, MARKERS, PAGE, plt, wrapped

POINTS, COMPONENTS = 600, 50
FEWEST_FOR_TSNE = 20
GOLDEN = 0.618034  # its multiples modulo 1 keep apart


def representation_map(features: Mapping[str, np.ndarray], cases: pd.DataFrame) -> Figure:
    """One column per arm, coloured by class above and by group below (colours only show which cases belong together).

    `features` [n, dim] by arm and `cases` (group, unit, label) have the same n rows. The titles give the share of cases
    whose nearest neighbour among all cases is of the same class, and of the same group. At most 600 cases are drawn.
    """
    unit = singular_unit(cases)
    rows = whole_groups(cases["group"])
    part = cases.iloc[rows].reset_index(drop=True)
    width = PAGE / 3 * max(len(features), 3) if len(features) < 4 else PAGE
    figure, axes = plt.subplots(
        2, len(features), figsize=(width, 0.9 + 2 * width / max(len(features), 3)), layout="constrained", squeeze=False
    )
    for (above, below), (arm, found) in zip(axes.T, features.items(), strict=True):
        points, nearest = flat_map(found[rows]), nearest_of(found)
        draw_classes(above, points, part["label"])
        below.scatter(*points.T, c=hues(part["group"]), cmap="hsv", vmin=0, vmax=1, s=5, linewidths=0)
        above.set_title(f"{wrapped(arm, 14)}\nclass: {same(cases['label'], nearest)}", fontsize=8)
        below.set_title(f"{unit}: {same(cases['group'], nearest)}", fontsize=8)
        for axis in (above, below):
            axis.set(xticks=[], yticks=[])
    axes[0, 0].set_ylabel("by class")
    axes[1, 0].set_ylabel(f"by {unit}")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=6, markerscale=2)
    method = "t-SNE" if len(part) >= FEWEST_FOR_TSNE else "principal components"
    figure.suptitle(
        f"{method} of frozen features; how often a case's nearest neighbour is of its class, its {unit}\n"
        f"the colours below only show which cases are of one {unit}"
    )
    return figure


def hues(groups: pd.Series) -> np.ndarray:
    """A place on the colour circle for each case, [0, 1): far apart for groups that follow each other.

    Groups that follow each other are often of one class, and with similar colours they would look like one group.
    """
    return pd.factorize(groups)[0] * GOLDEN % 1


def whole_groups(groups: pd.Series) -> np.ndarray:
    """Positions of the cases of whole groups, taken in random order: at most 600 cases, but at least one group."""
    codes, names = pd.factorize(groups)
    order = generator(0, "representation map").permutation(len(names))
    total = np.cumsum(np.bincount(codes)[order])
    return np.flatnonzero(np.isin(codes, order[: max(1, int((total <= POINTS).sum()))]))


def flat_map(features: np.ndarray) -> np.ndarray:
    """Features [n, dim] in two dimensions [n, 2]: t-SNE of their first principal components, or just the latter."""
    scaled = StandardScaler().fit_transform(features.astype(np.float64))
    seed = derive(0, "representation map") % 2**32
    count = min(COMPONENTS if len(scaled) >= FEWEST_FOR_TSNE else 2, *scaled.shape)
    components = PCA(count, svd_solver="full").fit_transform(scaled)
    if len(scaled) < FEWEST_FOR_TSNE:
        return np.pad(components, ((0, 0), (0, 2 - count)))
    return TSNE(perplexity=min(30, len(scaled) / 4), init="pca", random_state=seed).fit_transform(components)


def nearest_of(features: np.ndarray) -> np.ndarray:
    """Position of each case's nearest neighbour other than itself, by cosine similarity: [n]."""
    neighbours = NearestNeighbors(n_neighbors=2, metric="cosine").fit(features)
    found = neighbours.kneighbors(features, return_distance=False)
    return np.where(found[:, 0] == np.arange(len(features)), found[:, 1], found[:, 0])


def same(names: pd.Series, nearest: np.ndarray) -> str:
    """The share of cases whose nearest neighbour has the same name, in percent."""
    values = names.to_numpy()
    return f"{100 * (values == values[nearest]).mean():.0f} %"


def draw_classes(axis: Axes, points: np.ndarray, labels: pd.Series) -> None:
    """Draw the points by class, each with a colour and a marker."""
    for place, name in enumerate(sorted(labels.unique())):
        chosen = (labels == name).to_numpy()
        colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
        axis.scatter(
            points[chosen, 0], points[chosen, 1], s=6, linewidths=0, color=colour, marker=marker, label=wrapped(name)
        )
