import numpy as np
import pandas as pd
import pytest
from stores import sound_manifest

from uscl.base.errors import UserError
from uscl.data.manifest import write_manifest
from uscl.data.native_masks import encoded, write_native_masks
from uscl.data.picture_box import Box
from uscl.metrics.scores import case_scores, scores
from uscl.stats.native_scores import Native, at_source_size, with_native_scores

HEIGHT, WIDTH, SIZE = 64, 128, 32  # of a picture, and of its stored frame, in which it is 16 x 32, with 8 rows on top
CELL = {"arm": "a", "task": "t", "regime": "r", "labels": 100, "seed": 0, "fold": 0}


def block(shape, top, left, height, width):
    mask = np.zeros(shape, bool)
    mask[top : top + height, left : left + width] = True
    return mask


def store_of(folder, labels, mm_per_pixel):
    """A store of pictures with these masks."""
    boxes = {"box_top": 8, "box_left": 0, "box_height": 16, "box_width": 32, "height": HEIGHT, "width": WIDTH}
    write_manifest(sound_manifest(len(labels), SIZE, mm_per_pixel=mm_per_pixel, **boxes), folder)
    write_native_masks(folder, [encoded(mask.astype(np.uint8)) for mask in labels])
    return folder


def predictions(**masks):
    """The table of a cell from masks [n, SIZE, SIZE] by column."""
    count = len(next(iter(masks.values())))
    table = pd.DataFrame({"case": [f"x#{row}" for row in range(count)], "group": "g", "label": ""})
    packed = {name: [np.packbits(mask).tobytes() for mask in column] for name, column in masks.items()}
    return table.assign(**CELL, height=SIZE, width=SIZE, **packed)


def native_scores(table, folder, structures, tolerance):
    cases = case_scores(table, "segmentation")
    return with_native_scores(cases, table, Native.of_store(folder, structures, tolerance))


def test_a_stored_mask_is_scaled_back_without_the_border_of_its_frame():
    stored = block((SIZE, SIZE), 8 + 2, 4, 4, 8)
    found = at_source_size(stored, Box(8, 0, 16, 32), HEIGHT, WIDTH)
    expected = block((HEIGHT, WIDTH), 8, 16, 16, 32)
    assert found.shape == (HEIGHT, WIDTH)
    # Linear interpolation at half keeps the edges, and rounds each corner off by one pixel.
    assert (found & ~expected).sum() == 0
    assert np.argwhere(expected & ~found).tolist() == [[8, 16], [8, 47], [23, 16], [23, 47]]


def test_one_structure_is_scored_at_the_size_of_its_picture_in_pixels_and_millimetres(tmp_path):
    true = [block((HEIGHT, WIDTH), 8, 16, 16, 32), block((HEIGHT, WIDTH), 8, 24, 16, 32)]
    folder = store_of(tmp_path, true, 0.25)
    stored = np.stack([block((SIZE, SIZE), 10, 4, 4, 8)] * 2)
    table = native_scores(predictions(true_mask=stored, predicted_mask=stored), folder, {}, {"mm": 0.3})
    assert table["dice"].tolist() == [1, 1]  # of the stored masks, which see no difference here
    assert table["native_dice"].tolist() == pytest.approx([2 * 508 / (508 + 512), 2 * (24 * 16 - 2) / (508 + 512)])
    assert table["native_hd95"].tolist() == [0, 8]  # four corners are fewer than 5 % of the surface
    assert table["mm_hd95"].tolist() == [0, 2]
    assert table["native_nsd"].iloc[0] == 1  # within 0.3 mm, 1.2 pixels
    assert 0.3 < table["native_nsd"].iloc[1] < 0.9
    after = list(table)[list(table).index("label") + 1 :][:8]
    assert after == ["dice", "iou", "hd95", "native_dice", "native_iou", "native_hd95", "mm_hd95", "native_nsd"]
    assert scores(table, "segmentation")["mm_hd95"] == pytest.approx(table["mm_hd95"].mean())


def test_what_is_unknown_of_some_images_is_not_scored(tmp_path):
    folder = store_of(tmp_path, [block((HEIGHT, WIDTH), 8, 16, 16, 32)] * 2, [0.25, np.nan])
    stored = np.stack([block((SIZE, SIZE), 10, 4, 4, 8)] * 2)
    table = predictions(true_mask=stored, predicted_mask=stored)
    found = native_scores(table, folder, {}, {})
    assert not {"mm_hd95", "native_nsd"} & set(found)
    assert "native_nsd" in native_scores(table, folder, {}, {"px": 2})
    with pytest.raises(UserError, match=r"^`surface_tolerance` is in mm, but .* in 1 of 2 images, such as x#1: "):
        native_scores(table, folder, {}, {"mm": 1})


def test_structures_are_scored_apart_and_their_mean_is_the_score_of_the_image(tmp_path):
    nerve, vessel = block((HEIGHT, WIDTH), 8, 16, 16, 32), block((HEIGHT, WIDTH), 40, 64, 16, 32)
    folder = store_of(tmp_path, [nerve * 3 + vessel * 5, nerve * 3], 0.5)
    small = block((SIZE, SIZE), 10, 4, 4, 8), block((SIZE, SIZE), 18, 16, 4, 8), np.zeros((SIZE, SIZE), bool)
    masks = {
        "true_mask_nerve": np.stack([small[0], small[0]]),
        "predicted_mask_nerve": np.stack([small[0], small[2]]),  # the second is missed
        "true_mask_vessel": np.stack([small[1], small[2]]),
        "predicted_mask_vessel": np.stack([small[1], small[2]]),  # the second has none, and none is predicted
    }
    found = native_scores(predictions(**masks), folder, {"nerve": 3, "vessel": 5}, {"px": 2})
    whole = 2 * 508 / (508 + 512)
    assert found["native_dice_nerve"].tolist() == pytest.approx([whole, 0])
    assert found["native_dice_vessel"].tolist() == pytest.approx([whole, 1])
    assert found["native_dice"].tolist() == pytest.approx([whole, 0.5])
    assert found["dice"].tolist() == [1, 0.5]
    assert found["mm_hd95_nerve"].iloc[1] == pytest.approx(0.5 * np.hypot(HEIGHT, WIDTH))
    assert found["native_nsd_vessel"].tolist() == [1, 1]
    of_task = scores(found, "segmentation")
    assert of_task["native_dice"] == pytest.approx((of_task["native_dice_nerve"] + of_task["native_dice_vessel"]) / 2)
    assert list(of_task)[:3] == ["dice", "median_dice", "iou"]
