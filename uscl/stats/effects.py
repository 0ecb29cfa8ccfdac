"""How large a difference is, beside whether there is one."""

import numpy as np


def standardised_difference(differences: np.ndarray, group: np.ndarray) -> float:
    """Mean over sd (n - 1) of the groups' mean differences: Cohen's d of paired scores, with groups as the units.

    `differences` [n]: arm less reference of each case; `group` [n]: numbers of the groups. NaN where fewer than two
    groups are there or all differ equally.
    """
    counts = np.bincount(group)
    means = np.bincount(group, weights=differences)[counts > 0] / counts[counts > 0]
    if len(means) < 2 or np.allclose(means, means[0], rtol=0, atol=1e-12):
        return float("nan")
    return float(means.mean() / means.std(ddof=1))


def probability_of_improvement(scores: np.ndarray, of_reference: np.ndarray, *, lower_is_better: bool) -> float:
    """Share of pairs of scores [n] in which the arm is better than the reference, ties half; NaN without a pair.

    Scores of one fold and seed are a pair, and pairs with an undefined score are left out. After Agarwal et al.,
    NeurIPS 2021 (arXiv 2108.13264), who compare all runs with all: folds are alike for both arms here, so that scores
    are compared within them.
    """
    gain = (of_reference - scores) if lower_is_better else (scores - of_reference)
    gain = gain[~np.isnan(gain)]
    return float(np.mean((gain > 0) + (gain == 0) / 2)) if len(gain) else float("nan")
