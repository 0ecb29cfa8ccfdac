"""The nearest-neighbour probe of frozen features."""

from functools import partial

import numpy as np
import pandas as pd

from uscl.data.splits import Fold
from uscl.evaluate.kept_models import Keep
from uscl.evaluate.probe import Features, Fitted, probe_fold
from uscl.models.model_file import KNN

NEIGHBOURS = (1, 5, 10, 20, 50)
TEMPERATURE = 0.07


def fit(
    features: Features,
    cases: pd.DataFrame,
    fold: Fold,
    *,
    keep: Keep | None = None,
    temperature_scaling: bool = False,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Probe one fold; the validation part chooses the number of neighbours (see `uscl.evaluate.probe`)."""

    def candidates(training_cases: int):  # type: ignore[no-untyped-def]
        return [(count, partial(nearest_neighbours, count)) for count in NEIGHBOURS if count <= training_cases]

    return probe_fold(features, cases, fold, candidates, KNN, keep, temperature_scaling=temperature_scaling)


def nearest_neighbours(count: int, x: Features, y: np.ndarray, classes: int) -> Fitted:
    """Votes of the `count` most similar training cases by cosine similarity.

    A vote weighs exp(similarity / 0.07), as in Wu et al., CVPR 2018 (arXiv 1805.01978), over its class's frequency.
    """
    known = unit_length(x)
    share = np.bincount(y, minlength=classes)[y]

    def probabilities(features: Features) -> np.ndarray:
        similarity = unit_length(features) @ known.T
        nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :count]
        closeness = np.take_along_axis(similarity, nearest, axis=1).astype(np.float64)
        votes = np.exp((closeness - closeness[:, :1]) / TEMPERATURE) / share[nearest]
        totals = np.stack([np.where(y[nearest] == number, votes, 0).sum(axis=1) for number in range(classes)], axis=1)
        return totals / totals.sum(axis=1, keepdims=True)

    return Fitted(probabilities, {"bank": known, "labels": y, "count": np.array(count), "share": share})


def unit_length(features: Features) -> Features:
    """Features scaled to length 1; zero stays zero."""
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
