"""Probes of frozen features: logistic regression and nearest neighbours, fold by fold.

Their one setting (regularisation, number of neighbours) is chosen on the validation part as an epoch is in
fine-tuning; the test part is predicted once. Class imbalance is met as there: every class weighs the same.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uscl.data.splits import Fold
from uscl.evaluate.choice import balanced_accuracy, log_loss, rank
from uscl.evaluate.features import check_features
from uscl.evaluate.predictions import predicted

Features = NDArray[np.float32]
# Fitted on features and class numbers, gives probabilities [n, classes] of other features.
Fitted = Callable[[Features], np.ndarray]

STRENGTHS = tuple(10.0**power for power in range(-4, 3))  # C, the inverse of the L2 penalty
NEIGHBOURS = (1, 5, 10, 20, 50)
TEMPERATURE = 0.07
ITERATIONS = 2000


def probe_fold(
    features: Features, cases: pd.DataFrame, fold: Fold, *, regime: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fit the probe named by `regime` (linear or knn) on one fold.

    `features` [frames, dim] are the store's, `cases` has row, case, group, label. Returns the predictions of the test
    part (case, group, label, `p_<class>`) and one row a candidate setting: candidate, setting, validation_loss,
    validation_score (balanced accuracy), chosen. Equal scores go to the lower loss, then to the earlier candidate.
    Raises UserError where features are not finite.
    """
    check_features(features[cases["row"]], cases["case"])
    classes = sorted(cases["label"].unique())
    target = cases.set_index("row")["label"].map({name: number for number, name in enumerate(classes)})
    (x, y), (x_validation, y_validation) = (
        (features[rows], target.loc[rows].to_numpy(np.int64)) for rows in (fold.train, fold.validation)
    )
    rows, fitted = [], []
    for number, (setting, fit) in enumerate(candidates(regime, len(y))):
        model = fit(x, y, len(classes))
        probabilities = model(x_validation)
        rows.append(
            {
                "candidate": number,
                "setting": setting,
                "validation_loss": log_loss(y_validation, probabilities),
                "validation_score": balanced_accuracy(y_validation, probabilities.argmax(axis=1)),
            }
        )
        fitted.append(model)
    best = max(range(len(rows)), key=lambda number: rank(rows[number]))
    predictions = predicted(cases, fold, classes, fitted[best](features[fold.test]))
    history = pd.DataFrame(rows)
    return predictions, history.assign(chosen=history["candidate"] == best)


def candidates(regime: str, cases: int) -> Sequence[tuple[float, Callable[[Features, np.ndarray, int], Fitted]]]:
    """Each setting that is tried, with the function that fits it to features, class numbers and number of classes."""
    if regime == "linear":
        return [(strength, partial(logistic_regression, strength)) for strength in STRENGTHS]
    return [(count, partial(nearest_neighbours, count)) for count in NEIGHBOURS if count <= cases]


def logistic_regression(strength: float, x: Features, y: np.ndarray, classes: int) -> Fitted:
    """Multinomial logistic regression on standardised features, classes weighted by their inverse frequency."""
    from sklearn.linear_model import LogisticRegression  # late: nearest neighbours need none of scikit-learn
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(
        StandardScaler(), LogisticRegression(C=strength, class_weight="balanced", max_iter=ITERATIONS)
    ).fit(x.astype(np.float64), y)

    def probabilities(features: Features) -> np.ndarray:
        found = np.zeros((len(features), classes))
        found[:, model.classes_] = model.predict_proba(features.astype(np.float64))
        return found

    return probabilities


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

    return probabilities


def unit_length(features: Features) -> Features:
    """Features scaled to length 1; zero stays zero."""
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
