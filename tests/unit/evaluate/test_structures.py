"""Several structures, from the labels of masks to scored and kept models."""

import numpy as np
import pandas as pd
import pytest
import torch
from stores import bright_or_dark_store

from uscl.base.errors import UserError
from uscl.data.splits import Fold, make_splits, task_cases
from uscl.data.store import FrameStore
from uscl.data.structures import check_structures
from uscl.evaluate.given_predictions import given_predictions
from uscl.evaluate.kept_models import metrics_of
from uscl.evaluate.run_lengths import run_lengths
from uscl.evaluate.segmentation import all_layers, lesions, load
from uscl.metrics.scores import case_scores, masks_of, scores
from uscl.metrics.structure_columns import structures_of
from uscl.models.encoder import Encoder
from uscl.models.model_file import save_model
from uscl.models.predictors import load_predictor
from uscl.training.device import start
from uscl.training.losses import dice_bce, dice_ce

STRUCTURES = {"nerve": 3, "vessel": 2}


def two_structures():
    """A store whose lesions are a nerve in the upper half of each picture and a vessel in the lower, if it is there."""
    store = bright_or_dark_store(groups=12, frames=2, size=32)
    masks = store.masks.copy()
    masks[:, :14][masks[:, :14] > 0] = 3
    masks[:, 14:][masks[:, 14:] > 0] = 2
    return FrameStore(store.frames, masks, store.manifest)


def folds_of(store):
    splits = make_splits(task_cases(store, "segmentation"), folds=2, inner=3, seed=0)
    parts = [splits.loc[splits["fold0"] == role, "row"].to_numpy() for role in ("train", "validation", "test")]
    return splits, Fold(*parts)


def test_the_loss_of_several_structures_with_one_is_that_of_one():
    random = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 1, 8, 8, generator=random)
    masks, inside = (torch.rand(3, 1, 8, 8, generator=random) > share for share in (0.6, 0.2))
    both = torch.cat([torch.zeros_like(logits), logits], dim=1)
    one, other = (loss(each, masks.float(), inside.float()) for loss, each in ((dice_bce, logits), (dice_ce, both)))
    assert other.item() == pytest.approx(one.item(), rel=1e-6)


def test_the_loss_of_a_perfect_guess_is_nearly_nothing_and_a_missed_structure_costs_its_share():
    masks = torch.zeros(1, 2, 8, 8)
    masks[:, 0, :4, :4], masks[:, 1, 5:, 5:] = 1, 1
    inside = torch.ones(1, 1, 8, 8)
    perfect = 40 * torch.cat([1 - masks.sum(1, keepdim=True), masks], dim=1)
    assert dice_ce(perfect, masks, inside).item() == pytest.approx(0, abs=1e-4)
    missed = perfect.clone()
    missed[:, 2], missed[:, 0] = 0, perfect[:, 0] + perfect[:, 2]
    # Half of the Dice part is lost but for the added 1: 1 - (1 / (0 + 9 + 1)); 9 of 64 pixels cost 40 each.
    assert dice_ce(missed, masks, inside).item() == pytest.approx((1 - 1 / 10) / 2 + 9 * 40 / 64, rel=1e-3)


def test_each_pixel_shows_the_most_probable_structure_inside_the_picture():
    masks = torch.ones(1, 3, 2, 2, dtype=torch.uint8)
    masks[:, 2, 1] = 0  # the lower row is border
    logits = torch.tensor([[[[0.0, 2.0], [0.0, 0.0]], [[1.0, 1.0], [9.0, 9.0]], [[0.5, 3.0], [0.0, 0.0]]]])
    assert lesions(logits, masks).astype(int).tolist() == [[[[1, 0], [0, 0]], [[0, 1], [0, 0]]]]


