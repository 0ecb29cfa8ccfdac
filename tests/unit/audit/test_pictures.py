import cv2
import numpy as np
import pandas as pd
from audit_sets import tissue

from uscl.audit import pictures
from uscl.audit.pictures import SIDE_OF_MANY, points_of_set
from uscl.audit.points import SIDE
from uscl.data.decode.video import FALLBACK_RATE_HZ


def manifest(*rows, height=80, width=60):
    """Rows of a frame store, each (video, file, frame, time_s)."""
    table = pd.DataFrame(rows, columns=["video", "file", "frame", "time_s"]).assign(label="", group="", top=0, left=0)
    return table.assign(row=np.arange(len(table)), height=height, width=width)


def clip(folder, count, name="clip"):
    """A folder with the frames of a video."""
    (folder / name).mkdir()
    for number in range(count):
        cv2.imwrite(str(folder / name / f"{name}_frame{number}.png"), tissue(number, 64, 64))


def test_all_images_and_one_picture_per_second_of_the_stored_part_of_a_video(tmp_path):
    clip(tmp_path, 90)
    cv2.imwrite(str(tmp_path / "a.png"), tissue(1, 80, 60))
    stored = [("clip", "clip", number, number / FALLBACK_RATE_HZ) for number in (0, 12, 25, 37, 50)]
    images = manifest(("a", "a.png", 0, 0.0), *stored, height=[80] + [64] * 5, width=[60] + [64] * 5)
    points = points_of_set(images, tmp_path, 2)
    assert points.rows.tolist() == [0, 1, 3, 5]  # seconds 0, 1 and 2; the store ends there
    assert sorted(set(points.picture)) == [0, 1, 2, 3]


def test_the_number_of_workers_changes_nothing(tmp_path):
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), tissue(number, 80, 60))
    images = manifest(*((f"{number}", f"{number}.png", 0, 0.0) for number in range(3)))
    one, four = (points_of_set(images, tmp_path, workers) for workers in (1, 4))
    assert all(np.array_equal(a, b) for a, b in zip(one, four, strict=True))


def test_points_outside_the_stored_part_of_a_picture_do_not_count(tmp_path):
    picture = np.zeros((200, 300), np.uint8)
    picture[:, 200:] = tissue(1, 200, 100)
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    image = ("a", "a.png", 0, 0.0)
    assert len(points_of_set(manifest(image, height=200, width=300), tmp_path, 1).picture)
    assert not len(points_of_set(manifest(image, height=200, width=190), tmp_path, 1).picture)


def test_a_file_that_is_gone_is_named_in_the_log(tmp_path, caplog):
    cv2.imwrite(str(tmp_path / "a.png"), tissue(1, 80, 60))
    points = points_of_set(manifest(("gone", "gone.png", 0, 0.0), ("a", "a.png", 0, 0.0)), tmp_path, 1)
    assert points.rows.tolist() == [1]
    assert "gone.png can't be read again, so changed copies of it are not found" in caplog.text


def test_sets_of_many_pictures_are_read_at_a_smaller_size(tmp_path, monkeypatch):
    cv2.imwrite(str(tmp_path / "a.png"), tissue(1, 300, 300))
    images = manifest(("a", "a.png", 0, 0.0), height=300, width=300)
    assert points_of_set(images, tmp_path, 1).thumbnails.shape == (1, SIDE // 2, SIDE // 2)
    monkeypatch.setattr(pictures, "ALL_POINTS", 0)
    assert points_of_set(images, tmp_path, 1).thumbnails.shape == (1, SIDE_OF_MANY // 2, SIDE_OF_MANY // 2)
