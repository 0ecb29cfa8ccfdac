"""Tests of two arms on the same cases."""

import numpy as np
from scipy.stats import binomtest
from scipy.stats import t as student

from uscl.base.seeds import generator
from uscl.metrics.groups import Part
from uscl.stats.panel import Panel
from uscl.stats.panel_scores import Scorer, chunks, mean_scores, scorer

# Differences that equal the observed one up to rounding count as equal to it.
ROUNDING = 1e-10


def swap_test(panel: Panel, arm: int, reference: int, draws: int, seed: int) -> np.ndarray:
    """Two-sided p of the difference between two arms in every metric, [metrics], by a paired permutation test.

    In each draw, one coin toss per group decides whether the two arms swap their predictions for all its cases and all
    seeds together. p = (1 + draws at least as far from 0 as observed) / (1 + draws) (Phipson & Smyth 2010,
    doi:10.2202/1544-6115.1585). The null hypothesis is that it makes no difference which arm a group's predictions come
    from. NaN if the observed difference is undefined; an undefined draw counts as far.
    """
    pairs = {fold: stacked(part, arm, reference) for fold, part in panel.folds.items()}
    scorers = {fold: scorer(part, len(panel.classes)) for fold, part in pairs.items()}
    groups = {fold: part.groups for fold, part in panel.folds.items()}
    observed = swapped_differences(scorers, {fold: np.zeros((1, count)) for fold, count in groups.items()})[:, 0]
    far = np.zeros(len(observed), dtype=int)
    for chunk, size in chunks(draws):
        coins = {
            fold: generator(seed, "swaps", fold, chunk).integers(2, size=(size, count)).astype(float)
            for fold, count in groups.items()
        }
        near = np.abs(swapped_differences(scorers, coins)) < np.abs(observed)[:, None] - ROUNDING
        far += (~near).sum(axis=1)
    return np.where(np.isnan(observed), np.nan, (1 + far) / (1 + draws))


def stacked(part: Part, arm: int, reference: int) -> Part:
    """One arm with both arms' predictions: groups 0 to G - 1 are those of `arm`, G to 2 G - 1 those of `reference`.

    With weight 1 for one of each group's two copies and 0 for the other, the code for bootstrap draws computes any
    metric of the swapped predictions; AUROC then compares positives of one arm with negatives of the other.
    """
    values = {
        name: np.concatenate([array[..., [arm], :, :], array[..., [reference], :, :]], axis=-1)
        for name, array in part.values.items()
    }
    return Part(np.concatenate([part.group, part.group + part.groups]), np.tile(part.label, 2), values)


def swapped_differences(scorers: dict[int, Scorer], coins: dict[int, np.ndarray]) -> np.ndarray:
    """Arm minus reference, [metrics, draws], with the groups swapped whose coin [draws, groups] is 1."""
    scores = []
    for fold, score in scorers.items():
        coin = coins[fold]
        # Both arms in one call: the draws of the reference come after those of the arm.
        scores.append(score(np.block([[1 - coin, coin], [coin, 1 - coin]])))
    arm, reference = np.split(mean_scores(scores)[:, 0], 2, axis=-1)
    return arm - reference


def mcnemar(correct: np.ndarray, of_reference: np.ndarray) -> float:
    """Exact two-sided p of McNemar's test (1947, doi:10.1007/BF02295996); booleans [n], the same cases for both.

    1 if the arms are right on the same cases. It treats cases as independent, which frames of a video are not.
    """
    only_arm, only_reference = int((correct & ~of_reference).sum()), int((of_reference & ~correct).sum())
    if only_arm + only_reference == 0:
        return 1.0
    return float(binomtest(only_arm, only_arm + only_reference).pvalue)


def corrected_resampled_t(differences: np.ndarray, ratio_tested: float) -> float:
    """Two-sided p of the corrected resampled t-test (Nadeau & Bengio 2003, doi:10.1023/A:1024068626366).

    `differences` [n]: arm minus reference per fold and seed, undefined ones left out. `ratio_tested`: test cases per
    training case. Training sets overlap, which the variance 1 / n + ratio_tested accounts for. NaN with fewer than
    two differences; where all are equal, 1 if they are 0, else 0.
    """
    defined = differences[~np.isnan(differences)]
    if len(defined) < 2:
        return float("nan")
    mean, variance = defined.mean(), defined.var(ddof=1)
    if variance <= ROUNDING**2:
        return float(abs(mean) <= ROUNDING)
    statistic = mean / np.sqrt((1 / len(defined) + ratio_tested) * variance)
    return float(2 * student.sf(abs(statistic), len(defined) - 1))


def ratio_tested(panel: Panel) -> float:
    """Test cases of a fold per remaining case, as the mean over folds; NaN with a single fold.

    The remaining cases are those of training and inner validation.
    """
    sizes = np.array([len(part.group) for part in panel.folds.values()])
    return float(np.mean(sizes / (sizes.sum() - sizes))) if len(sizes) > 1 else float("nan")
