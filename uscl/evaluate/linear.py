"""The linear probe: multinomial logistic regression on frozen features."""

from functools import partial

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from uscl.data.splits import Fold
from uscl.evaluate.kept_models import Keep
from uscl.evaluate.probe import Features, Fitted, probe_fold
from uscl.models.model_file import LINEAR

STRENGTHS = tuple(10.0**power for power in range(-4, 3))  # C, the inverse of the L2 penalty
ITERATIONS = 2000
NEVER = -1e30  # finite, so that a file of weights can be checked


def fit(
    features: Features,
    cases: pd.DataFrame,
    fold: Fold,
    *,
    keep: Keep | None = None,
    temperature_scaling: bool = False,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Probe one fold; the validation part chooses the strength of the penalty (see `uscl.evaluate.probe`)."""
    settings = [(strength, partial(logistic_regression, strength)) for strength in STRENGTHS]
    return probe_fold(
        features,
        cases,
        fold,
        lambda training_cases: settings,
        LINEAR,
        keep,
        temperature_scaling=temperature_scaling,
    )


def logistic_regression(strength: float, x: Features, y: np.ndarray, classes: int) -> Fitted:
    """Multinomial logistic regression on standardised features, classes weighted by their inverse frequency."""
    model = make_pipeline(
        StandardScaler(), LogisticRegression(C=strength, class_weight="balanced", max_iter=ITERATIONS)
    ).fit(x.astype(np.float64), y)

    def probabilities(features: Features) -> np.ndarray:
        found = np.zeros((len(features), classes))
        found[:, model.classes_] = model.predict_proba(features.astype(np.float64))
        return found

    return Fitted(probabilities, tensors_of(model[0], model[1], classes))


def tensors_of(scaler: StandardScaler, regression: LogisticRegression, classes: int) -> dict[str, np.ndarray]:
    """Mean and scale [dim] of the features, and the weights [classes, dim] and biases of softmax regression, float64.

    A class that was not trained on has weights 0 and a bias so low that it has the probability 0. Of two
    classes, scikit-learn fits one row w, whose logistic function is the softmax of (-w / 2, w / 2).
    """
    coefficients, intercepts = regression.coef_, regression.intercept_
    if len(regression.classes_) == 2:
        coefficients, intercepts = (np.concatenate([-part / 2, part / 2]) for part in (coefficients, intercepts))
    weight, bias = np.zeros((classes, coefficients.shape[1])), np.full(classes, NEVER)
    weight[regression.classes_], bias[regression.classes_] = coefficients, intercepts
    return {"mean": scaler.mean_, "scale": scaler.scale_, "weight": weight, "bias": bias}
