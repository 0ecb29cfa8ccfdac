"""The epoch choice of the authors' released code, for comparison only: the best epoch on the test fold.

It makes every score too good, because the test labels choose the model. The benchmark's own results never use it.
"""

from collections.abc import Callable

import numpy as np


class BestOnTest:
    """Called after every epoch; keeps the test probabilities [n, classes] of the epoch of the highest test accuracy.

    `predict` returns the current model's probabilities, `labels` [n] are the true class numbers. The first of equally
    good epochs is kept.
    """

    def __init__(self, predict: Callable[[], np.ndarray], labels: np.ndarray) -> None:
        self.probabilities = np.empty((0, 0))
        self._predict = predict
        self._labels = labels
        self._best = -1.0

    def __call__(self) -> None:
        probabilities = self._predict()
        accuracy = float((probabilities.argmax(axis=1) == self._labels).mean())
        if accuracy > self._best:
            self._best, self.probabilities = accuracy, probabilities
