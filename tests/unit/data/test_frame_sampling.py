import numpy as np
import pandas as pd
import pytest

from uscl.base.errors import UserError
from uscl.data.frame_sampling import kept, with_sampling
from uscl.data.splits import make_splits, read_folds

RATE = 5


def cases(groups=8, frames=10):
    rows = [
        {"video": f"v{group}", "group": f"g{group}", "label": "ab"[group % 2], "time_s": round(frame / RATE, 6)}
        for group in range(groups)
        for frame in range(frames)
    ]
    frame = pd.DataFrame(rows).assign(patient="", unit="video")
    return frame.assign(row=np.arange(len(frame)), case=[f"c{n}" for n in range(len(frame))])


@pytest.mark.parametrize(
    ("settings", "frames"),
    [
        ({"rate_hz": None, "max_frames": None}, range(10)),
        ({"rate_hz": 2.5, "max_frames": None}, [0, 2, 4, 6, 8]),
        ({"rate_hz": 1.0, "max_frames": None}, [0, 5]),
        ({"rate_hz": None, "max_frames": 3}, [0, 1, 2]),
        ({"rate_hz": 2.5, "max_frames": 2}, [0, 2]),
        ({"rate_hz": 100.0, "max_frames": None}, range(10)),
    ],
)
def test_the_first_frame_of_each_slot_is_taken(settings, frames):
    shuffled = cases(groups=2).sample(frac=1, random_state=0)
    found = shuffled[kept(shuffled, **settings)]
    assert sorted(found["row"] % 10) == sorted([*frames] * 2)


def test_training_and_test_take_frames_of_their_own(tmp_path):
    frame = cases()
    splits = make_splits(frame, folds=2, inner=2, seed=0)
    sampling = {"train": {"rate_hz": 1.0, "max_frames": None}, "test": {"rate_hz": None, "max_frames": 4}}
    found = with_sampling(splits, frame.sample(frac=1, random_state=0), sampling)
    found.to_csv(tmp_path / "s.csv", index=False)
    _, folds = read_folds(tmp_path / "s.csv")
    _, all_frames = read_folds(write(splits, tmp_path / "all.csv"))
    for fold, whole in zip(folds, all_frames, strict=True):
        assert sorted(fold.train) == [row for row in sorted(whole.train) if row % 10 in (0, 5)]
        for part, of_all in ((fold.validation, whole.validation), (fold.test, whole.test)):
            assert sorted(part) == [row for row in sorted(of_all) if row % 10 < 4]


def write(splits, path):
    splits.to_csv(path, index=False)
    return path


def test_without_settings_nothing_changes():
    splits = make_splits(cases(), folds=2, inner=2, seed=0)
    assert with_sampling(splits, cases(), {"train": None, "test": None}) is splits


def test_a_case_that_is_neither_tested_nor_left_out_is_still_a_fault(tmp_path):
    splits = make_splits(cases(), folds=2, inner=2, seed=0)
    wrong = splits.assign(fold0=splits["fold0"].replace("test", "train"))
    with pytest.raises(UserError, match="is tested 0 times, not once"):
        read_folds(write(wrong, tmp_path / "s.csv"))
