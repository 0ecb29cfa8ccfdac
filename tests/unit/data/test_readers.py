"""Readers: labels and groups on small trees with every odd case, and on the real sets where present."""

import os
from pathlib import Path

import pandas as pd
import pytest

from uscl.data.readers import Sources, reader
from uscl.errors import UserError

NAMES = ["busi", "covid19_ultrasound", "covid_blues", "simulated_pool"]


def tree(root: Path, *files: str) -> Path:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    return root


def column(found: Sources, name: str) -> dict[str, str]:
    """File name -> label or group."""
    return {Path(file).name: value for file, value in zip(found.files["file"], found.files[name], strict=True)}


def problems(found: Sources) -> dict[str, tuple[str, str]]:
    return {row.file: (row.action, row.reason) for row in found.problems.itertuples()}


def test_an_unknown_reader_is_refused_with_the_known_ones():
    with pytest.raises(UserError, match="no reader 'nope': choose one of busi, covid19_ultrasound"):
        reader("nope")


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_folder_and_a_foreign_folder_are_named(tmp_path, name):
    with pytest.raises(UserError, match=r"nowhere does not exist: it should hold "):
        reader(name)(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"has no .*: it should hold "):
        reader(name)(tmp_path)


# covid_blues


def test_covid_blues_takes_patient_and_test_result(tmp_path):
    names = ["patient_10_L1.mp4", "patient_2_R3.MP4", "patient_2_R3_2.mp4", "patient_7_L2.mp4"]
    tree(tmp_path, *(f"lus_videos/{name}" for name in names))
    (tmp_path / "clinical_variables.csv").write_text("cov_test,patient_id\n1,2\n0,10\n,7\n")
    found = reader("covid_blues")(tmp_path)
    assert found.files["file"].tolist() == [f"lus_videos/{name}" for name in names]
    assert found.files["video"].tolist() == [
        "patient_10_L1",
        "patient_2_R3",
        "patient_2_R3_2",
        "patient_7_L2",
    ]
    assert found.files["group"].tolist() == ["patient_10", "patient_2", "patient_2", "patient_7"]
    assert found.files["label"].tolist() == ["negative", "positive", "positive", ""]
    assert set(found.files["kind"]) == {"video"}
    assert found.problems.empty


def test_covid_blues_sets_misnamed_files_aside(tmp_path):
    tree(tmp_path, "lus_videos/patient_1_L1.mp4", "lus_videos/patient_x_L1.mp4", "lus_videos/patient_1_L9.mp4")
    tree(tmp_path, "lus_videos/Thumbs.db", "lus_videos/.hidden.mp4", "lus_videos/folder/patient_3_L1.mp4")
    found = reader("covid_blues")(tmp_path)
    assert found.files["video"].tolist() == ["patient_1_L1"]
    assert problems(found).pop("clinical_variables.csv")[0] == "kept"
    aside = {file for file, (action, _) in problems(found).items() if action == "set aside"}
    assert {Path(file).name for file in aside} == {
        "patient_x_L1.mp4",
        "patient_1_L9.mp4",
        "Thumbs.db",
        ".hidden.mp4",
        "folder",
    }


def test_covid_blues_refuses_another_table(tmp_path):
    tree(tmp_path, "lus_videos/patient_1_L1.mp4")
    (tmp_path / "clinical_variables.csv").write_text("id,test\n1,1\n")
    with pytest.raises(UserError, match="no columns patient_id and cov_test"):
        reader("covid_blues")(tmp_path)


def test_two_spellings_of_one_name_are_refused(tmp_path):
    tree(tmp_path, "lus_videos/patient_1_L1.mp4", "lus_videos/patient_1_L1.MP4")
    if len(list((tmp_path / "lus_videos").iterdir())) == 2:  # not on systems that ignore case
        with pytest.raises(UserError, match="one name in different spellings"):
            reader("covid_blues")(tmp_path)


# covid19_ultrasound

VIDEOS, IMAGES = "data/pocus_videos/convex", "data/pocus_images/convex"


