"""The linear probe: multinomial logistic regression on frozen features."""

from functools import partial

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from uscl.data.splits import Fold
from uscl.evaluate.probe import Features, Fitted, probe_fold

STRENGTHS = tuple(10.0**power for power in range(-4, 3))  # C, the inverse of the L2 penalty
ITERATIONS = 2000


def fit(features: Features, cases: pd.DataFrame, fold: Fold) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Probe one fold; the validation part chooses the strength of the penalty (see `uscl.evaluate.probe`)."""
    settings = [(strength, partial(logistic_regression, strength)) for strength in STRENGTHS]
    return probe_fold(features, cases, fold, lambda training_cases: settings)


def logistic_regression(strength: float, x: Features, y: np.ndarray, classes: int) -> Fitted:
    """Multinomial logistic regression on standardised features, classes weighted by their inverse frequency."""
    model = make_pipeline(
        StandardScaler(), LogisticRegression(C=strength, class_weight="balanced", max_iter=ITERATIONS)
    ).fit(x.astype(np.float64), y)

    def probabilities(features: Features) -> np.ndarray:
        found = np.zeros((len(features), classes))
        found[:, model.classes_] = model.predict_proba(features.astype(np.float64))
        return found

    return probabilities
