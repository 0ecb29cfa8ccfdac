"""The frame store: what is written is read back, and an incomplete store is refused with a message."""

import hashlib

import numpy as np
import pytest
from stores import sound_manifest

from uscl.base.errors import UserError
from uscl.data.manifest import MANIFEST_FILE, write_manifest
from uscl.data.store import FrameStore, new_array


def write_store(folder, n=5, masks=False):
    """A store of n random frames of 8 px; returns the frames."""
    frames = np.random.default_rng(0).integers(0, 256, (n, 8, 8), dtype=np.uint8)
    arrays = {"frames": frames, "masks": frames % 3 if masks else frames[:0]}
    for name, array in arrays.items():
        with new_array(folder / f"{name}.npy", 8) as writer:
            writer.append(array[:2])
            writer.append(array[2:])
    write_manifest(sound_manifest(n), folder)
    return frames


def test_frames_come_back_as_an_ordinary_memory_mapped_array(tmp_path):
    frames = write_store(tmp_path, masks=True)
    store = FrameStore.open(tmp_path)
    assert isinstance(store.frames, np.memmap)
    np.testing.assert_array_equal(store.frames, frames)
    np.testing.assert_array_equal(store.masks, frames % 3)  # two structures
    np.testing.assert_array_equal(np.load(tmp_path / "frames.npy"), frames)
    assert store.manifest["case"].tolist() == [f"x#{i}" for i in range(5)]


def test_a_store_without_masks_has_none(tmp_path):
    write_store(tmp_path)
    assert FrameStore.open(tmp_path).masks is None


def test_the_header_has_room_for_any_length(tmp_path):
    with new_array(tmp_path / "a.npy", 1) as array:
        for _ in range(12):
            array.append(np.ones((1000, 1, 1), np.uint8))
    loaded = np.load(tmp_path / "a.npy")
    assert loaded.shape == (12_000, 1, 1)
    assert loaded.all()


def test_nothing_appears_when_writing_fails(tmp_path):
    old = write_store(tmp_path)
    with pytest.raises(ValueError, match="block"), new_array(tmp_path / "frames.npy", 8) as array:
        array.append(np.zeros((1, 9, 9), np.uint8))
    np.testing.assert_array_equal(np.load(tmp_path / "frames.npy"), old)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("frames.npy", "manifest.parquet", "manifest_head.csv", "masks.npy")
    ]


@pytest.mark.parametrize("block", [np.zeros((1, 8, 9), np.uint8), np.zeros((1, 8, 8), np.int64)])
def test_blocks_of_another_shape_or_type_are_refused(tmp_path, block):
    with pytest.raises(ValueError, match="block"), new_array(tmp_path / "a.npy", 8) as array:
        array.append(block)


@pytest.mark.parametrize("missing", ["frames.npy", MANIFEST_FILE, "masks.npy"])
def test_a_store_with_a_part_missing_is_refused(tmp_path, missing):
    write_store(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(UserError, match=missing):
        FrameStore.open(tmp_path)


def test_parts_that_do_not_match_are_refused(tmp_path):
    write_store(tmp_path, 5)
    write_manifest(sound_manifest(4), tmp_path)
    with pytest.raises(UserError, match=r"5 frames but 4 rows"):
        FrameStore.open(tmp_path)
    write_store(tmp_path, 5)
    np.save(tmp_path / "masks.npy", np.zeros((4, 8, 8), np.uint8))
    with pytest.raises(UserError, match="masks"):
        FrameStore.open(tmp_path)


@pytest.mark.parametrize("keep", [0, 40, 200])
def test_a_cut_array_is_refused(tmp_path, keep):
    write_store(tmp_path)
    data = (tmp_path / "frames.npy").read_bytes()
    (tmp_path / "frames.npy").write_bytes(data[:keep])
    with pytest.raises(UserError, match="not a whole"):
        FrameStore.open(tmp_path)


def test_an_array_of_another_kind_is_refused(tmp_path):
    write_store(tmp_path)
    np.save(tmp_path / "frames.npy", np.zeros((5, 8, 8)))
    with pytest.raises(UserError, match="float64"):
        FrameStore.open(tmp_path)


def test_a_frame_with_a_flipped_bit_is_named(tmp_path):
    frames = write_store(tmp_path)
    hashes = [hashlib.sha256(frame).hexdigest() for frame in frames]
    write_manifest(sound_manifest(5, sha256=hashes), tmp_path)
    FrameStore.open(tmp_path).check_pixels()
    data = bytearray((tmp_path / "frames.npy").read_bytes())
    data[-3 * 64] ^= 1  # the first pixel of frame 2
    (tmp_path / "frames.npy").write_bytes(data)
    with pytest.raises(UserError, match=r"The stored frame x#2 of x isn't the one .* extract again"):
        FrameStore.open(tmp_path).check_pixels()