def pocus(root: Path, files: list[str], patients: dict[str, str]) -> Sources:
    """Reads a tree with these files and these patients in the metadata."""
    images = (".png", ".jpg")
    for file in files:
        tree(root, f"{IMAGES if file.lower().endswith(images) else VIDEOS}/{file}")
    rows = [{"Filename": name, "Patient ID / Name": patient} for name, patient in patients.items()]
    table = pd.DataFrame(rows, columns=["Filename", "Patient ID / Name"])
    table.to_csv(root / "data/dataset_metadata.csv", index=False)
    return reader("covid19_ultrasound")(root)


def test_pocus_takes_the_class_from_the_name_in_any_case(tmp_path):
    files = ["Cov-a.mp4", "pneu_b.gif", "REG-c.MPEG", "Pneu_d.JPG", "Vir_e.mp4", "Covid_f.mp4", "other.avi"]
    found = pocus(tmp_path, files, {Path(file).stem: str(i) for i, file in enumerate(files)})
    assert column(found, "label") == {
        "Cov-a.mp4": "covid",
        "pneu_b.gif": "pneumonia",
        "REG-c.MPEG": "regular",
        "Pneu_d.JPG": "pneumonia",
    }
    assert column(found, "kind")["Pneu_d.JPG"] == "image"
    assert set(problems(found)) == {f"{VIDEOS}/Covid_f.mp4", f"{VIDEOS}/other.avi"}
    assert found.files["file"].is_monotonic_increasing


def test_pocus_finds_the_patient_however_the_metadata_spells_the_name(tmp_path):
    files = ["Cov-Atlas+(44).gif", "Cov-Atlas-+(45).gif", "Reg_A_b.mp4", "Reg_c.mov"]
    names = {"cov-atlas 44": "36", "Cov-Atlas+(45).gif": "36", "REG A B.MP4 ": "5", "Reg_c": "6"}
    found = pocus(tmp_path, files, names)
    groups = column(found, "group")
    assert groups["Cov-Atlas+(44).gif"] == groups["Cov-Atlas-+(45).gif"] == "patient 36"
    assert groups["Reg_A_b.mp4"] == "patient 5"
    assert found.problems.empty


def test_pocus_names_that_differ_in_digits_only_stay_apart(tmp_path):
    found = pocus(
        tmp_path,
        ["Cov-sim-p012-1.mp4", "Cov-sim-p01-21.mp4"],
        {"Cov-sim-p012-1": "p012", "Cov-sim-p01-21": "p01"},
    )
    assert set(column(found, "group").values()) == {"patient p012", "patient p01"}


def test_pocus_keeps_one_patient_together_across_classes_and_kinds(tmp_path):
    found = pocus(
        tmp_path,
        ["Pneu-Atlas-x.gif", "Reg-Atlas-y.gif", "Reg-z.png"],
        {"Pneu-Atlas-x": "37", "Reg-Atlas-y": "37", "Reg-z": "37"},
    )
    assert set(column(found, "group").values()) == {"patient 37"}


@pytest.mark.parametrize(
    "series",
    [
        ["Reg_pat1Image_132943.mpeg", "Reg_pat1Image_133043.mpeg"],
        ["Cov-Atlas-Day+1.gif", "Cov-Atlas-Day+4.gif"],
        ["Pneu_liftl_pneu_case3_clip3.mp4", "Reg_liftl_case3_clip2.mp4", "Reg_liftl_pneucase3_clip1.mp4"],
    ],
)
def test_pocus_series_of_one_patient_hold_even_against_the_metadata(tmp_path, series):
    found = pocus(tmp_path, series, {Path(file).stem: str(i) for i, file in enumerate(series)})
    assert column(found, "group") == dict.fromkeys(series, "patient 0")


