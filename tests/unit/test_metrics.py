import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, jaccard_score, roc_auc_score

from uscl.metrics import auroc, classification_metrics, masks_of, score_cell, segmentation_metrics
from uscl.overlap import dice, iou

CLASSES = ["covid", "pneumonia", "regular"]


def random_predictions(seed, n=200):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(3), n)
    frame = pd.DataFrame(probabilities, columns=[f"p_{name}" for name in CLASSES])
    return frame.assign(label=rng.choice(CLASSES, n))


@pytest.mark.parametrize("seed", range(3))
def test_classification_metrics_equal_their_definitions(seed):
    predictions = random_predictions(seed)
    truth = predictions["label"].to_numpy(dtype=str)
    probabilities = predictions[[f"p_{name}" for name in CLASSES]].to_numpy()
    decided = np.array(CLASSES)[probabilities.argmax(1)]
    metrics = classification_metrics(predictions)
    recalls = [np.mean(decided[truth == name] == name) for name in CLASSES]
    assert metrics["accuracy"] == pytest.approx(np.mean(decided == truth))
    assert metrics["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    assert metrics["macro_f1"] == pytest.approx(f1_score(truth, decided, average="macro"))
    assert metrics["auroc"] == pytest.approx(roc_auc_score(truth, probabilities, multi_class="ovr", average="macro"))


def test_order_of_cases_and_of_columns_does_not_matter():
    predictions = random_predictions(0)
    turned = predictions.sample(frac=1, random_state=0)[predictions.columns[::-1]]
    assert classification_metrics(turned) == pytest.approx(classification_metrics(predictions))


def test_auroc_is_undefined_where_a_class_is_absent():
    predictions = random_predictions(0).query("label != 'covid'")
    probabilities = predictions[[f"p_{name}" for name in CLASSES]].to_numpy()
    assert np.isnan(auroc(predictions["label"].to_numpy(dtype=str), probabilities, CLASSES))


def test_dice_and_iou_of_hand_made_masks():
    true = np.zeros((4, 4, 4), dtype=bool)
    predicted = np.zeros_like(true)
    true[1, :2] = predicted[1, :2] = True  # equal
    true[2, 0], predicted[2, 0, 2:] = True, True  # half found
    true[3, 0] = predicted[3, 3] = True  # apart; number 0: both empty
    np.testing.assert_allclose(dice(predicted, true), [1, 1, 2 * 2 / 6, 0])
    np.testing.assert_allclose(iou(predicted, true), [1, 1, 2 / 4, 0])


def test_dice_of_one_empty_mask_is_zero():
    full, empty = np.ones((1, 3, 3), dtype=bool), np.zeros((1, 3, 3), dtype=bool)
    assert dice(full, empty) == dice(empty, full) == 0


def test_dice_and_iou_equal_scikit_learn():
    rng = np.random.default_rng(0)
    predicted, true = rng.random((2, 10, 9, 7)) > 0.5
    for i in range(10):
        assert dice(predicted, true)[i] == pytest.approx(f1_score(true[i].ravel(), predicted[i].ravel()))
        assert iou(predicted, true)[i] == pytest.approx(jaccard_score(true[i].ravel(), predicted[i].ravel()))


def stored_masks(predicted, true):
    return pd.DataFrame(
        {
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
    assert segmentation_metrics(stored)["dice"] == pytest.approx(dice(predicted, true).mean())


def test_share_of_images_with_dice_zero():
    true = np.ones((4, 2, 2), dtype=bool)
    predicted = true.copy()
    predicted[0] = False
    assert segmentation_metrics(stored_masks(predicted, true))["zero_dice_share"] == 0.25


def test_a_cell_is_scored_fold_by_fold():
    parts = [random_predictions(fold).assign(arm="a", task="t", seed=0, fold=fold) for fold in (1, 0)]
    scores = score_cell(pd.concat(parts), "classification")
    assert list(scores.columns) == ["arm", "task", "seed", "fold", "metric", "value"]
    assert list(scores["fold"]) == [0] * 4 + [1] * 4
    expected = classification_metrics(parts[1])
    assert dict(scores[scores["fold"] == 0][["metric", "value"]].to_numpy()) == expected
