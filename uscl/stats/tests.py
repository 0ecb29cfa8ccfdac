"""Tests of two arms that decide no claim: of these trained models on the same cases, and of their trainings alone."""

import itertools

import numpy as np
from scipy.stats import binomtest
from scipy.stats import t as student

from uscl.base.seeds import generator
from uscl.metrics.groups import Part, mean_of_defined
from uscl.metrics.weights import Drawn
from uscl.stats.panel import Panel
from uscl.stats.panel_scores import Scorer, at_once, chunks, scorer

# Differences that equal the observed one up to rounding count as equal to it.
ROUNDING = 1e-10


def swap_test(panel: Panel, arm: int, reference: int, draws: int, seed: int) -> np.ndarray:
    """Two-sided p of the difference between two arms in every metric, [metrics], by a paired permutation test.

    In each draw, one coin toss per group decides whether the two arms swap their predictions for all its cases and all
    trainings together. p = (1 + draws at least as far from 0 as observed) / (1 + draws) (Phipson & Smyth 2010,
    doi:10.2202/1544-6115.1585). The null hypothesis is that it makes no difference which arm a group's predictions come
    from: it is about these trained models, not about the methods that trained them. NaN if the observed difference is
    undefined; an undefined draw counts as far.
    """
    score, groups = scorer(stacked(panel, arm, reference)), panel.cases.groups
    observed = swapped_differences(score, np.zeros((1, groups)))[:, 0]
    far = np.zeros(len(observed), dtype=int)
    for chunk, size in chunks(draws):
        random = generator(seed, "swaps", chunk)
        for part in at_once(size, 4 * groups):  # both arms, each with two copies of every group
            coins = random.integers(2, size=(len(range(size)[part]), groups)).astype(float)
            near = np.abs(swapped_differences(score, coins)) < np.abs(observed)[:, None] - ROUNDING
            far += (~near).sum(axis=1)
    return np.where(np.isnan(observed), np.nan, (1 + far) / (1 + draws))


def stacked(panel: Panel, arm: int, reference: int) -> Panel:
    """One arm with both arms' predictions: groups 0 to G - 1 are those of `arm`, G to 2 G - 1 those of `reference`.

    With weight 1 for one of each group's two copies and 0 for the other, the code for bootstrap draws computes any
    metric of the swapped predictions; AUROC then compares positives of one arm with negatives of the other.
    """
    cases = panel.cases
    values = {
        name: np.concatenate([array[..., [arm], :, :], array[..., [reference], :, :]], axis=-1)
        for name, array in cases.values.items()
    }
    both = Part(np.concatenate([cases.group, cases.group + cases.groups]), np.tile(cases.label, 2), values)
    return panel._replace(arms=["both"], groups=panel.groups * 2, cases=both, folds=np.tile(panel.folds, 2))


def swapped_differences(score: Scorer, coins: np.ndarray) -> np.ndarray:
    """Arm minus reference, [metrics, draws], with the groups swapped whose coin [draws, groups] is 1."""
    # Both arms in one call: the draws of the reference come after those of the arm.
    means = mean_of_defined(score(Drawn(np.block([[1 - coins, coins], [coins, 1 - coins]]))), axis=2)
    arm, reference = np.split(means[:, 0], 2, axis=-1)
    return arm - reference


def permuted_trainings(scores: np.ndarray, of_reference: np.ndarray) -> float:
    """Exact two-sided p of the difference of two arms' mean scores, [r_1] and [r_2], if trainings change places.

    The share of all divisions of the trainings into two such arms whose means differ at least as much; the smallest
    possible p is 2 / 20 for three trainings each and 2 / 252 for five. NaN with a single training.
    """
    if min(len(scores), len(of_reference)) < 2:
        return float("nan")
    pooled = np.concatenate([scores, of_reference])
    chosen = np.array(list(itertools.combinations(range(len(pooled)), len(scores))))
    first = pooled[chosen].mean(axis=1)
    second = (pooled.sum() - first * len(scores)) / len(of_reference)
    return float(np.mean(np.abs(first - second) >= abs(scores.mean() - of_reference.mean()) - ROUNDING))


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

    `differences` [n]: arm minus reference per training, undefined ones left out. `ratio_tested`: test cases per
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
    """Test cases of a fold per remaining case, as the mean over folds and trainings; NaN with a single fold.

    The remaining cases are those of training and inner validation.
    """
    sizes = np.stack([np.bincount(folds, minlength=panel.folds.max() + 1) for folds in panel.folds])
    sizes = sizes[:, sizes.any(axis=0)].astype(float)
    others = sizes.sum(axis=1, keepdims=True) - sizes
    return float(np.mean(sizes / others)) if sizes.shape[1] > 1 else float("nan")