def test_pocus_trusts_the_patients_of_a_set_unless_one_is_unknown(tmp_path):
    files = ["Pneu_northumbria_0409_set1_vid1.avi", "Pneu_northumbria_0409_set1_vid2.avi"]
    known = {Path(file).stem: str(i) for i, file in enumerate(files)}
    assert len(set(column(pocus(tmp_path, files, known), "group").values())) == 2
    unknown = "Reg_northumbria_0409_set1_vid3.avi"
    found = pocus(tmp_path, [*files, unknown, "Reg_northumbria_0409_set2_vid1.avi"], known)
    groups = column(found, "group")
    assert groups[files[0]] == groups[files[1]] == groups[unknown]
    assert groups["Reg_northumbria_0409_set2_vid1.avi"] != groups[unknown]
    assert problems(found)[f"{VIDEOS}/{unknown}"][0] == "kept"


def test_pocus_groups_are_transitive(tmp_path):
    files = ["Reg_pat1Image_1.mpeg", "Reg_pat1Image_2.mpeg", "Reg_Image_9.mp4", "Reg_other.mp4"]
    patients = {"Reg_pat1Image_1": "3", "Reg_pat1Image_2": "4", "Reg_Image_9": "4", "Reg_other": "5"}
    groups = column(pocus(tmp_path, files, patients), "group")
    assert groups["Reg_pat1Image_1.mpeg"] == groups["Reg_Image_9.mp4"] == "patient 3"
    assert groups["Reg_other.mp4"] == "patient 5"


def test_pocus_mends_rows_that_are_shifted_by_a_column(tmp_path):
    tree(tmp_path, f"{VIDEOS}/Reg_liftl_a.mp4", f"{VIDEOS}/Reg_b.mp4")
    (tmp_path / "data/dataset_metadata.csv").write_text(
        "Filename,Framerate,Resolution,Length (frames),Gender,Age,Patient ID / Name,Lung /abdomen interface\n"
        "Reg_liftl_a,,15,264x264,32,m,40,7\n"
        "Reg_b,30,264x264,32,m,24,40,\n"
    )
    groups = column(reader("covid19_ultrasound")(tmp_path), "group")
    assert groups == {"Reg_liftl_a.mp4": "patient 7", "Reg_b.mp4": "patient 40"}


def test_pocus_of_nothing_but_viral_files_is_empty(tmp_path):
    assert pocus(tmp_path, ["Vir_a.mp4"], {}).files.empty


# busi


def test_busi_joins_images_and_masks(tmp_path):
    names = [
        "benign/benign (4).png",
        "benign/benign (4)_mask.png",
        "benign/benign (4)_mask_1.png",
        "benign/benign (433).png",
        "benign/benign (433)_mask.png",
        "malignant/malignant (145).PNG",
        "malignant/malignant (145)_mask.png",
        "normal/normal (1).png",
        "normal/normal (1)_mask.png",
        "normal/normal (2).png",
    ]
    found = reader("busi")(tree(tmp_path, *names))
    masks = dict(zip(found.files["video"], found.files["masks"], strict=True))
    assert masks["benign (4)"] == (names[1], names[2])
    assert masks["normal (2)"] == ()
    groups = column(found, "group")
    assert groups["benign (433).png"] == groups["malignant (145).PNG"] == "benign (433)"
    assert groups["benign (4).png"] == "benign (4)"
    assert column(found, "label")["malignant (145).PNG"] == "malignant"
    assert found.problems.empty


def test_busi_sets_aside_what_lacks_its_counterpart(tmp_path):
    tree(tmp_path, "normal/normal (1).png", "malignant/benign (9).png", "malignant/malignant (1).png")
    tree(
        tmp_path,
        "malignant/malignant (1)_mask.png",
        "malignant/malignant (2)_mask.png",
        "benign/benign (3).png",
    )
    found = reader("busi")(tmp_path)
    assert found.files["video"].tolist() == ["malignant (1)", "normal (1)"]
    told = {file: reason for file, (_, reason) in problems(found).items()}
    assert told["benign/benign (3).png"] == "an image without a mask"
    assert told["malignant/malignant (2)_mask.png"] == "a mask without its image"
    assert "the name is not" in told["malignant/benign (9).png"]
    assert len(told) == 3


