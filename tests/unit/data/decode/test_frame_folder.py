"""Folders of frames and pickled folds: their order, their numbers and times, and what can be wrong."""

import pickle

import cv2
import numpy as np
import pytest

from uscl.data.decode import video
from uscl.data.decode.frame_folder import decode_frames, frame_files, frame_number
from uscl.data.decode.image import fit_image
from uscl.data.decode.pickled_folds import decode_fold
from uscl.data.decode.video import BadMedia


def grey(level, shape=(20, 20)):
    return np.full(shape, level, np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Frames 1, 2, 3, 10 and 11, and other files; frame 10 is of another size."""
    for number in (1, 2, 3, 11):
        cv2.imwrite(str(tmp_path / f"a b_frame{number}.png"), grey(20 * number))
    cv2.imwrite(str(tmp_path / "a b_frame10.png"), grey(200, (10, 40)))
    (tmp_path / ".frame4.png").touch()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "cover.png").touch()
    (tmp_path / "frame12.png").mkdir()
    return tmp_path


def decoded(folder, rate_hz=None, max_frames=None):
    return decode_frames(frame_files(folder), 20, rate_hz, max_frames)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("frame1.jpg", 1),
        ("x.y z_Frame 012.JPEG", 12),
        ("frame_3.PNG", 3),
        ("frame-4.png", 4),
        ("a_frame2_frame7.png", 7),
        ("frame.jpg", None),
        ("frame1.gif", None),
        ("frame1_mask.png", None),
        ("frame1234567890.png", None),
        ("img12.png", None),
    ],
)
def test_a_frame_is_recognized_by_its_name(tmp_path, name, number):
    assert frame_number(tmp_path / name) == number


def test_frames_come_by_number_not_by_name(folder):
    clip = decoded(folder)
    assert clip.number.tolist() == [1, 2, 3, 10, 11]
    np.testing.assert_allclose(clip.time_s, [0, 0.04, 0.08, 0.36, 0.4])
    assert clip.frames[[0, 1, 2, 4], 10, 10].tolist() == [20, 40, 60, 220]
    np.testing.assert_array_equal(clip.frames[3], fit_image(grey(200, (10, 40)), 20))
    assert clip.picture.tolist() == [[0, 0, 20, 20]] * 3 + [[0, 0, 10, 40], [0, 0, 20, 20]]
    assert clip.note == ""


def test_frames_are_sampled_at_an_assumed_rate_which_is_noted(folder):
    clip = decoded(folder, rate_hz=12.5)
    assert clip.number.tolist() == [1, 3, 10, 11]
    assert clip.note == "a folder of frames without times: 25 Hz assumed"
    assert decoded(folder, 12.5, 2).number.tolist() == [1, 3]
    assert decoded(folder, max_frames=2).number.tolist() == [1, 2]


def test_a_single_frame_is_noted(tmp_path):
    cv2.imwrite(str(tmp_path / "frame7.jpg"), grey(90))
    clip = decoded(tmp_path)
    assert (clip.number.tolist(), clip.time_s.tolist(), clip.note) == ([7], [0.0], "only one frame")


def test_an_unreadable_frame_is_named(folder):
    (folder / "a b_frame2.png").write_bytes(b"")
    with pytest.raises(BadMedia, match=r"^its frame a b_frame2\.png: empty file \(0 bytes\)$"):
        decoded(folder)
    assert decoded(folder, max_frames=1).number.tolist() == [1]


def test_no_frame_too_many_and_two_of_one_number_are_refused(folder, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadMedia, match=r"^a folder without frames$"):
        decoded(tmp_path / "empty")
    monkeypatch.setattr(video, "MAX_FRAMES", 4)
    with pytest.raises(BadMedia, match="more than 4 frames"):
        decoded(folder)
    cv2.imwrite(str(folder / "b_frame003.png"), grey(1))
    with pytest.raises(BadMedia, match=r"^a b_frame3\.png and b_frame003\.png have the same number"):
        decoded(folder)


# pickled folds


def fold(path, change=lambda content: content):
    """Six test images of classes 2 0 0 1 2 0, each of one level."""
    images = np.stack([np.full((3, 20, 20), 40 * i, np.uint8) for i in range(6)])
    images[2, 0], images[2, 1], images[2, 2] = 100, 150, 200
    classes = np.array([2, 0, 0, 1, 2, 0])
    path.write_bytes(pickle.dumps(change([images[:2], classes[:2], images, classes])))
    return path


def test_the_test_images_of_a_class_keep_their_places(tmp_path):
    clip = decode_fold(fold(tmp_path / "a.pkl"), "covid", 10)
    assert clip.number.tolist() == [1, 2, 5]
    assert clip.frames[:, 5, 5].tolist() == [40, round(0.299 * 100 + 0.587 * 150 + 0.114 * 200), 200]
    assert clip.time_s.tolist() == [0, 0, 0]
    assert clip.picture.tolist() == [[0, 0, 20, 20]] * 3
    assert decode_fold(tmp_path / "a.pkl", "pneumonia", 10).number.tolist() == [3]
    assert decode_fold(tmp_path / "a.pkl", "regular", 10).number.tolist() == [0, 4]


def replaced(place, value):
    """A change of one of the four arrays."""
    return lambda content: [*content[:place], value(content[place]), *content[place + 1 :]]


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64])
def test_other_types_of_numbers_give_the_same_frames(tmp_path, kind):
    plain = decode_fold(fold(tmp_path / "a.pkl"), "covid", 10)
    other = decode_fold(fold(tmp_path / "b.pkl", replaced(2, lambda x: x.astype(kind))), "covid", 10)
    listed = decode_fold(fold(tmp_path / "c.pkl", replaced(3, np.ndarray.tolist)), "covid", 10)
    floats = decode_fold(fold(tmp_path / "d.pkl", replaced(3, lambda y: y.astype(float))), "covid", 10)
    for clip in (other, listed, floats):
        np.testing.assert_array_equal(clip.frames, plain.frames)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda content: content[:3], r"^holds 3 arrays instead of X_train, y_train, X_test and y_test$"),
        (replaced(2, lambda x: x[:, 0]), r"^X_test has the shape \(6, 20, 20\) instead of \[n, 3, height, width\]$"),
        (replaced(2, lambda x: x.transpose(0, 2, 3, 1)), r"^X_test has the shape \(6, 20, 20, 3\)"),
        (replaced(2, lambda x: x[:, :, :0]), r"^its frames have no size"),
        (replaced(3, lambda y: y[:5]), r"^y_test has the shape \(5,\) for 6 images$"),
        (replaced(3, lambda y: np.eye(3)[y]), r"^y_test has the shape \(6, 3\) for 6 images$"),
        (replaced(3, lambda y: y + 1), r"^y_test has classes other than 0 \(covid\)"),
        (replaced(3, lambda y: y + 0.5), r"^y_test has classes other than 0 \(covid\)"),
        (replaced(2, lambda x: x / 255), r"^X_test has values of 0 to 1 instead of 0 to 255$"),
        (replaced(2, lambda x: x - 1.0), r"^X_test has values outside of 0 to 255$"),
        (replaced(2, lambda x: x * np.nan), r"^X_test has values outside of 0 to 255$"),
        (replaced(3, lambda y: np.where(y == 0, 1, y)), r"^no covid among its test images$"),
        (replaced(2, lambda x: x.astype(object)), r"^holds arrays of Python objects"),
    ],
)
def test_a_fold_of_another_shape_is_refused(tmp_path, change, reason):
    with pytest.raises(BadMedia, match=reason):
        decode_fold(fold(tmp_path / "a.pkl", change), "covid", 10)
