import numpy as np
import pandas as pd
import pytest
from legible import assert_legible, assert_same_bytes
from sklearn.metrics import average_precision_score, roc_auc_score

from uscl.metrics.scores import case_scores
from uscl.report.figures.classification import (
    average_precision,
    calibration_curves,
    confusion_matrices,
    decision_curves,
    mean_scores,
    precision_recall_curves,
    roc_curves,
)

DRAWN = [confusion_matrices, roc_curves, precision_recall_curves, decision_curves, calibration_curves]
CLASSES = ["covid", "pneumonia", "regular"]


def scored(arms=("random", "imagenet"), classes=CLASSES, folds=2, n=30):
    parts = []
    for number, arm in enumerate(arms):
        rng = np.random.default_rng(number)
        label = np.tile(classes, n // len(classes))
        p = rng.dirichlet(np.ones(len(classes)), len(label))
        p[np.arange(len(p)), [classes.index(name) for name in label]] += 0.5 * number
        p /= p.sum(axis=1, keepdims=True)
        names = [f"c{i}" for i in range(len(label))]
        table = pd.DataFrame({"case": names, "group": names, "label": label})
        table = table.assign(**{f"p_{name}": p[:, i] for i, name in enumerate(classes)})
        cell = {"arm": arm, "task": "t", "regime": "finetune", "labels": 100, "seed": 0}
        parts.append(table.assign(**cell, fold=np.arange(len(label)) // 3 % folds))
    return case_scores(pd.concat(parts, ignore_index=True), "classification")


def test_a_confusion_matrix_has_every_case_once():
    cases = scored()
    figure = confusion_matrices(cases, ["random", "imagenet"])
    for axis, arm in zip(figure.axes, ["random", "imagenet"], strict=False):
        part = cases[cases["arm"] == arm]
        texts = [int(text.get_text().split("\n")[1]) for text in axis.texts]
        expected = pd.crosstab(part["label"], part["predicted"]).reindex(CLASSES, columns=CLASSES, fill_value=0)
        assert texts == expected.to_numpy().ravel().tolist()
    assert_legible(figure)


def test_the_auroc_shown_is_the_mean_over_folds_and_classes():
    cases = scored()
    figure = roc_curves(cases, ["random", "imagenet"])
    part = cases[cases["arm"] == "imagenet"]
    by_fold = [
        np.mean([roc_auc_score(fold["label"] == name, fold[f"p_{name}"]) for name in CLASSES])
        for _, fold in part.groupby("fold")
    ]
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts[1] == f"imagenet: {np.mean(by_fold):.3f}"
    assert mean_scores(cases, "auroc")["imagenet"] == pytest.approx(np.mean(by_fold))
    assert [len(axis.lines) for axis in figure.axes] == [3, 3, 3]  # two arms and the diagonal
    assert_legible(figure)


def test_calibration_is_drawn_where_there_are_cases():
    cases = scored()
    figure = calibration_curves(cases, ["random", "imagenet"])
    part = cases[cases["arm"] == "imagenet"]
    confidence = part[[f"p_{name}" for name in CLASSES]].max(axis=1)
    x, y = figure.axes[1].lines[1].get_data()
    first = confidence < 0.1 * np.ceil(10 * confidence.min())
    assert x[0] == pytest.approx(confidence[first].mean())
    assert y[0] == pytest.approx(part.loc[first, "correct"].mean())
    assert sum(bar.get_height() for bar in figure.axes[1].patches) == pytest.approx(1)
    assert_legible(figure)


@pytest.mark.parametrize("draw", DRAWN)
def test_many_arms_of_long_names_stay_legible(draw):
    arms = ["random", "imagenet", *(f"meta_uscl_variant_{k}" for k in range(6))]
    assert_legible(draw(scored(arms, ["benign", "malignant"]), arms))


@pytest.mark.parametrize("draw", DRAWN)
def test_equal_figures_are_equal_bytes(draw, tmp_path):
    cases = scored(classes=["benign", "malignant"])
    assert_same_bytes(lambda: draw(cases, ["random", "imagenet"]), tmp_path)


def test_the_average_precision_shown_is_the_mean_over_folds_and_classes():
    cases = scored()
    part = cases[cases["arm"] == "imagenet"]
    by_fold = [
        np.mean([average_precision_score(fold["label"] == name, fold[f"p_{name}"]) for name in CLASSES])
        for _, fold in part.groupby("fold")
    ]
    figure = precision_recall_curves(cases, ["random", "imagenet"])
    assert figure.legends[0].get_texts()[1].get_text() == f"imagenet: {np.mean(by_fold):.3f}"
    assert average_precision(part.assign(label="covid")) == pytest.approx(1)  # the others are absent


def test_a_decision_curve_begins_near_the_share_of_the_class_and_treating_none_is_0():
    cases = scored()
    axis = decision_curves(cases, ["random", "imagenet"]).axes[0]
    random, imagenet, everybody, nobody = axis.lines
    assert everybody.get_ydata()[0] == pytest.approx(1 / 3 - 2 / 3 * 0.01 / 0.99)
    assert set(nobody.get_ydata()) == {0}
    assert imagenet.get_ydata()[50] > random.get_ydata()[50]


def test_the_ece_shown_is_the_mean_over_trainings():
    cases = pd.concat([scored(), scored().assign(seed=1, p_covid=0.8, p_pneumonia=0.1, p_regular=0.1)])
    part = cases[cases["arm"] == "imagenet"]
    by_training = []
    for _, training in part.groupby("seed"):
        confidence = training[[f"p_{name}" for name in CLASSES]].max(axis=1)
        gap = (training["correct"] - confidence).groupby(np.floor(10 * confidence).clip(upper=9)).sum()
        by_training.append(gap.abs().sum() / len(training))
    title = calibration_curves(cases, ["random", "imagenet"]).axes[1].get_title()
    assert title == f"imagenet\nECE {np.mean(by_training):.3f}"


def test_every_seed_counts_in_a_confusion_matrix():
    cases = pd.concat([scored(), scored().assign(seed=1)])
    figure = confusion_matrices(cases, ["random", "imagenet"])
    assert sum(int(text.get_text().split("\n")[1]) for text in figure.axes[0].texts) == 60


def test_a_fold_of_one_class_is_left_out_of_the_auroc():
    cases = scored(folds=2)
    cases.loc[cases["fold"] == 0, "label"] = "covid"
    of_fold = cases[(cases["arm"] == "random") & (cases["fold"] == 1)]
    expected = np.mean([roc_auc_score(of_fold["label"] == name, of_fold[f"p_{name}"]) for name in CLASSES])
    figure = roc_curves(cases, ["random", "imagenet"])
    assert figure.legends[0].get_texts()[0].get_text() == f"random: {expected:.3f}"


def test_a_class_without_cases_has_no_curve():
    cases = scored()
    cases = cases[cases["label"] != "regular"]
    figure = roc_curves(cases, ["random", "imagenet"])
    assert [len(axis.lines) for axis in figure.axes] == [3, 3, 1]
    assert figure.legends[0].get_texts()[0].get_text() == "random: undefined"
