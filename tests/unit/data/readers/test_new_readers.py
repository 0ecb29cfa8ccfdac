"""Readers of the sets that a user has to get by hand: Butterfly, UDIAT-B and the authors' folds of POCUS."""

from pathlib import Path

import pytest

from uscl.base.errors import UserError
from uscl.data.expected_counts import found_counts
from uscl.data.readers import reader
from uscl.data.readers.shared.listing import Sources


def tree(root: Path, *files: str) -> Path:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    return root


def problems(found: Sources) -> dict[str, tuple[str, str]]:
    return {row.file: (row.action, row.reason) for row in found.problems.itertuples()}


# butterfly


def test_butterfly_takes_each_folder_of_frames_as_a_video(tmp_path):
    tree(tmp_path, *(f"a/x_frame{number}.jpg" for number in (1, 2, 10)), "deep/er/b 1/frame0.png", "c.MP4", "d/e.avi")
    found = reader("butterfly")(tmp_path)
    assert found.files["file"].tolist() == ["a", "c.MP4", "d/e.avi", "deep/er/b 1"]
    assert found.files["kind"].tolist() == ["frames", "video", "video", "frames"]
    assert found.files["video"].tolist() == found.files["group"].tolist() == found.files["file"].tolist()
    assert set(found.files["unit"]) == {"video"}
    assert set(found.files["label"]) == {""}
    assert found.problems.empty


def test_butterfly_sets_aside_files_that_are_not_frames(tmp_path):
    tree(tmp_path, "a/frame1.jpg", "a/notes.txt", "a/cover.jpg", "frame1.jpg", ".DS_Store", "a/.frame2.jpg")
    tree(tmp_path, "b/x_frame1.jpg", "b/y_frame1.jpg", "empty/notes.txt")
    found = reader("butterfly")(tmp_path)
    assert found.files["file"].tolist() == ["a"]
    aside = problems(found)
    assert {action for action, _ in aside.values()} == {"set aside"}
    assert sorted(aside) == ["a/cover.jpg", "a/notes.txt", "b", "empty/notes.txt", "frame1.jpg"]
    assert aside["a/cover.jpg"][1] == "the name does not end in frame<number>"
    assert (
        aside["b"][1]
        == "x_frame1.jpg and y_frame1.jpg have the same number: it is not one video; give each a folder of its own"
    )
    assert aside["frame1.jpg"][1] == "a frame outside of a video's folder: give each video a folder of its own"


def test_butterfly_refuses_an_empty_folder_and_one_of_other_sets(tmp_path):
    with pytest.raises(UserError, match=r"nowhere does not exist: it should hold one folder per video"):
        reader("butterfly")(tmp_path / "nowhere")
    tree(tmp_path, "notes.txt")
    with pytest.raises(UserError, match=r"has no videos: it should hold .*Butterfly_Dataset"):
        reader("butterfly")(tmp_path)
    tree(tmp_path, "COVID-BLUES/lus_videos/patient_1_L1.mp4", "a/frame1.jpg")
    with pytest.raises(UserError, match=r"holds other sets \(COVID-BLUES\): put the videos in .*Butterfly_Dataset\.$"):
        reader("butterfly")(tmp_path)


# udiat_b


@pytest.mark.parametrize("top", ["", "UDIAT (B)/"])
def test_udiat_pairs_images_with_masks_in_any_case(tmp_path, top):
    tree(
        tmp_path,
        *(f"{top}{file}" for file in ("Original/000001.PNG", "Original/b 2.jpg", "gt/000001.png", "gt/B 2.png")),
    )
    found = reader("udiat_b")(tmp_path)
    assert found.files["file"].tolist() == [f"{top}Original/000001.PNG", f"{top}Original/b 2.jpg"]
    assert found.files["video"].tolist() == found.files["group"].tolist() == ["000001", "b 2"]
    assert set(found.files["unit"]) == {"image"}
    assert found.files["masks"].tolist() == [(f"{top}gt/000001.png",), (f"{top}gt/B 2.png",)]
    assert set(found.files["kind"]) == {"image"}
    assert set(found.files["label"]) == {""}
    assert found.problems.empty


def test_udiat_sets_aside_files_without_a_counterpart(tmp_path):
    tree(tmp_path, "original/1.png", "original/2.png", "original/3.png", "original/3.JPG", "original/Thumbs.db")
    tree(tmp_path, "GT/1.png", "GT/3.png", "GT/4.png")
    found = reader("udiat_b")(tmp_path)
    assert found.files["video"].tolist() == ["1", "3"]
    assert problems(found) == {
        "GT/4.png": ("set aside", "a mask without its image"),
        "original/2.png": ("set aside", "an image without a mask"),
        "original/3.png": ("set aside", "an image with this name exists in another spelling"),
        "original/Thumbs.db": ("set aside", "the name does not end in .bmp, .jpeg, .jpg, .png, .tif, .tiff, .webp"),
    }


def test_udiat_takes_labels_of_a_table(tmp_path):
    tree(tmp_path, *(f"{folder}/{name}.png" for folder in ("original", "GT") for name in "abc"))
    (tmp_path / "labels.csv").write_text("file,label\na.png,benign\noriginal/b.png,malignant\nz.png,benign\n")
    found = reader("udiat_b")(tmp_path)
    assert found.files["label"].tolist() == ["benign", "malignant", ""]
    assert problems(found)["labels.csv"] == ("kept", "no row for 1 file ('original/c.png'): unlabelled")
    assert problems(found)["z.png"][0] == "set aside"
    (tmp_path / "labels.csv").write_text("file,label\na.png,benign\nb.png,Benign\n")
    with pytest.raises(UserError, match=r"labels\.csv, row 3: label 'Benign' is written 'benign' above"):
        reader("udiat_b")(tmp_path)


@pytest.mark.parametrize(
    ("there", "missing"), [("GT/1.png", "original"), ("original/1.png", "gt"), ("a/b/original/1.png", "original")]
)
def test_udiat_names_the_folder_that_is_missing(tmp_path, there, missing):
    tree(tmp_path, there)
    with pytest.raises(UserError, match=rf"has no {missing}: it should hold original/NAME\.png and GT/NAME\.png"):
        reader("udiat_b")(tmp_path)


# pocus_folds


def test_the_folds_are_listed_by_class_without_opening_them(tmp_path):
    tree(tmp_path, *(f"covid_data{fold}.pkl" for fold in range(1, 6)), "covid_data6.pkl", "readme.txt", "other/a.png")
    found = reader("pocus_folds")(tmp_path)
    assert found.files["video"].tolist()[:4] == ["fold1/covid", "fold1/pneumonia", "fold1/regular", "fold2/covid"]
    assert found.files["file"].tolist()[2:4] == ["covid_data1.pkl", "covid_data2.pkl"]
    assert found.files["group"].tolist()[2:4] == ["fold 1", "fold 2"]
    assert found.files["label"].tolist()[:3] == ["covid", "pneumonia", "regular"]
    assert set(found.files["kind"]) == {"fold"}
    assert found.problems.empty
    assert found_counts(found) == {
        "videos": 15,
        "images": 0,
        "groups": 5,
        **{f"files of class {label}": 5 for label in ("covid", "pneumonia", "regular")},
    }


def test_missing_folds_are_named(tmp_path):
    tree(tmp_path, "covid_data1.pkl", "covid_data3.pkl", "covid_data4.pkl")
    with pytest.raises(UserError, match=r"has no covid_data2\.pkl, covid_data5\.pkl: it should hold .*covid_5_fold"):
        reader("pocus_folds")(tmp_path)
