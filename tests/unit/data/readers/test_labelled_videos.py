"""Labelled videos by folder, by table and by parts of seconds, read from real films."""

import numpy as np
import pytest
from video_files import write_film

from uscl.base.errors import UserError
from uscl.data.extract import extract
from uscl.data.manifest import read_problems
from uscl.data.readers import reader
from uscl.data.readers.shared.frame_ranges import Range
from uscl.data.store import FrameStore

RATE = 5


def film(path, level=100, frames=20):
    """A film of `frames` pictures at 5 per second, so that picture n is at n / 5 s."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_film(path, np.stack([np.full((32, 32), level + number, np.uint8) for number in range(frames)]), rate=RATE)


def read(root, text=None, **options):
    if text is not None:
        (root / "labels.csv").write_text(text)
        options["table"] = "labels.csv"
    return reader("labelled_videos")(root, **options)


def store_of(root, out, rate_hz=None, max_frames=None, **options):
    settings = {"size": 32, "rate_hz": rate_hz, "max_frames": max_frames, "on_bad_video": "skip", "workers": 1}
    extract("set", "labelled_videos", root, out, **settings, options=options)
    return FrameStore.open(out).manifest


def test_the_class_is_the_folder_and_the_patient_the_pattern(tmp_path):
    for file in ("covid/p1_a.mp4", "covid/p2/1.mp4", "healthy/p3.mp4", "loose.mp4"):
        film(tmp_path / file, frames=2)
    found = read(tmp_path, patient=r"p\d+")
    assert dict(zip(found.files["file"], found.files["label"], strict=True)) == {
        "covid/p1_a.mp4": "covid", "covid/p2/1.mp4": "covid", "healthy/p3.mp4": "healthy",
    }  # fmt: skip
    assert found.files["patient"].tolist() == ["p1", "p2", "p3"]
    aside = found.problems[found.problems["action"] == "set aside"]
    assert aside["file"].tolist() == ["loose.mp4"]
    with pytest.raises(UserError, match="has no images in a folder pneumonia, which `classes` names"):
        read(tmp_path, classes=["covid", "pneumonia"])


def test_a_single_class_is_named_with_what_the_folder_should_hold(tmp_path):
    film(tmp_path / "covid/p1_a.mp4", frames=2)
    with pytest.raises(UserError, match=r"should hold a folder of videos .* for each of .*; videos are in covid\.$"):
        read(tmp_path)


def test_the_provider_may_divide_the_classes_into_parts(tmp_path):
    for part in ("train", "test"):
        for label in ("a", "b"):
            film(tmp_path / part / label / "1.mp4", frames=2)
    with pytest.raises(UserError, match=r"is divided into test, train, which are not classes: .*given: folder"):
        read(tmp_path)
    found = read(tmp_path, part="folder")
    assert found.files[["part", "label"]].to_numpy().tolist() == [
        ["test", "a"], ["test", "b"], ["train", "a"], ["train", "b"],
    ]  # fmt: skip


def test_a_table_goes_before_the_folders(tmp_path):
    for file in ("x/1.mp4", "x/2.mp4", "y/3.mp4"):
        film(tmp_path / file, frames=2)
    found = read(tmp_path, "file,label,patient\n1.mp4,a,7\n2.mp4,b,8\n")
    assert found.files["label"].tolist() == ["a", "b", ""]
    assert found.files["group"].tolist() == ["7", "8", "y/3.mp4"]


def test_parts_of_seconds_are_videos_of_one_group_with_labels_of_their_own(tmp_path):
    film(tmp_path / "films/1.mp4")
    film(tmp_path / "films/2.mp4", level=30)
    film(tmp_path / "films/3.mp4", level=60)
    table = "file,start,end,label\n1.mp4,2,,b\n1.mp4,,1.5,a\n2.mp4,,,a\n"
    (tmp_path / "films/labels.csv").write_text(table)
    manifest = store_of(tmp_path / "films", tmp_path / "store", table="labels.csv")
    parts = dict(list(manifest.groupby("video")))
    assert set(parts) == {"1.mp4 (0 to 1.5 s)", "1.mp4 (from 2 s)", "2.mp4"}
    first, later = parts["1.mp4 (0 to 1.5 s)"], parts["1.mp4 (from 2 s)"]
    assert (set(first["label"]), set(later["label"])) == ({"a"}, {"b"})
    assert first["frame"].tolist() == list(range(8))  # 0, 0.2, ... 1.4 s
    assert later["frame"].tolist() == list(range(10, 20))
    assert set(first["group"]) == set(later["group"]) == {"1.mp4"}
    assert later["case"].iloc[0] == "1.mp4 (from 2 s)#10"
    problems = read_problems(tmp_path / "store/problems.csv")
    assert problems["reason"].str.contains("no row for '3.mp4'").any()


def test_sampling_counts_from_the_start_of_a_part(tmp_path):
    film(tmp_path / "films/1.mp4")
    (tmp_path / "films/labels.csv").write_text("file,start,end,label\n1.mp4,1,3,a\n1.mp4,3,,b\n")
    manifest = store_of(tmp_path / "films", tmp_path / "store", rate_hz=2.5, max_frames=3, table="labels.csv")
    assert manifest.groupby("label")["frame"].apply(list).to_dict() == {"a": [6, 8, 10], "b": [16, 18]}


def test_a_part_that_the_film_does_not_have_is_set_aside(tmp_path):
    film(tmp_path / "films/1.mp4")
    (tmp_path / "films/labels.csv").write_text("file,start,end,label\n1.mp4,0,2,a\n1.mp4,10,12,b\n")
    store_of(tmp_path / "films", tmp_path / "store", table="labels.csv")
    problems = read_problems(tmp_path / "store/problems.csv")
    reason = "has no frame from 10 s to before 12 s: its last is at 3.8 s"
    assert reason in problems.loc[problems["action"] == "set aside", "reason"].tolist()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["1.mp4,0,2,a", "1.mp4,1,3,b"], r"the parts of 1\.mp4, 0 to 2 s and 1 to 3 s, overlap: correct them"),
        (["1.mp4,2,2,a"], r"row 2: `end` \(2 s\) must be after `start` \(2 s\)"),
        (["1.mp4,0:30,2,a"], r"row 2: `start` is '0:30', but it must be a number of seconds from 0 on"),
        (["1.mp4,-1,2,a"], r"row 2: `start` is '-1', but"),
    ],
)
def test_times_that_make_no_sense_are_refused(tmp_path, lines, message):
    film(tmp_path / "1.mp4", frames=2)
    with pytest.raises(UserError, match=message):
        read(tmp_path, "\n".join(["file,start,end,label", *lines]))


def test_rows_of_one_file_agree_on_its_patient(tmp_path):
    film(tmp_path / "1.mp4", frames=2)
    with pytest.raises(UserError, match=r"the rows of 1\.mp4 differ in patient: give all of them the same"):
        read(tmp_path, "file,start,end,label,patient\n1.mp4,0,1,a,7\n1.mp4,1,2,b,8\n")


def test_a_whole_film_has_its_own_name():
    assert Range(0, float("inf"), "a").whole
    assert not Range(0, 5, "a").whole
