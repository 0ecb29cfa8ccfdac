"""Effect sizes: how large a difference is, in addition to whether there is one."""

import numpy as np


def standardised_difference(differences: np.ndarray, group: np.ndarray) -> float:
    """Mean over sd (n - 1) of the groups' mean differences: Cohen's d of paired scores, with groups as the units.

    `differences` [n]: arm minus reference per case; `group` [n]: numbers of the groups. NaN if there are fewer than two
    groups or all groups have the same difference.
    """
    counts = np.bincount(group)
    means = np.bincount(group, weights=differences)[counts > 0] / counts[counts > 0]
    if len(means) < 2 or np.allclose(means, means[0], rtol=0, atol=1e-12):
        return float("nan")
    return float(means.mean() / means.std(ddof=1))


def probability_of_improvement(scores: np.ndarray, of_reference: np.ndarray, *, lower_is_better: bool) -> float:
    """Share of pairs of scores [n] in which the arm is better than the reference, ties count half; NaN without a pair.

    The scores of one fold and seed form a pair; pairs with an undefined score are left out. After Agarwal et al.,
    NeurIPS 2021 (arXiv 2108.13264), who compare all runs with all: here both arms have the same folds, so scores are
    compared within folds.
    """
    gain = (of_reference - scores) if lower_is_better else (scores - of_reference)
    gain = gain[~np.isnan(gain)]
    return float(np.mean((gain > 0) + (gain == 0) / 2)) if len(gain) else float("nan")