def test_masks_are_loaded_by_structure():
    store = two_structures()
    _, masks = load(store, np.arange(4), STRUCTURES)
    np.testing.assert_array_equal(masks[:, 0], store.masks[:4] == 3)
    np.testing.assert_array_equal(masks[:, 1], store.masks[:4] == 2)
    assert masks[:, 2].all()


def test_a_model_of_several_structures_is_trained_scored_and_kept(tmp_path):
    store = two_structures()
    cases, fold = folds_of(store)
    kept = []
    predictions, history = all_layers(
        Encoder("resnet18"), store, cases, fold, start("cpu", "32-true", 1), stream=(0, "test"), structures=STRUCTURES,
        epochs=2, batch_size=8, lr=1e-3, keep=kept.append,
    )  # fmt: skip
    assert structures_of(predictions) == ["nerve", "vessel"]
    np.testing.assert_array_equal(masks_of(predictions, "true_mask_vessel"), store.masks[fold.test] == 2)
    both = masks_of(predictions, "predicted_mask_nerve") & masks_of(predictions, "predicted_mask_vessel")
    assert not both.any()
    of_task = scores(case_scores(predictions, "segmentation"), "segmentation")
    assert of_task["dice"] == pytest.approx((of_task["dice_nerve"] + of_task["dice_vessel"]) / 2)
    (fitted,) = kept
    assert metrics_of(fitted, predictions, history)["test_score"] == pytest.approx(of_task["dice"])
    save_model(tmp_path / "m.safetensors", fitted.tensors, {**fitted.facts, "form": fitted.form, "classes": []})
    net, record = load_predictor(tmp_path / "m.safetensors")
    assert record["structures"] == STRUCTURES
    with torch.inference_mode():
        frames = torch.from_numpy(store.frames[fold.test]).unsqueeze(1).float() / 255
        chances = net(frames)
    assert chances.shape[1] == 3
    torch.testing.assert_close(chances.sum(1), torch.ones_like(chances[:, 0]))
    np.testing.assert_array_equal(chances.argmax(1).numpy() == 2, masks_of(predictions, "predicted_mask_vessel"))


def test_labels_that_a_task_does_not_name_or_that_no_mask_has_are_refused():
    store = two_structures()
    check_structures("neck", store, STRUCTURES)
    check_structures("neck", store, {})
    with pytest.raises(UserError, match=r"^tasks\.neck\.structures names nerve 3, skin 9, but the masks of \d+ im"):
        check_structures("neck", store, {"nerve": 3, "skin": 9})
    with pytest.raises(UserError, match=r"^tasks\.neck\.structures names skin \(label 9\), which no mask "):
        check_structures("neck", store, STRUCTURES | {"skin": 9})


def given(store, fold, cases, **changed):
    """The table of a user's own predictions, all right."""
    rows = cases.set_index("row").loc[fold.test]
    masks = {
        f"mask_{name}": [run_lengths(store.masks[row] == label) for row in fold.test]
        for name, label in STRUCTURES.items()
    }
    return pd.DataFrame({"case": rows["case"].to_numpy(), "fold": 0, "seed": 0, **masks, **changed})


def test_predictions_from_a_file_have_a_mask_of_each_structure(tmp_path):
    store = two_structures()
    splits, fold = folds_of(store)
    cases = splits[splits["row"].isin(fold.test)]
    path = tmp_path / "own.csv"
    given(store, fold, cases).to_csv(path, index=False)
    found = given_predictions(path, "segmentation", cases, [fold], 0, store, STRUCTURES)
    assert scores(case_scores(found, "segmentation"), "segmentation")["dice_vessel"] == 1
    everywhere = run_lengths(np.ones(store.masks.shape[1:], bool))
    given(store, fold, cases, mask_vessel=everywhere, mask_nerve=everywhere).to_csv(path, index=False)
    with pytest.raises(UserError, match=r"in the masks of two structures \(mask_nerve, mask_vessel\): give each pixel"):
        given_predictions(path, "segmentation", cases, [fold], 0, store, STRUCTURES)
