"""How the validation part chooses an epoch of fine-tuning or the setting of a probe.

The two scores equal scikit-learn's to the last bit, but avoid its import, which takes longer than a small probe.
"""

import math
from collections.abc import Mapping

import numpy as np


def rank(row: Mapping[str, float]) -> tuple[float, float]:
    """What makes one row of a history better than another: the score, then the lower loss; of equal rows, the first."""
    return row["validation_score"], -row["validation_loss"]


def balanced_accuracy(labels: np.ndarray, predicted: np.ndarray) -> float:
    """Mean recall of the classes that occur; `labels` and `predicted` [cases] are class numbers."""
    counts = np.bincount(labels)
    hits = np.bincount(labels[labels == predicted], minlength=len(counts))
    return float(np.mean(hits[counts > 0] / counts[counts > 0]))


def log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean cross-entropy of class numbers [cases] under float64 `probabilities` [cases, classes]."""
    eps = np.finfo(probabilities.dtype).eps
    of_label = np.clip(probabilities[np.arange(len(labels)), labels], eps, 1 - eps)
    # NumPy's own logarithm differs in the last bit from the C library's, which scikit-learn uses.
    return float(np.mean([-math.log(probability) for probability in of_label]))
