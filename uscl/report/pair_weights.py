"""What weights a method gives to which pairs, and whether it tells planted inconsistent pairs from consistent ones."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from uscl.report.style import BLUE, ORANGE, plt
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


def pair_weights_figure(pairs: pd.DataFrame, manifest: pd.DataFrame, title: str) -> Figure:
    """Weight against the distance of the two views in time; by planted consistency where it is known."""
    figure, (cloud, spread) = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained", sharey=True)
    change = inconsistent(pairs, manifest)
    kinds = {"all pairs": np.full(len(pairs), True)}
    if change is not None and change.any() and not change.all():
        kinds = {"same organ": ~change, "other organ": change}
        found = weight_difference(pairs, change)
        spread.set_title(
            f"other less same organ: {found.mean:+.3f}\n95 % CI {found.low:+.3f} to {found.high:+.3f}", fontsize="small"
        )
    for (name, chosen), color, mark in zip(kinds.items(), (BLUE, ORANGE), "o^", strict=False):
        part = pairs[chosen]
        cloud.scatter(part["distance"], part["weight"], s=12, color=color, marker=mark, alpha=0.5, label=name)
    cloud.set(xlabel="frames between the two views", ylabel="weight of the pair")
    cloud.legend(fontsize="small")
    spread.boxplot([pairs.loc[chosen, "weight"] for chosen in kinds.values()], tick_labels=list(kinds), showmeans=True)
    figure.suptitle(title)
    return figure
