import cv2
import numpy as np
import pytest
from audit_sets import SIZE, copied, texture

from uscl.audit.arrays import write_arrays
from uscl.audit.hashes import BITS, BITS_SIDE, Hashes, hash_frames, mirrored, read_hashes, signs
from uscl.audit.matches import MAX_DISTANCE, MIN_CORRELATION
from uscl.audit.registration import fitted_correlations, moved
from uscl.base.errors import UserError


def letterboxed(picture, height):
    """The picture squeezed to `height` rows between black bars."""
    canvas = np.zeros_like(picture)
    top = (SIZE - height) // 2
    canvas[top : top + height] = cv2.resize(picture, (SIZE, height), interpolation=cv2.INTER_AREA)
    return canvas


def compared(first, second):
    """Hamming distance, and correlation after a small motion, of two pictures."""
    hashes = hash_frames(np.stack([first, second]))
    bits, one = signs(hashes), np.array([0])
    like = fitted_correlations(hashes.detail.astype(np.float32), hashes.detail, one, one + 1, 1.0)
    return int((bits[0] != bits[1]).sum()), float(like[0])


CHANGES = {
    "smaller, as JPEG": lambda picture: copied(picture, 0.5),
    "darker": lambda picture: (picture * 0.7).astype(np.uint8),
    "cropped by 3 %": lambda picture: cv2.resize(picture[2:-1, 1:-2], (SIZE, SIZE), interpolation=cv2.INTER_AREA),
    "in another letterbox": lambda picture: letterboxed(picture, 70),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
@pytest.mark.parametrize("seed", range(5))
def test_a_changed_copy_is_alike_and_another_picture_is_not(change, seed):
    picture = texture(seed)
    distance, like = compared(picture, change(picture))
    assert distance <= MAX_DISTANCE
    assert like >= MIN_CORRELATION
    distance, like = compared(change(picture), texture(seed + 100))
    assert distance > MAX_DISTANCE or like < MIN_CORRELATION


def test_mirroring_a_frame_mirrors_its_bits():
    picture = texture(3)
    hashes = hash_frames(np.stack([picture, picture[:, ::-1]]))
    bits = signs(hashes)
    agreement = (mirrored(bits[:1], BITS_SIDE) == bits[1:]).sum()
    assert agreement >= BITS - 6  # a tie may fall to either side


def test_frames_that_show_nothing_are_blank():
    dot = np.zeros((SIZE, SIZE), np.uint8)
    dot[40, 40] = 255
    frames = np.stack([np.zeros((SIZE, SIZE), np.uint8), np.full((SIZE, SIZE), 90, np.uint8), dot, texture(0)])
    assert list(hash_frames(frames).blank) == [True, True, True, False]


def test_hashes_do_not_depend_on_the_batch():
    frames = np.stack([texture(seed, 64) for seed in range(9)])
    whole = hash_frames(frames)
    alone = [hash_frames(frame[None]) for frame in frames]
    assert np.array_equal(whole.bits, np.concatenate([one.bits for one in alone]))
    assert hash_frames(frames[:0]).bits.shape == (0, BITS // 8)


def test_a_picture_that_moves_a_little_is_followed():
    detail = hash_frames(texture(2)[None]).detail.astype(np.float32)
    shifted = moved(detail, np.array([[1.2, -0.8, 0.0, 0.0]], np.float32))
    zero = np.array([0])
    assert (detail * shifted).sum() < 0.9
    assert fitted_correlations(detail, shifted.astype(np.float16), zero, zero, 1.0)[0] > 0.95


def test_hashes_come_back_as_they_were_written_and_faults_are_named(tmp_path):
    hashes = hash_frames(np.stack([texture(1), texture(2)]))
    write_arrays(hashes, tmp_path / "hashes.npz")
    for name in Hashes._fields:
        assert np.array_equal(getattr(read_hashes(tmp_path / "hashes.npz"), name), getattr(hashes, name))
    with pytest.raises(UserError, match=r"gone\.npz does not exist: run the rule hash_frames"):
        read_hashes(tmp_path / "gone.npz")
    (tmp_path / "bad.npz").write_bytes((tmp_path / "hashes.npz").read_bytes()[:100])
    with pytest.raises(UserError, match=r"bad\.npz does not hold hashes .*: remove it"):
        read_hashes(tmp_path / "bad.npz")
