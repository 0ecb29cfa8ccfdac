"""Classification metrics, each in two forms side by side: for one cell's cases, and for many draws of groups at once.

The form for a cell uses scikit-learn. The form for draws, whose name ends in `_of_draws`, uses sums over groups
(`uscl.metrics.groups`). A class that is absent has no sensitivity, and if any class is absent there is no AUROC;
balanced accuracy is the mean over the classes present. A class that is never predicted has precision 0. A class that is
neither present nor predicted has no F1 and counts as 0 in macro-F1.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from uscl.metrics.concordance import Concordance, concordance
from uscl.metrics.groups import Part, by_group, mean_of_defined, ratio
from uscl.metrics.weights import Weights

CALIBRATION_BINS = 10


@dataclass(frozen=True)
class ClassifiedCases:
    """The classified cases of one fold of a cell.

    `truth`, `predicted` [n]: class names. `probabilities` [n, classes], in the order of `classes`.
    """

    truth: np.ndarray
    predicted: np.ndarray
    probabilities: np.ndarray
    classes: list[str]

    @cached_property
    def precision_sensitivity_f1(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Precision, sensitivity and F1, each [classes]; NaN where undefined."""
        from sklearn.metrics import precision_recall_fscore_support

        found = precision_recall_fscore_support(self.truth, self.predicted, labels=self.classes, zero_division=np.nan)
        return found[:3]


@dataclass(frozen=True)
class ClassifiedGroups:
    """The classified cases of a part, summed by group when they are needed, for all arms and seeds."""

    part: Part
    classes: int

    @cached_property
    def confusion(self) -> np.ndarray:
        """Cases by true and predicted class, [classes (true), classes (predicted), arms, seeds, groups]."""
        number = np.arange(self.classes)[:, None, None, None]
        is_predicted, is_true = self.part.values["predicted"] == number, self.part.label == number
        return by_group(is_true[:, None] & is_predicted[None], self.part.group)

    @cached_property
    def gaps(self) -> np.ndarray:
        """Correct cases minus summed confidence, by bin of confidence: [bins, arms, seeds, groups]."""
        confidence = self.part.values["probabilities"].max(axis=0)
        gap = (self.part.values["predicted"] == self.part.label) - confidence
        in_bin = confidence_bin(confidence) == np.arange(CALIBRATION_BINS)[:, None, None, None]
        return by_group(in_bin * gap, self.part.group)

    @cached_property
    def pairs(self) -> list[Concordance]:
        """Pairs of a case of the class and another case, one entry per class."""
        label, probabilities = self.part.label, self.part.values["probabilities"]
        return [concordance(probabilities[c], label == c, self.part.group) for c in range(self.classes)]

    def drawn(self, weights: Weights) -> "ClassifiedDraws":
        """The cases in draws of the groups."""
        return ClassifiedDraws(self, weights)


@dataclass(frozen=True)
class ClassifiedDraws:
    """The classified cases of a fold in many draws of its groups.

    Counts are [classes, arms, seeds, draws], `confusion` [classes (true), classes (predicted), arms, seeds, draws].
    """

    sums: ClassifiedGroups
    weights: Weights

    @cached_property
    def confusion(self) -> np.ndarray:
        """Cases by true and predicted class."""
        return self.weights.sums(self.sums.confusion)

    @cached_property
    def hits(self) -> np.ndarray:
        """Correct cases of each class."""
        return np.stack([self.confusion[c, c] for c in range(len(self.confusion))])

    @cached_property
    def true(self) -> np.ndarray:
        """Cases of each class."""
        return self.confusion.sum(axis=1)

    @cached_property
    def predicted(self) -> np.ndarray:
        """Cases that are predicted as each class."""
        return self.confusion.sum(axis=0)

    @cached_property
    def cases(self) -> np.ndarray:
        """All cases, [arms, seeds, draws]."""
        return self.true.sum(axis=0)


def accuracy(cases: ClassifiedCases) -> float:
    """The share of correct cases."""
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(cases.truth, cases.predicted))


def accuracy_of_draws(draws: ClassifiedDraws) -> np.ndarray:
    """`accuracy` of draws, [arms, seeds, draws]."""
    return ratio(draws.hits.sum(axis=0), draws.cases)


