"""Figures of a classification task, all arms side by side: confusion, ROC, precision-recall, decisions, calibration.

`cases` are the scored cases (`uscl.metrics.scores.case_scores`) of all arms and seeds in one regime: every case
once per arm and seed. `arms` are all arms of the study in its order; `level` says what the cases are.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import average_precision_score, confusion_matrix, precision_recall_curve, roc_curve

from uscl.metrics.classification import CALIBRATION_BINS, confidence_bin
from uscl.metrics.scores import class_names
from uscl.metrics.thresholds import net_benefit
from uscl.report.figures.style import PAGE, arm_styles, plt, wrapped
from uscl.stats.level_names import FRAME
from uscl.stats.trainings import trainings

COLUMNS = 3
Curve = tuple[np.ndarray, np.ndarray]  # x, y
THRESHOLDS = np.linspace(0.01, 0.99, 99)


def panels(count: int, height: float) -> tuple[Figure, list[Axes]]:
    """A page-wide figure of so many panels, three per row."""
    rows = math.ceil(count / COLUMNS)
    size = (PAGE, height * rows)
    figure, axes = plt.subplots(rows, COLUMNS, figsize=size, layout="constrained", squeeze=False)
    for axis in axes.flat[count:]:
        axis.set_axis_off()
    return figure, list(axes.flat[:count])


def confusion_matrices(cases: pd.DataFrame, arms: Sequence[str], level: str = FRAME) -> Figure:
    """One matrix per arm: percent of each true class, and the number of cases, each counted once per seed."""
    classes = class_names(cases)
    figure, axes = panels(len(arms), 2.7)
    for place, (axis, arm) in enumerate(zip(axes, arms, strict=True)):
        part = cases[cases["arm"] == arm]
        counts = confusion_matrix(part["label"].astype(str), part["predicted"].astype(str), labels=classes)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for (row, column), share in np.ndenumerate(shares):
            text = f"{100 * share:.0f} %\n{counts[row, column]}"
            axis.text(
                column, row, text, ha="center", va="center", fontsize=8, color="white" if share > 0.5 else "black"
            )
        names = [wrapped(name, 11) for name in classes]
        axis.set_xticks(range(len(classes)), names, rotation=90)
        axis.set_yticks(range(len(classes)), names if place % COLUMNS == 0 else [""] * len(classes))
        axis.set_title(wrapped(arm))
    figure.suptitle(f"percent of the true class, and number of {named(level)} (all folds, each case once per seed)")
    figure.supxlabel("predicted class")
    figure.supylabel("true class")
    return figure


def roc_curves(cases: pd.DataFrame, arms: Sequence[str], level: str = FRAME) -> Figure:
    """One panel per class, that class against the rest; curves of the cases of all folds and seeds together.

    AUROC in the legend is the table's: the mean over classes, folds and trainings.
    """

    def curve(positive: np.ndarray, score: np.ndarray) -> Curve | None:
        return roc_curve(positive, score)[:2] if positive.any() and not positive.all() else None

    auroc = mean_scores(cases, "auroc")
    legend_title = f"AUROC: mean over classes, folds and trainings; curves: {named(level)} of all of them together"
    labels = {arm: f"{arm}: {score_of(auroc, arm)}" for arm in arms}
    figure, axes = against_the_rest(cases, curve, labels, legend_title)
    for name, axis in axes.items():
        axis.plot([0, 1], [0, 1], color="0.6", linewidth=0.7)
        axis.set(xlabel="1 - specificity", ylabel="sensitivity", title=wrapped(name), aspect="equal")
    return figure


def precision_recall_curves(cases: pd.DataFrame, arms: Sequence[str], level: str = FRAME) -> Figure:
    """One panel per class, that class against the rest; curves of the cases of all folds and seeds together.

    The legend has the average precision as the mean over classes, folds and trainings.
    """

    def curve(positive: np.ndarray, score: np.ndarray) -> Curve | None:
        return precision_recall_curve(positive, score)[1::-1] if positive.any() else None

    precision = pd.Series({arm: average_precision(cases[cases["arm"] == arm]) for arm in arms})
    legend_title = f"average precision: mean over classes, folds and trainings; curves: {named(level)} of all together"
    labels = {arm: f"{arm}: {score_of(precision, arm)}" for arm in arms}
    figure, axes = against_the_rest(cases, curve, labels, legend_title)
    for name, axis in axes.items():
        axis.axhline((cases["label"] == name).mean(), color="0.6", linewidth=0.7)
        axis.set(xlabel="sensitivity", ylabel="precision", title=wrapped(name), xlim=(0, 1), ylim=(-0.02, 1.02))
    figure.suptitle("grey: precision if all are called positive")
    return figure


def decision_curves(cases: pd.DataFrame, arms: Sequence[str], level: str = FRAME) -> Figure:
    """One panel per class: the net benefit of treating the cases whose probability reaches a threshold.

    Of the cases of all folds and seeds together; treating all, and none, for comparison.
    """

    def curve(positive: np.ndarray, score: np.ndarray) -> Curve:
        return THRESHOLDS, net_benefit(positive, score, THRESHOLDS)

    legend_title = f"{named(level)} of all folds and trainings together; grey: all are treated, or none"
    figure, axes = against_the_rest(cases, curve, {arm: arm for arm in arms}, legend_title)
    for name, axis in axes.items():
        share = (cases["label"] == name).mean()
        axis.plot(THRESHOLDS, share - (1 - share) * THRESHOLDS / (1 - THRESHOLDS), color="0.6", linewidth=0.7)
        axis.axhline(0, color="0.6", linewidth=0.7)
        axis.set(xlabel="threshold", ylabel="net benefit", title=wrapped(name), xlim=(0, 1))
        axis.set_ylim(-0.3 * share, 1.1 * share)
    return figure


def against_the_rest(
    cases: pd.DataFrame,
    curve: Callable[[np.ndarray, np.ndarray], Curve | None],
    labels: Mapping[str, str],
    legend_title: str,
) -> tuple[Figure, dict[str, Axes]]:
    """A panel for each class with a curve per arm of `labels`, and a legend of these.

    `curve` gets whether each case is of the class, and its probability; it returns x and y, None to draw nothing.
    """
    classes, styles = class_names(cases), arm_styles(list(labels))
    figure, axes = panels(len(classes), 2.6)
    for axis, name in zip(axes, classes, strict=True):
        for arm, style in styles.items():
            part = cases[cases["arm"] == arm]
            drawn = curve((part["label"] == name).to_numpy(), part[f"p_{name}"].to_numpy(float))
            if drawn:
                axis.plot(*drawn, color=style.colour, linestyle=style.linestyle, linewidth=1.3)
    lines = [
        plt.Line2D([], [], color=style.colour, linestyle=style.linestyle, label=labels[arm])
        for arm, style in styles.items()
    ]
    figure.legend(handles=lines, loc="outside lower center", ncols=COLUMNS, title=legend_title)
    return figure, dict(zip(classes, axes, strict=True))


def average_precision(cases: pd.DataFrame) -> float:
    """Average precision of one class against the rest, the mean over classes, folds and trainings of an arm.

    A class that is absent from a test part does not count there.
    """
    found = [
        average_precision_score(part["label"] == name, part[f"p_{name}"])
        for _, part in cases.groupby(["seed", "fold"])
        for name in class_names(cases)
        if (part["label"] == name).any()
    ]
    return float(np.mean(found))


def calibration_curves(cases: pd.DataFrame, arms: Sequence[str], level: str = FRAME) -> Figure:
    """One panel per arm: accuracy against confidence in ten bins of the top probability; bars show the bins' cases.

    ECE in the title is the table's: the mean over trainings.
    """
    classes = [f"p_{name}" for name in class_names(cases)]
    styles, ece = arm_styles(arms), mean_scores(cases, "ece")
    figure, axes = panels(len(arms), 2.4)
    for axis, arm in zip(axes, arms, strict=True):
        part = cases[cases["arm"] == arm]
        confidence, correct = part[classes].max(axis=1).to_numpy(), part["correct"].to_numpy(bool)
        number = confidence_bin(confidence)
        count = np.bincount(number, minlength=CALIBRATION_BINS)
        filled = np.flatnonzero(count)
        mean_confidence, accuracy = (
            np.bincount(number, values, CALIBRATION_BINS)[filled] / count[filled] for values in (confidence, correct)
        )
        middle = (np.arange(CALIBRATION_BINS) + 0.5) / CALIBRATION_BINS
        axis.bar(middle, count / count.sum(), 1 / CALIBRATION_BINS, color="0.85", edgecolor="white")
        axis.plot([0, 1], [0, 1], color="0.6", linewidth=0.7)
        axis.plot(mean_confidence, accuracy, color=styles[arm].colour, marker=styles[arm].marker, markersize=4)
        axis.set(xlim=(0, 1), ylim=(-0.06, 1.06), title=f"{wrapped(arm)}\nECE {score_of(ece, arm)}")
    figure.supxlabel("confidence (top probability)")
    figure.suptitle(
        f"points: {named(level)} of all folds and trainings together; grey bars: their share; ECE: mean over trainings"
    )
    figure.supylabel("accuracy")
    return figure


def named(level: str) -> str:
    """The cases of a level, for readers.

    >>> named("frame"), named("patient")
    ('cases', 'patients')
    """
    return "cases" if level == FRAME else f"{level}s"


def mean_scores(cases: pd.DataFrame, metric: str) -> pd.Series:
    """The mean of a metric over trainings, by arm, as in the table."""
    scores = trainings(cases, "classification")
    return scores[scores["metric"] == metric].groupby("arm")["value"].mean()


def score_of(scores: pd.Series, arm: str) -> str:
    """An arm's score with three decimals, or "undefined"."""
    value = scores.get(arm, math.nan)
    return "undefined" if math.isnan(value) else f"{value:.3f}"
