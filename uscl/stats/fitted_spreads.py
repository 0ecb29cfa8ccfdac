"""The spreads of a simulated world, estimated from the stored predictions of an evaluation by the method of moments.

Y_itg is the mean score, in points, of patient g in training t of arm i. As in `uscl.stats.simulated_scores`,

    Y_itg = mean_i + difficulty_g + (arm x patient)_ig + (training x patient)_itg + (fold model)_itf + luck_it

The difference of two trainings of an arm, W_g = Y_itg - Y_iug, contains neither the patient's difficulty nor the arm's
effect on the patient. With sd l of luck, f of fold models and b of training x patient, patients g and h:

    E W_g W_h = 2 l^2 + f^2 (1 if t tests g and h in one fold) + f^2 (1 if u does)      E W_g^2 = 2 (l^2 + f^2 + b^2)

In the difference of two arms, D_tg = Y_itg - Y_jtg, two trainings share only what the arms do to the patient, sd a:

    Cov_g(D_tg, D_ug) = a_i^2 + a_j^2 = 2 a^2

Covariances over patients are pooled within classes. Estimates are unbiased as variances; those below 0 count as 0.
With one training, fold models apart, luck is unknown and a includes b.
"""

from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd


class Evaluation(NamedTuple):
    """Mean scores of I arms, T trainings, G patients; patients are ordered by class."""

    arms: list[str]
    scores: np.ndarray  # [I, T, G]
    fold: np.ndarray  # [T, G]
    label: np.ndarray  # [G], the numbers of the classes
    frames: np.ndarray  # [G]


class Spreads(NamedTuple):
    """Sds in points, NaN where unknown; `pairs` has a row per pair of arms: arm, reference, patient."""

    difficulty: float
    arm_patient: float
    training_patient: float
    fold_model: float
    luck: float
    pairs: pd.DataFrame


def to_evaluation(cases: pd.DataFrame) -> Evaluation:
    """The patients' mean accuracy or Dice from `cases.parquet`, which must have every case once per arm and seed."""
    score = "correct" if "correct" in cases else "dice"
    table = cases.assign(score=100 * cases[score].astype(float))
    first = table.drop_duplicates("case").groupby("group").agg(label=("label", "first"), frames=("case", "size"))
    first = first.sort_values(["label", "group"])
    arms, seeds = list(table["arm"].unique()), sorted(table["seed"].unique())
    means = table.pivot_table(index=["arm", "seed"], columns="group", values="score", aggfunc="mean")
    rows = pd.MultiIndex.from_product([arms, seeds])
    scores = means.reindex(index=rows, columns=first.index).to_numpy().reshape(len(arms), len(seeds), -1)
    fold = table.drop_duplicates(["seed", "group"]).pivot(index="seed", columns="group", values="fold")
    label = pd.factorize(first["label"])[0]
    return Evaluation(arms, scores, fold.loc[seeds, first.index].to_numpy(), label, first["frames"].to_numpy())


def spreads(given: Evaluation) -> Spreads:
    """All sds; see the top of this file. Needs at least two arms."""
    pairs = [(i, j, between_arms(given, i, j)) for i, j in combinations(range(len(given.arms)), 2)]
    named = [(given.arms[i], given.arms[j], root(found)) for i, j, found in pairs]
    a = float(np.mean([found for _, _, found in pairs])) / 2
    if given.scores.shape[1] > 1:
        luck, fold_model, training_patient = of_trainings(given)
    else:
        luck, training_patient = np.nan, np.nan
        fold_model = float(np.mean([of_fold_models(given, i, j) for i, j, _ in pairs]))
        a = a - fold_model
    table = pd.DataFrame(named, columns=["arm", "reference", "patient"])
    return Spreads(root(difficulty(given)), root(a), root(training_patient), root(fold_model), root(luck), table)


