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
ACROSS = 6  # arms
GOLDEN = 0.618034  # its multiples modulo 1 keep apart


def representation_map(features: Mapping[str, np.ndarray], cases: pd.DataFrame) -> Figure:
    """Panels of all arms, coloured by class, and below them by group (colours only show which cases belong together).

    `features` [n, dim] by arm and `cases` (group, unit, label) have the same n rows. The titles give the share of cases
    whose nearest neighbour among all cases is of the same class, and of the same group. At most 600 cases are drawn.
    If every group is a single case, there are no panels by group: they could not show anything.
    """
    unit = singular_unit(cases)
    by = {"class": "label"} if cases["group"].is_unique else {"class": "label", unit: "group"}
    rows = whole_groups(cases["group"])
    part = cases.iloc[rows].reset_index(drop=True)
    across = min(len(features), ACROSS)
    blocks = -(-len(features) // across)
    size = (PAGE, 0.9 + len(by) * blocks * (0.35 + PAGE / max(across, 3)))
    figure, axes = plt.subplots(len(by) * blocks, across, figsize=size, layout="constrained", squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for place, (arm, found) in enumerate(features.items()):
        points, nearest = flat_map(found[rows]), nearest_of(found)
        for line, (word, column) in enumerate(by.items()):
            axis = axes[len(by) * (place // across) + line, place % across]
            axis.set_axis_on()
            (draw_classes if word == "class" else draw_groups)(axis, points, part[column])
            head = "" if line else f"{wrapped(arm, 14)}\n"
            axis.set_title(f"{head}{word}: {same(cases[column], nearest)}", fontsize=8)
            axis.set(xticks=[], yticks=[], ylabel="" if place % across else f"by {word}")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=6, markerscale=2)
    figure.suptitle(explanation(len(part), list(by)))
    return figure


def explanation(drawn: int, by: list[str]) -> str:
    """What the panels and the percentages in their titles are."""
    method = "t-SNE" if drawn >= FEWEST_FOR_TSNE else "principal components"
    whose = ", its ".join(by)
    lines = [f"{method} of frozen features; how often a case's nearest neighbour is of its {whose}"]
    return "\n".join(lines + [f"the colours below only show which cases are of one {unit}" for unit in by[1:]])


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


def draw_groups(axis: Axes, points: np.ndarray, groups: pd.Series) -> None:
    """Draw the points by group, each with a colour."""
    axis.scatter(points[:, 0], points[:, 1], c=hues(groups), cmap="hsv", vmin=0, vmax=1, s=5, linewidths=0)


def draw_classes(axis: Axes, points: np.ndarray, labels: pd.Series) -> None:
    """Draw the points by class, each with a colour and a marker."""
    for place, name in enumerate(sorted(labels.unique())):
        chosen = (labels == name).to_numpy()
        colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
        axis.scatter(
            points[chosen, 0], points[chosen, 1], s=6, linewidths=0, color=colour, marker=marker, label=wrapped(name)
        )
