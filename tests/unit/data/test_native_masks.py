import cv2
import numpy as np
import pytest

from uscl.base.errors import UserError
from uscl.data.extract import extract
from uscl.data.native_masks import FILE, decoded, read_native_masks, write_native_masks
from uscl.data.store import FrameStore

SETTINGS = {"size": 32, "rate_hz": None, "max_frames": None, "on_bad_video": "stop", "workers": 1}


def folder_of(root, masks):
    """Images with masks of two structures, for `image_mask_pairs`."""
    root.mkdir()
    for number, mask in enumerate(masks):
        cv2.imwrite(str(root / f"{number}.png"), np.random.default_rng(number).integers(0, 255, mask.shape, np.uint8))
        cv2.imwrite(str(root / f"{number}_mask.png"), mask)
    return root


def two_structures(height, width):
    mask = np.zeros((height, width), np.uint8)
    mask[4:20, 6:30], mask[10:30, 40:50] = 1, 2
    return mask


def test_the_masks_of_a_store_are_kept_at_the_size_of_their_pictures(tmp_path):
    masks = [two_structures(60, 90), two_structures(80, 64), np.zeros((50, 50), np.uint8)]
    extract("set", "image_mask_pairs", folder_of(tmp_path / "raw", masks), tmp_path / "out", **SETTINGS)
    found = read_native_masks(tmp_path / "out")
    manifest = FrameStore.open(tmp_path / "out").manifest
    assert sorted(found) == [0, 1, 2]
    for row, mask in enumerate(masks):
        np.testing.assert_array_equal(decoded(found[row]), mask)
        assert decoded(found[row]).shape == tuple(manifest.loc[row, ["height", "width"]])


def test_a_cropped_picture_has_the_mask_of_its_part(tmp_path):
    mask = two_structures(60, 90)
    root = folder_of(tmp_path / "raw", [mask])
    extract("set", "image_mask_pairs", root, tmp_path / "out", **SETTINGS, crop=[10, 5, 60, 40])
    np.testing.assert_array_equal(decoded(read_native_masks(tmp_path / "out")[0]), mask[5:45, 10:70])


def test_rows_without_a_mask_have_none(tmp_path):
    write_native_masks(tmp_path, [b"", b"png", b""])
    assert read_native_masks(tmp_path) == {1: b"png"}
    write_native_masks(tmp_path, [b""])
    assert read_native_masks(tmp_path) == {}


def test_a_missing_or_damaged_file_is_refused(tmp_path):
    with pytest.raises(UserError, match=rf"{FILE} is missing: the store is incomplete; extract again\.$"):
        read_native_masks(tmp_path)
    (tmp_path / FILE).write_bytes(b"not a table")
    with pytest.raises(UserError, match=rf"{FILE} is damaged \(.*\): extract again\.$"):
        read_native_masks(tmp_path)