# simulated_pool


def test_the_pool_takes_label_group_and_truth_from_its_tables(tmp_path):
    tree(tmp_path, "videos/b.avi", "videos/a.mp4", "videos/c.GIF", "videos/notes.txt")
    (tmp_path / "videos.csv").write_text(
        "file,patient,organ,probe,codec,fps,frames,event\n"
        "a.mp4,007,lung,convex,h264,25,2,freeze\n"
        "videos/b.avi,007,liver,convex,mpeg4,25,1,\n"
        "gone.mp4,008,liver,convex,mpeg4,25,1,\n"
    )
    (tmp_path / "frames.csv").write_text("file,frame,organ,event\na.mp4,0,lung,\na.mp4,1,lung,freeze\n")
    found = reader("simulated_pool")(tmp_path)
    assert found.files["video"].tolist() == ["a.mp4", "b.avi", "c.GIF"]
    assert found.files["label"].tolist() == ["lung", "liver", ""]
    assert found.files["group"].tolist() == ["007", "007", "c.GIF"]
    assert {file: action for file, (action, _) in problems(found).items()} == {
        "videos/c.GIF": "kept",
        "videos/gone.mp4": "set aside",
        "videos/notes.txt": "set aside",
    }
    assert found.truth is not None
    assert found.truth.to_dict("list") == {
        "file": ["videos/a.mp4"] * 2,
        "frame": [0, 1],
        "organ": ["lung", "lung"],
        "event": ["", "freeze"],
    }


def test_a_folder_of_videos_alone_is_an_unlabelled_pool(tmp_path):
    found = reader("simulated_pool")(tree(tmp_path, "videos/a.mp4", "videos/b.mp4"))
    assert found.files["label"].tolist() == ["", ""]
    assert found.files["group"].tolist() == ["a.mp4", "b.mp4"]
    assert found.truth is None
    assert list(problems(found)) == ["videos.csv"]


def test_a_pool_table_without_its_columns_is_refused(tmp_path):
    tree(tmp_path, "videos/a.mp4")
    (tmp_path / "videos.csv").write_text("file,who\na.mp4,1\n")
    with pytest.raises(UserError, match=r"videos\.csv should have the columns file, patient, organ"):
        reader("simulated_pool")(tmp_path)


# the real sets


def real(folder: str) -> Path:
    """A public set in the folder that USCL_DATA names, or else beside the repository."""
    base = Path(os.environ.get("USCL_DATA", Path(__file__).parents[4] / "shared" / "data"))
    if not (base / folder).is_dir():
        pytest.skip(f"the public data set {folder} is not in {base} (set USCL_DATA to its folder)")
    return base / folder


def count(found: Sources) -> dict[str, tuple[int, int]]:
    """Label -> number of files and of groups."""
    by_label = found.files.groupby("label")["group"]
    return {str(label): (len(groups), groups.nunique()) for label, groups in by_label}


def test_the_real_covid_blues():
    found = reader("covid_blues")(real("COVID-BLUES"))
    assert count(found) == {"negative": (165, 30), "positive": (197, 33)}
    assert found.problems.empty


def test_the_real_covid19_ultrasound():
    found = reader("covid19_ultrasound")(real("covid19_ultrasound"))
    assert count(found) == {"covid": (31, 11), "pneumonia": (50, 47), "regular": (66, 42)}
    assert found.files["kind"].value_counts().to_dict() == {"video": 119, "image": 28}
    assert found.files["group"].nunique() == 98
    both = found.files.groupby("group")["label"].nunique()
    assert both[both > 1].index.tolist() == ["patient 37", "patient 7"]
    assert found.problems.empty


def test_the_real_busi():
    found = reader("busi")(real("Dataset_BUSI_with_GT"))
    assert count(found) == {"benign": (437, 437), "malignant": (210, 210), "normal": (133, 133)}
    assert found.files["group"].nunique() == 779
    assert (found.files["masks"].map(len) > 1).sum() == 17
    assert found.problems.empty
