import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import (
    balanced_accuracy_score,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from uscl.base.errors import UserError
from uscl.metrics import classification
from uscl.metrics.classification import ClassifiedCases, auroc
from uscl.metrics.masks import dice, hd95, iou
from uscl.metrics.registry import names, primary
from uscl.metrics.scores import case_scores, class_names, masks_of, score_cell, scores

CLASSES = ["covid", "pneumonia", "regular"]
CELL = {"arm": "a", "task": "t", "regime": "linear", "labels": 25, "seed": 3}


def random_predictions(seed, n=200, classes=CLASSES, labels=None):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.dirichlet(np.ones(len(classes)), n), columns=[f"p_{name}" for name in classes])
    label = rng.choice(labels or classes, n)
    return frame.assign(case=[f"c{i}" for i in range(n)], group="g", label=label)[["case", "group", "label", *frame]]


def classification_metrics(cases):
    return scores(cases, "classification")


def scored(predictions):
    return case_scores(predictions, "classification")


def decided_by(predictions, classes=CLASSES, prefix="p_"):
    truth = predictions["label"].to_numpy(dtype=str)
    return truth, np.array(classes)[predictions[[f"{prefix}{name}" for name in classes]].to_numpy().argmax(1)]


@pytest.mark.parametrize("classes", [CLASSES, ["benign", "malignant"]])
@pytest.mark.parametrize("seed", range(3))
def test_classification_metrics_equal_scikit_learns(seed, classes):
    predictions = random_predictions(seed, classes=classes)
    truth, decided = decided_by(predictions, classes)
    metrics = classification_metrics(scored(predictions))
    assert metrics["accuracy"] == pytest.approx(np.mean(decided == truth))
    assert metrics["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(truth, decided))
    assert metrics["macro_f1"] == pytest.approx(f1_score(truth, decided, average="macro"))
    one_to_rest = [roc_auc_score(truth == name, predictions[f"p_{name}"]) for name in classes]
    assert metrics["auroc"] == pytest.approx(np.mean(one_to_rest))
    of_classes = {"sensitivity": recall_score, "precision": precision_score, "f1": f1_score}
    for name, function in of_classes.items():
        found = [metrics[f"{name}_{label}"] for label in classes]
        np.testing.assert_allclose(found, function(truth, decided, labels=classes, average=None))
    assert list(metrics) == names("classification", sorted(classes))


def test_auroc_equals_scikit_learns_multiclass_one():
    predictions = random_predictions(0)
    probabilities = predictions[[f"p_{name}" for name in CLASSES]]
    expected = roc_auc_score(predictions["label"], probabilities, multi_class="ovr", average="macro")
    assert classification_metrics(scored(predictions))["auroc"] == pytest.approx(expected)


def test_auroc_counts_equal_probabilities_as_half():
    probabilities = np.array([[0.5, 0.5], [0.5, 0.5], [0.9, 0.1], [0.1, 0.9]])
    truth = np.array(["a", "b", "a", "b"])
    assert auroc(ClassifiedCases(truth, truth, probabilities, ["a", "b"])) == pytest.approx((3 + 0.5) / 4)


def test_order_of_cases_and_of_columns_does_not_matter():
    predictions = random_predictions(0)
    turned = predictions.sample(frac=1, random_state=0)[predictions.columns[::-1]]
    assert classification_metrics(scored(turned)) == pytest.approx(classification_metrics(scored(predictions)))


def test_metrics_if_the_fold_lacks_a_class():
    predictions = random_predictions(0, labels=["covid", "regular"])
    truth, decided = decided_by(predictions)
    assert "pneumonia" in decided
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metrics = classification_metrics(scored(predictions))
    assert np.isnan(metrics["auroc"])
    assert np.isnan(metrics["sensitivity_pneumonia"])
    assert metrics["precision_pneumonia"] == metrics["f1_pneumonia"] == 0
    assert metrics["balanced_accuracy"] == pytest.approx(
        np.mean([metrics["sensitivity_covid"], metrics["sensitivity_regular"]])
    )
    assert metrics["macro_f1"] == pytest.approx(f1_score(truth, decided, labels=CLASSES, average="macro"))


def test_metrics_if_a_class_is_neither_true_nor_predicted():
    predictions = random_predictions(0, labels=["covid", "regular"]).assign(p_pneumonia=0.0)
    metrics = classification_metrics(scored(predictions))
    assert np.isnan(metrics["sensitivity_pneumonia"])
    assert metrics["precision_pneumonia"] == 0
    assert np.isnan(metrics["f1_pneumonia"])
    assert metrics["macro_f1"] == pytest.approx((metrics["f1_covid"] + metrics["f1_regular"]) / 3)


def test_metrics_if_a_class_is_never_predicted():
    predictions = random_predictions(0).assign(p_pneumonia=0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metrics = classification_metrics(scored(predictions))
    assert [metrics[f"{name}_pneumonia"] for name in ("sensitivity", "precision", "f1")] == [0, 0, 0]


def test_a_single_case_can_be_scored():
    predictions = pd.DataFrame({"case": ["c"], "group": ["g"], "label": ["b"], "p_a": [0.25], "p_b": [0.75]})
    metrics = classification_metrics(scored(predictions))
    assert [metrics[name] for name in ("accuracy", "balanced_accuracy", "macro_f1", "ece")] == [1, 1, 0.5, 0.25]
    assert np.isnan(metrics["auroc"])


def calibration_error(confidence, correct):
    """The calibration error of cases that are predicted as one class with this confidence."""
    truth, predicted = np.where(correct, "a", "b"), np.full(len(correct), "a")
    return classification.calibration_error(ClassifiedCases(truth, predicted, confidence[:, None], ["a"]))


def loop_calibration_error(confidence, correct):
    total = 0.0
    for lower in range(10):
        inside = [i for i, p in enumerate(confidence) if min(int(p * 10), 9) == lower]
        if inside:
            gap = sum(correct[i] for i in inside) / len(inside) - sum(confidence[i] for i in inside) / len(inside)
            total += len(inside) / len(confidence) * abs(gap)
    return total


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_calibration_error_equals_that_of_a_loop(classes):
    rng = np.random.default_rng(classes)
    confidence = rng.dirichlet(np.ones(classes), 500).max(axis=1)
    correct = rng.random(500) < confidence**2
    assert calibration_error(confidence, correct) == pytest.approx(loop_calibration_error(confidence, correct))


def test_calibration_error_of_known_cases():
    sure = np.ones(4)
    assert calibration_error(sure, np.array([True, True, True, False])) == 0.25
    assert calibration_error(sure, np.zeros(4, dtype=bool)) == 1
    assert calibration_error(np.full(4, 0.75), np.array([True, True, True, False])) == 0
    # Under- and overconfidence cancel within one bin and add up over two bins.
    assert calibration_error(np.array([0.5, 0.5]), np.array([True, False])) == 0
    assert calibration_error(np.array([0.45, 0.55]), np.array([True, False])) == pytest.approx(0.55)


def test_the_bins_of_confidence_begin_with_their_lower_limit():
    # 0.7 and 0.75 share a bin, in which one of two is correct; 0.65 is in the one below.
    both = calibration_error(np.array([0.7, 0.75]), np.array([True, False]))
    assert both == pytest.approx(0.725 - 0.5)
    apart = calibration_error(np.array([0.65, 0.7]), np.array([True, False]))
    assert apart == pytest.approx((0.35 + 0.7) / 2)


def test_the_scored_cases_say_what_was_predicted():
    predictions = random_predictions(0, n=30)[["case", "group", "label", "p_regular", "p_covid", "p_pneumonia"]]
    cases = scored(predictions.assign(**CELL, fold=0).sample(frac=1, random_state=1))
    of_cell = [*CELL, "fold"]
    expected = ["case", "group", "label", "predicted", "correct", *(f"p_{name}" for name in CLASSES), *of_cell]
    assert list(cases.columns) == expected
    together = cases.merge(predictions, on="case", suffixes=("", "_given"))
    assert len(together) == 30
    assert (together["p_covid"] == together["p_covid_given"]).all()
    truth, decided = decided_by(cases)
    assert list(cases["predicted"]) == list(decided)
    assert list(cases["correct"]) == list(truth == decided)
    assert cases["correct"].dtype == bool


def test_equal_probabilities_go_to_the_first_class():
    ties = pd.DataFrame({"label": "c", "p_c": [0.4, 0.2, 0.5], "p_a": [0.2, 0.4, 0.5], "p_b": [0.4, 0.4, 0.0]})
    assert list(scored(ties)["predicted"]) == ["b", "a", "a"]


def test_class_names_are_in_alphabetical_order_and_those_of_the_result():
    assert class_names(pd.DataFrame(columns=["case", "p_b", "p_a", "predicted"])) == ["a", "b"]


def stored_masks(predicted, true):
    return pd.DataFrame(
        {
            "case": [f"c{i}" for i in range(len(true))],
            "group": "g",
            "label": "lesion",
            "height": true.shape[1],
            "width": true.shape[2],
            "predicted_mask": [np.packbits(mask).tobytes() for mask in predicted],
            "true_mask": [np.packbits(mask).tobytes() for mask in true],
        }
    )


def test_masks_survive_storage_when_their_pixels_do_not_fill_whole_bytes():
    predicted, true = np.random.default_rng(1).random((2, 5, 7, 3)) > 0.5
    stored = stored_masks(predicted, true)
    np.testing.assert_array_equal(masks_of(stored, "predicted_mask"), predicted)
    np.testing.assert_array_equal(masks_of(stored, "true_mask"), true)


def test_the_scored_images_have_three_scores_in_place_of_their_masks():
    predicted, true = np.random.default_rng(1).random((2, 6, 7, 9)) > 0.5
    predictions = stored_masks(predicted, true).assign(**CELL, fold=0).sample(frac=1, random_state=1)
    cases = case_scores(predictions, "segmentation").set_index("case").sort_index()
    assert list(cases.columns) == ["group", "label", "dice", "iou", "hd95", *CELL, "fold"]
    for name, metric in {"dice": dice, "iou": iou, "hd95": hd95}.items():
        np.testing.assert_allclose(cases[name], metric(predicted, true))


def test_segmentation_metrics_are_taken_over_images():
    cases = pd.DataFrame({"dice": [0, 0.25, 0.5, 1], "iou": [0, 0.25, 0.5, 1], "hd95": [10, 4, 2, 0]})
    expected = {
        "dice": 0.4375,
        "median_dice": 0.375,
        "iou": 0.4375,
        "hd95": 4,
        "zero_dice_share": 0.25,
    }
    assert expected.items() <= scores(cases, "segmentation").items()


def test_empty_masks_count_by_their_convention():
    full, empty = np.ones((1, 3, 4), dtype=bool), np.zeros((1, 3, 4), dtype=bool)
    stored = stored_masks(np.concatenate([empty, empty, full]), np.concatenate([empty, full, full]))
    cases = case_scores(stored, "segmentation")
    np.testing.assert_allclose(cases[["dice", "iou", "hd95"]], [[1, 1, 0], [0, 0, 5], [1, 1, 0]])


def test_a_cell_is_scored_fold_by_fold():
    parts = [scored(random_predictions(fold).assign(**CELL, fold=fold)) for fold in (1, 0)]
    table = score_cell(pd.concat(parts), "classification")
    assert list(table.columns) == ["arm", "task", "regime", "labels", "seed", "fold", "metric", "value"]
    of_cell = names("classification", CLASSES)
    assert list(table["fold"]) == [0] * len(of_cell) + [1] * len(of_cell)
    assert (table[list(CELL)] == list(CELL.values())).all(axis=None)
    assert dict(table[table["fold"] == 0][["metric", "value"]].to_numpy()) == classification_metrics(parts[1])
    assert primary("classification") in set(table["metric"])


def test_a_segmentation_cell_is_scored_fold_by_fold():
    predicted, true = np.random.default_rng(1).random((2, 6, 7, 9)) > 0.5
    cases = case_scores(stored_masks(predicted, true).assign(**CELL, fold=[0, 0, 1, 1, 1, 1]), "segmentation")
    table = score_cell(cases, "segmentation").set_index(["fold", "metric"])["value"]
    assert table.loc[0, "hd95"] == pytest.approx(hd95(predicted, true)[:2].mean())
    assert table.loc[1, "dice"] == pytest.approx(dice(predicted, true)[2:].mean())
    assert primary("segmentation") in table.loc[0]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_predictions_that_are_not_finite_are_not_scored(value):
    predictions = random_predictions(0, n=20)
    predictions.loc[[7, 12], "p_covid"] = value
    with pytest.raises(
        UserError, match=r"predictions of 2 of 20 cases, the first at row 7, are NaN or infinite: remove"
    ):
        scored(predictions)
