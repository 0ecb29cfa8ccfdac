"""Probes of frozen features, fold by fold, for any kind of probe.

The validation part chooses the probe's one setting (regularisation, number of neighbours), as it chooses the epoch in
fine-tuning; the test part is predicted once. As in fine-tuning, every class has the same total weight.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uscl.data.splits import Fold
from uscl.evaluate.choice import balanced_accuracy, log_loss, rank
from uscl.evaluate.features import check_features
from uscl.evaluate.kept_models import Keep
from uscl.evaluate.predictions import class_numbers, predicted
from uscl.metrics.temperature import best_temperature
from uscl.models.model_file import FittedModel

Features = NDArray[np.float32]


class Fitted(NamedTuple):
    """A fitted probe: `probabilities` [n, classes] of features, and the `tensors` from which they can be computed."""

    probabilities: Callable[[Features], np.ndarray]
    tensors: Mapping[str, np.ndarray]


# Given the number of training cases: each setting to try, with the function that fits it to features, class numbers
# and the number of classes.
Candidates = Callable[[int], Sequence[tuple[float, Callable[[Features, np.ndarray, int], Fitted]]]]


def probe_fold(
    features: Features,
    cases: pd.DataFrame,
    fold: Fold,
    candidates: Candidates,
    form: str,
    keep: Keep | None = None,
    *,
    temperature_scaling: bool = False,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fit a probe on one fold with each of its `candidates` that the number of training cases allows.

    `features` [frames, dim] are the store's, `cases` has row and IDENTITY (of `uscl.data.splits`). Returns the
    predictions of the test part (IDENTITY, `p_<class>`) and one row per candidate setting: candidate, setting,
    validation_loss, validation_score (balanced accuracy), chosen. Among equal scores the lower loss wins, then the
    earlier candidate. `keep` gets the model, of the given `form` (`uscl.models.model_file`). With
    `temperature_scaling`, the validation part also gives the temperature of the probabilities
    (`uscl.metrics.temperature`). Raises UserError if features are not finite.
    """
    check_features(features[cases["row"]], cases["case"])
    classes, target = class_numbers(cases)
    (x, y), (x_validation, y_validation) = (
        (features[rows], target.loc[rows].to_numpy(np.int64)) for rows in (fold.train, fold.validation)
    )
    rows, fitted = [], []
    for number, (setting, fit) in enumerate(candidates(len(y))):
        model = fit(x, y, len(classes))
        probabilities = model.probabilities(x_validation)
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
    chosen = fitted[best]
    temperature = best_temperature(y_validation, chosen.probabilities(x_validation)) if temperature_scaling else None
    predictions = predicted(cases, fold, classes, chosen.probabilities(features[fold.test]), temperature)
    if keep:
        keep(FittedModel(form, classes, chosen.tensors, {} if temperature is None else {"temperature": temperature}))
    history = pd.DataFrame(rows)
    return predictions, history.assign(chosen=history["candidate"] == best)