def balanced_accuracy(cases: ClassifiedCases) -> float:
    """The mean sensitivity over the classes present."""
    from sklearn.metrics import recall_score

    return float(recall_score(cases.truth, cases.predicted, labels=np.unique(cases.truth), average="macro"))


def balanced_accuracy_of_draws(draws: ClassifiedDraws) -> np.ndarray:
    """`balanced_accuracy` of draws, [arms, seeds, draws]."""
    return mean_of_defined(sensitivity_of_draws(draws), axis=0)


def macro_f1(cases: ClassifiedCases) -> float:
    """The mean F1 over all classes."""
    from sklearn.metrics import f1_score

    return float(f1_score(cases.truth, cases.predicted, labels=cases.classes, average="macro", zero_division=0))


def macro_f1_of_draws(draws: ClassifiedDraws) -> np.ndarray:
    """`macro_f1` of draws, [arms, seeds, draws]."""
    return np.nan_to_num(f1_of_draws(draws)).mean(axis=0)


def auroc(cases: ClassifiedCases) -> float:
    """Area under the ROC curve of one class against the rest, the mean over classes; NaN if a class is absent."""
    from sklearn.metrics import roc_auc_score

    if set(cases.truth) != set(cases.classes):
        return float("nan")
    one_against_rest = [
        roc_auc_score(cases.truth == name, cases.probabilities[:, i]) for i, name in enumerate(cases.classes)
    ]
    return float(np.mean(one_against_rest))


def auroc_of_draws(draws: ClassifiedDraws) -> np.ndarray:
    """`auroc` of draws, [arms, seeds, draws]; NaN in draws that lack a class."""
    return np.mean([concordant_share(pairs, draws.weights) for pairs in draws.sums.pairs], axis=0)


def concordant_share(pairs: Concordance, weights: Weights) -> np.ndarray:
    """AUROC of one class against the rest, [arms, seeds, draws]; NaN in draws that lack positives or negatives."""
    return ratio(weights.won(pairs), weights.sums(pairs.positives) * weights.sums(pairs.negatives))


def calibration_error(cases: ClassifiedCases) -> float:
    """Expected calibration error, in [0, 1] (Guo et al., ICML 2017, arXiv 1706.04599).

    |accuracy - mean confidence| in ten bins of the top probability, [0, 0.1), ..., [0.9, 1]; averaged over cases.
    """
    confidence, correct = cases.probabilities.max(axis=1), cases.truth == cases.predicted
    gaps = np.bincount(confidence_bin(confidence), weights=correct - confidence, minlength=CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def calibration_error_of_draws(draws: ClassifiedDraws) -> np.ndarray:
    """`calibration_error` of draws, [arms, seeds, draws]."""
    return ratio(np.abs(draws.weights.sums(draws.sums.gaps)).sum(axis=0), draws.cases)


def confidence_bin(confidence: np.ndarray) -> np.ndarray:
    """The bin of the top probability, one of ten equal ones, 0 to 9: [0, 0.1), ..., [0.9, 1]."""
    return np.digitize(confidence, np.arange(1, CALIBRATION_BINS) / CALIBRATION_BINS)


def sensitivity(cases: ClassifiedCases) -> np.ndarray:
    """The share of each class's cases that are predicted as such, [classes]; NaN for a class that is absent."""
    return cases.precision_sensitivity_f1[1]


def sensitivity_of_draws(draws: ClassifiedDraws) -> np.ndarray:
    """`sensitivity` of draws, [classes, arms, seeds, draws]."""
    return ratio(draws.hits, draws.true)


def precision(cases: ClassifiedCases) -> np.ndarray:
    """The share of correct cases among those predicted as each class, [classes]; 0 for a class never predicted."""
    return np.nan_to_num(cases.precision_sensitivity_f1[0])


def precision_of_draws(draws: ClassifiedDraws) -> np.ndarray:
    """`precision` of draws, [classes, arms, seeds, draws]."""
    return np.nan_to_num(ratio(draws.hits, draws.predicted))


def f1(cases: ClassifiedCases) -> np.ndarray:
    """The F1 of each class, [classes]; NaN for a class that is neither present nor predicted."""
    return cases.precision_sensitivity_f1[2]


def f1_of_draws(draws: ClassifiedDraws) -> np.ndarray:
    """`f1` of draws, [classes, arms, seeds, draws]."""
    return ratio(2 * draws.hits, draws.true + draws.predicted)