def root(variance: float) -> float:
    """The sd of an estimated variance; 0 if that is negative, NaN if it is unknown."""
    return float(np.sqrt(max(variance, 0))) if not np.isnan(variance) else float("nan")


def between_arms(given: Evaluation, i: int, j: int) -> float:
    """2 a^2 of two arms: the mean covariance over patients of their differences in two trainings."""
    return mean_of_different(centred(given, given.scores[i] - given.scores[j]), given)


def difficulty(given: Evaluation) -> float:
    """The variance of what all arms share: the mean covariance of two arms, in different trainings if there are any."""
    own = centred(given, given.scores)
    arms = len(own)
    total = mean_of_different(own.sum(axis=0), given) - sum(mean_of_different(one, given) for one in own)
    return total / (arms * (arms - 1))


def centred(given: Evaluation, values: np.ndarray) -> np.ndarray:
    """Values [..., G] minus the mean of the patient's class."""
    kept = values.astype(float)
    for label in np.unique(given.label):
        here = given.label == label
        kept[..., here] -= kept[..., here].mean(axis=-1, keepdims=True)
    return kept


def mean_of_different(values: np.ndarray, given: Evaluation) -> float:
    """The mean covariance of two different trainings, of centred values [T, G]; the variance if T = 1."""
    trainings, groups = values.shape
    squares, degrees = (values**2).sum(), groups - len(np.unique(given.label))
    if trainings == 1:
        return squares / degrees
    return ((values.sum(axis=0) ** 2).sum() - squares) / (trainings * (trainings - 1)) / degrees


def of_trainings(given: Evaluation) -> tuple[float, float, float]:
    """The variances of luck, fold models and training x patient, from all pairs of trainings of all arms.

    The sums of W_g W_h over pairs of different patients, and over those that share a fold, give two equations for
    2 l^2 and f^2. Without a second fold, fold models count as luck.
    """
    equations, sums, squares = np.zeros((2, 2)), np.zeros(2), []
    for arm in given.scores:
        for t, u in combinations(range(len(arm)), 2):
            w, folds = arm[t] - arm[u], (given.fold[t], given.fold[u])
            if not w.any():  # a deterministic arm
                continue
            ones = np.ones(len(w))
            number, shared = products(ones), [products(ones, fold) for fold in folds]
            both = products(ones, pd.factorize(pd.Series(list(zip(*folds, strict=True))))[0])
            equations += [[number, sum(shared)], [sum(shared), sum(shared) + 2 * both]]
            sums += [products(w), sum(products(w, fold) for fold in folds)]
            squares.append(np.mean(w**2))
    if not squares:
        return 0.0, 0.0, 0.0
    one_fold = np.isclose(np.linalg.det(equations / equations[0, 0]), 0)
    twice_luck, fold_model = (sums[0] / equations[0, 0], 0.0) if one_fold else np.linalg.solve(equations, sums)
    return twice_luck / 2, fold_model, np.mean(squares) / 2 - twice_luck / 2 - fold_model


def of_fold_models(given: Evaluation, i: int, j: int) -> float:
    """The variance of fold models from two arms with one training: within folds minus between folds."""
    d, fold = centred(given, given.scores[i, 0] - given.scores[j, 0]), given.fold[0]
    ones = np.ones(len(d))
    number, shared = products(ones), products(ones, fold)
    if number == shared:
        return 0.0
    return (products(d, fold) / shared - (products(d) - products(d, fold)) / (number - shared)) / 2


def products(values: np.ndarray, fold: np.ndarray | None = None) -> float:
    """The sum of the products of values [G] of two different patients, if given only of those in one fold.

    >>> products(np.array([1.0, 2.0, 3.0])), products(np.array([1.0, 2.0, 3.0]), np.array([0, 1, 1]))
    (22.0, 12.0)
    """
    of_folds = values.sum() ** 2 if fold is None else (np.bincount(fold, weights=values) ** 2).sum()
    return float(of_folds - (values**2).sum())
