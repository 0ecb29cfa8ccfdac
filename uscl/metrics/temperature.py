"""Temperature scaling: one number that makes the probabilities of a model neither too sure nor too unsure.

Guo et al., ICML 2017, arXiv 1706.04599: softmax(z / T) in place of softmax(z), with the T that gives the validation
part the lowest cross-entropy. Softmax of z / T is proportional to the power 1 / T of the probabilities, so it needs no
logits. The order of the classes of a case stays, so decisions do.
"""

import math

import numpy as np

LOWEST, HIGHEST = 0.05, 20.0  # of a part on which every case is right, no finite temperature is best


def scaled(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities [n, classes] at a temperature; above 1 they are less sure.

    >>> scaled(np.array([[0.8, 0.2]]), 0.5).round(3).tolist()
    [[0.941, 0.059]]
    """
    powers = probabilities.astype(np.float64) ** (1 / temperature)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def best_temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The temperature of the lowest cross-entropy of class numbers [n] under `probabilities` [n, classes]."""
    from scipy.optimize import minimize_scalar  # late: most cells need none of it

    def loss(log_temperature: float) -> float:
        of_label = scaled(probabilities, math.exp(log_temperature))[np.arange(len(labels)), labels]
        return float(-np.log(np.maximum(of_label, np.finfo(float).tiny)).mean())

    found = minimize_scalar(loss, bounds=(math.log(LOWEST), math.log(HIGHEST)), method="bounded")
    return math.exp(found.x)
