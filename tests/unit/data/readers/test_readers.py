"""Readers: labels and groups on small trees with every odd case, and on the real sets where present."""

import logging
import os
from pathlib import Path

import pandas as pd
import pytest

from uscl.base.errors import UserError
from uscl.data.readers import READERS, reader
from uscl.data.readers.shared.listing import Sources
from uscl.data.units import counted_units

NAMES = ["busi", "covid19_ultrasound", "covid_blues", "pocus_folds", "simulated_pool", "udiat_b"]


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
    with pytest.raises(UserError, match="There is no reader 'nope': choose one of busi, butterfly, covid19_ultrasound"):
        reader("nope")


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_folder_and_a_foreign_folder_are_named(tmp_path, name):
    with pytest.raises(UserError, match=r"nowhere does not exist: it should hold "):
        reader(name)(tmp_path / "nowhere")
    with pytest.raises(UserError, match=rf"has no .*: it should hold .*{READERS[name].folder or ''}"):
        reader(name)(tmp_path)


def test_hidden_files_are_logged_and_are_not_problems(tmp_path, caplog):
    tree(tmp_path, "videos/a.mp4", "videos/.DS_Store", "videos/._a.gif", "videos/.cache/b.mp4")
    with caplog.at_level(logging.INFO):
        found = reader("simulated_pool")(tmp_path)
    assert found.files["video"].tolist() == ["a.mp4"]
    assert list(problems(found)) == ["videos.csv"]
    assert "ignored hidden files: .DS_Store, ._a.gif, .cache" in caplog.text


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
    assert found.files["patient"].tolist() == ["10", "2", "2", "7"]
    assert set(found.files["unit"]) == {"patient"}
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
        "folder",
    }


def test_covid_blues_refuses_another_table(tmp_path):
    tree(tmp_path, "lus_videos/patient_1_L1.mp4")
    (tmp_path / "clinical_variables.csv").write_text("id,test\n1,1\n")
    with pytest.raises(UserError, match=r"clinical_variables\.csv has no column patient_id, cov_test: it should have"):
        reader("covid_blues")(tmp_path)


def test_two_spellings_of_one_name_are_refused(tmp_path):
    tree(tmp_path, "lus_videos/patient_1_L1.mp4", "lus_videos/patient_1_L1.MP4")
    if len(list((tmp_path / "lus_videos").iterdir())) == 2:  # not on systems that ignore case
        with pytest.raises(UserError, match="one name in different spellings"):
            reader("covid_blues")(tmp_path)


def blues(root: Path, table: str | bytes) -> Sources:
    """Reads three videos of patients 1, 2 and 37 with this clinical_variables.csv."""
    tree(root, *(f"lus_videos/patient_{patient}_L1.mp4" for patient in (1, 2, 37)))
    (root / "clinical_variables.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
    return reader("covid_blues")(root)


@pytest.mark.parametrize(
    "table",
    [
        "patient_id,cov_test\n1,0\n2,\n37,1\n",
        "patient_id,cov_test\n1.0,0.0\n37.0,1.0\n",
        "patient_id, cov_test\r\n\r\n 001,0\r\n37 ,1\r\n,\r\n",
        "\ufeffpatient_id,cov_test\n1,0\n37,1\n37,1\n",
        "patient_id,note,cov_test\n1,Größe,0\n37,,1\n".encode("latin-1"),
    ],
)
def test_covid_blues_reads_a_table_however_it_is_written(tmp_path, table):
    found = blues(tmp_path, table)
    assert found.files["label"].tolist() == ["negative", "", "positive"]
    assert found.problems.empty


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", r"clinical_variables\.csv is empty: it should have the columns patient_id, cov_test\.$"),
        ("patient_id,cov_test\n1,0\n\nP7,1\n", r"csv, row 4: patient_id is 'P7', but it must be a whole number\.$"),
        ("patient_id,cov_test\n1,0\n3.5,1\n", r"csv, row 3: patient_id is '3\.5', but"),
        ("patient_id,cov_test\n1,0\n2,1\n1,1\n", r"csv, row 4: patient 1 has another cov_test above: keep one"),
        ("patient_id,cov_test\n1,0\n2,1,5\n", r"is not a CSV table \(.* line 3.*\): fix it\.$"),
        ("patient_id,cov_test\n1,0,5\n2,1,5\n", r"has rows with more cells than its header has names: fix it\.$"),
        ("patient_id;test\n1;0\n", r"has no column cov_test: it should have .*, but has patient_id, test\.$"),
    ],
)
def test_covid_blues_names_the_fault_of_a_table(tmp_path, table, message):
    with pytest.raises(UserError, match=message):
        blues(tmp_path, table)


def test_covid_blues_remarks_on_rows_without_a_value(tmp_path):
    found = blues(tmp_path, "patient_id,cov_test\n1,0\n,1\n37,-99\n2,0.5\n")
    assert found.files["label"].tolist() == ["negative", "", ""]
    assert sorted(tuple(row) for row in found.problems.itertuples(index=False)) == [
        ("clinical_variables.csv", "kept", "patient 2 has cov_test 0.5: unlabelled"),
        ("clinical_variables.csv", "kept", "patient 37 has cov_test -99: unlabelled"),
        ("clinical_variables.csv", "kept", "row 3 has no patient_id: left out"),
    ]


def test_covid_blues_does_not_need_the_scores_of_the_videos(tmp_path):
    tree(tmp_path, "severity.csv")
    assert blues(tmp_path, "patient_id,cov_test\n1,0\n2,0\n37,1\n").problems.empty


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
    assert {file: action for file, (action, _) in problems(found).items()} == {
        f"{VIDEOS}/Covid_f.mp4": "set aside",
        f"{VIDEOS}/other.avi": "set aside",
        f"{VIDEOS}/Vir_e.mp4": "left out",
    }
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


def test_pocus_groups_are_patients_where_an_id_or_a_series_says_so(tmp_path):
    files = ["Cov-a.mp4", "Pneu_sono_1.mp4", "Pneu_sono_2.png", "Reg-b.jpg", "Reg-c.gif", "Reg_pat9Image_1.mpeg"]
    found = pocus(tmp_path, files, {"Cov-a": "12"})
    assert column(found, "patient") == {file: "12" if file == "Cov-a.mp4" else "" for file in files}
    units = ["patient", "series", "series", "image", "video", "patient"]
    assert column(found, "unit") == dict(zip(files, units, strict=True))


def test_pocus_groups_are_transitive(tmp_path):
    files = ["Reg_pat1Image_1.mpeg", "Reg_pat1Image_2.mpeg", "Reg_Image_9.mp4", "Reg_other.mp4"]
    patients = {"Reg_pat1Image_1": "3", "Reg_pat1Image_2": "4", "Reg_Image_9": "4", "Reg_other": "5"}
    groups = column(pocus(tmp_path, files, patients), "group")
    assert groups["Reg_pat1Image_1.mpeg"] == groups["Reg_Image_9.mp4"] == "patient 3"
    assert groups["Reg_other.mp4"] == "patient 5"


def test_pocus_corrects_rows_that_are_shifted_by_a_column(tmp_path):
    tree(tmp_path, f"{VIDEOS}/Reg_liftl_a.mp4", f"{VIDEOS}/Reg_b.mp4")
    (tmp_path / "data/dataset_metadata.csv").write_text(
        "Filename,Framerate,Resolution,Length (frames),Gender,Age,Patient ID / Name,Lung /abdomen interface\n"
        "Reg_liftl_a,,15,264x264,32,m,40,7\n"
        "Reg_b,30,264x264,32,m,24,40,\n"
    )
    groups = column(reader("covid19_ultrasound")(tmp_path), "group")
    assert groups == {"Reg_liftl_a.mp4": "patient 7", "Reg_b.mp4": "patient 40"}


def test_pocus_reads_metadata_in_latin_1_and_short_rows(tmp_path):
    tree(tmp_path, f"{VIDEOS}/Reg_é.mp4", f"{VIDEOS}/Reg_b.mp4")
    table = "Filename,Title,Patient ID / Name\nReg_é,Müller,12\nReg_b\n\n"
    (tmp_path / "data/dataset_metadata.csv").write_bytes(table.encode("latin-1"))
    found = reader("covid19_ultrasound")(tmp_path)
    assert column(found, "group")["Reg_é.mp4"] == "patient 12"
    assert list(problems(found)) == [f"{VIDEOS}/Reg_b.mp4"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", r"dataset_metadata\.csv is empty: it should have the columns Filename, Patient ID / Name\.$"),
        ("Filename,Patient\na,1\n", r"dataset_metadata\.csv has no column Patient ID / Name: it should have"),
    ],
)
def test_pocus_names_the_fault_of_its_metadata(tmp_path, table, message):
    tree(tmp_path, f"{VIDEOS}/Reg_a.mp4")
    (tmp_path / "data/dataset_metadata.csv").write_text(table)
    with pytest.raises(UserError, match=message):
        reader("covid19_ultrasound")(tmp_path)


def test_pocus_survives_a_shifted_row_without_a_further_column(tmp_path):
    tree(tmp_path, f"{VIDEOS}/Reg_a.mp4")
    text = "Filename,Length (frames),Patient ID / Name\nReg_a,264x264,7\n"
    (tmp_path / "data/dataset_metadata.csv").write_text(text)
    assert column(reader("covid19_ultrasound")(tmp_path), "group") == {"Reg_a.mp4": "patient 7"}


def test_pocus_with_only_viral_files_is_empty(tmp_path):
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
    assert groups["benign (433).png"] == "benign (433)"
    assert groups["malignant (145).PNG"] == "malignant (145)"
    assert groups["benign (4).png"] == "benign (4)"
    assert set(column(found, "unit").values()) == {"image"}
    assert set(column(found, "patient").values()) == {""}
    assert column(found, "label")["malignant (145).PNG"] == "malignant"
    assert found.problems.empty


def test_busi_sets_aside_files_without_a_counterpart(tmp_path):
    tree(tmp_path, "normal/normal (1).png", "malignant/benign (9).png", "malignant/malignant (1).png")
    tree(
        tmp_path,
        "malignant/malignant (1)_mask.png",
        "malignant/malignant (2)_mask.png",
        "benign/benign (3).png",
    )
    found = reader("busi")(tmp_path)
    assert found.files["video"].tolist() == ["malignant (1)", "normal (1)"]
    reasons = {file: reason for file, (_, reason) in problems(found).items()}
    assert reasons["benign/benign (3).png"] == "an image without a mask"
    assert reasons["malignant/malignant (2)_mask.png"] == "a mask without its image"
    assert "the name is not" in reasons["malignant/benign (9).png"]
    assert len(reasons) == 3


# simulated_pool


def test_the_pool_takes_label_group_and_truth_from_its_tables(tmp_path):
    tree(tmp_path, "videos/b.avi", "videos/a.mp4", "videos/c.GIF", "videos/notes.txt")
    (tmp_path / "videos.csv").write_text(
        "file,patient,organ,probe,codec,fps,frames,event\n"
        "a.mp4,007,lung,convex,h264,25,2,freeze\n"
        "videos/b.avi,007,liver,convex,mpeg4,25,1,\n"
        "gone.mp4,008,liver,convex,mpeg4,25,1,\n"
    )
    (tmp_path / "frames.csv").write_text("file,frame,organ,event,state\na.mp4,0,lung,,1\na.mp4,1,lung,freeze,0.25\n")
    found = reader("simulated_pool")(tmp_path)
    assert found.files["video"].tolist() == ["a.mp4", "b.avi", "c.GIF"]
    assert found.files["label"].tolist() == ["lung", "liver", ""]
    assert found.files["group"].tolist() == ["007", "007", "c.GIF"]
    assert found.files["patient"].tolist() == ["007", "007", ""]
    assert found.files["unit"].tolist() == ["patient", "patient", "video"]
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
        "state": [1.0, 0.25],
        "second_state": [0.0, 0.0],
    }


def test_a_folder_of_videos_alone_is_an_unlabelled_pool(tmp_path):
    found = reader("simulated_pool")(tree(tmp_path, "videos/a.mp4", "videos/b.mp4"))
    assert found.files["label"].tolist() == ["", ""]
    assert found.files["group"].tolist() == ["a.mp4", "b.mp4"]
    assert found.truth is None
    assert list(problems(found)) == ["videos.csv"]


def test_a_folder_among_the_files_is_set_aside_with_a_reason(tmp_path):
    found = reader("simulated_pool")(tree(tmp_path, "videos/a.mp4", "videos/more/b.mp4"))
    assert found.files["file"].tolist() == ["videos/a.mp4"]
    assert problems(found)["videos/more"] == ("set aside", "a folder; videos should hold files only")


def test_a_pool_table_without_its_columns_is_refused(tmp_path):
    tree(tmp_path, "videos/a.mp4")
    (tmp_path / "videos.csv").write_text("file,who\na.mp4,1\n")
    with pytest.raises(
        UserError, match=r"videos\.csv has no column patient, organ: it should have file, patient, organ"
    ):
        reader("simulated_pool")(tmp_path)


def pool(root: Path, videos: str | bytes, frames: str | bytes = "file,frame,organ,event\n") -> Sources:
    """Reads a.mp4 and b.mp4 with these tables."""
    tree(root, "videos/a.mp4", "videos/b.mp4")
    for name, table in (("videos.csv", videos), ("frames.csv", frames)):
        (root / name).write_bytes(table if isinstance(table, bytes) else table.encode())
    return reader("simulated_pool")(root)


LISTED = "file,patient,organ\na.mp4,1,lung\nb.mp4,2,liver\n"


def test_a_video_without_a_patient_is_a_group_of_its_own(tmp_path):
    found = pool(tmp_path, "file,patient,organ\na.mp4, ,lung\nb.mp4,2,liver\n")
    assert found.files["group"].tolist() == ["a.mp4", "2"]
    assert found.files["label"].tolist() == ["lung", "liver"]
    assert problems(found) == {"videos/a.mp4": ("kept", "no patient in videos.csv, a group of its own")}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_pool_tables_are_read_in_any_usual_encoding(tmp_path, encoding):
    frames = "file,frame,organ,event\r\na.mp4,3,Müller,\r\n"
    found = pool(tmp_path, LISTED.replace("lung", "Müller").encode(encoding), frames.encode(encoding))
    assert found.files["label"].tolist() == ["Müller", "liver"]
    assert found.truth is not None
    assert found.truth[["file", "frame", "organ", "event"]].to_numpy().tolist() == [["videos/a.mp4", 3, "Müller", ""]]


def test_states_are_numbers_from_0_to_1_or_not_known(tmp_path):
    frames = "file,frame,organ,event,state\na.mp4,0,lung,,1\na.mp4,1,lung,, \na.mp4,2,lung,,0\na.mp4,3,lung,,1e-3\n"
    truth = pool(tmp_path, LISTED, frames).truth
    assert truth is not None
    assert truth["state"].dtype == "float64"
    assert truth["state"].isna().tolist() == [False, True, False, False]
    assert truth["state"].dropna().tolist() == [1, 0, 0.001]
    assert truth["second_state"].fillna(-1).tolist() == [0, -1, 0, 0]


def test_second_states_are_0_if_they_are_not_given_with_a_state(tmp_path):
    head = "file,frame,organ,event,second_state,state\n"
    frames = head + "a.mp4,0,lung,,0.75,0.25\na.mp4,1,lung,,,1\na.mp4,2,lung,,1,\n"
    truth = pool(tmp_path, LISTED, frames).truth
    assert truth is not None
    assert truth["state"].fillna(-1).tolist() == [0.25, 1, -1]
    assert truth["second_state"].fillna(-1).tolist() == [0.75, 0, -1]


def test_without_the_column_no_state_is_known(tmp_path):
    truth = pool(tmp_path, LISTED, "file,frame,organ,event\na.mp4,0,lung,\n").truth
    assert truth is not None
    assert truth["state"].dtype == "float64"
    assert truth[["state", "second_state"]].isna().all(axis=None)
    assert truth["organ"].tolist() == ["lung"]


@pytest.mark.parametrize("column", ["state", "second_state"])
@pytest.mark.parametrize("state", ["1.01", "-0.1", "half", "nan", "inf", "0,5", "True"])
def test_another_state_is_refused_with_its_row(tmp_path, state, column):
    frames = f'file,frame,organ,event,{column}\na.mp4,0,lung,,1\na.mp4,1,lung,,"{state}"\n'
    with pytest.raises(UserError) as caught:
        pool(tmp_path, LISTED, frames)
    assert str(caught.value) == (
        f"{tmp_path / 'frames.csv'}, row 3: {column} is '{state}', but it must be a number from 0 to 1."
    )


def test_truth_about_missing_videos_is_ignored(tmp_path):
    frames = "file,frame,organ,event\nb.mp4,0,liver,\ngone.mp4,0,lung,\ngone.mp4,x,lung,\n"
    truth = pool(tmp_path, LISTED, frames).truth
    assert truth is not None
    assert truth["file"].tolist() == ["videos/b.mp4"]


@pytest.mark.parametrize(
    ("videos", "message"),
    [
        ("", r"videos\.csv is empty: it should have the columns file, patient, organ\.$"),
        ("file,organ\na.mp4,lung\n", r"videos\.csv has no column patient: it should have file, patient, organ"),
        (
            LISTED + "videos/a.mp4,3,lung\n",
            r"videos\.csv, row 4 repeats file a\.mp4, which an earlier row has: keep one",
        ),
    ],
)
def test_the_fault_of_a_table_of_videos_is_named(tmp_path, videos, message):
    with pytest.raises(UserError, match=message):
        pool(tmp_path, videos)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (None, r"frames\.csv is empty: it should have the columns file, frame, organ, event\.$"),
        ("a.mp4,,lung,\n", r"frames\.csv, row 2: frame is '', but it must be a whole number\.$"),
        ("a.mp4,0,lung,\na.mp4,first,lung,\n", r"frames\.csv, row 3: frame is 'first', but"),
        ("a.mp4,-1,lung,\n", r"frames\.csv, row 2: frame is '-1', but"),
        ("a.mp4,1.5,lung,\n", r"frames\.csv, row 2: frame is '1\.5', but"),
        ("a.mp4,1,lung,\nb.mp4,1,liver,\na.mp4,1,liver,\n", r"row 4 repeats file videos/a\.mp4, frame 1, which an"),
    ],
)
def test_the_fault_of_a_table_of_frames_is_named(tmp_path, rows, message):
    with pytest.raises(UserError, match=message):
        pool(tmp_path, LISTED, "" if rows is None else "file,frame,organ,event\n" + rows)


# the real sets


def real(folder: str) -> Path:
    """A public set in the folder that USCL_DATA names, or else next to the repository."""
    base = Path(os.environ.get("USCL_DATA", Path(__file__).parents[5] / "shared" / "data"))
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
    assert counted_units(found.files) == "63 patients"
    assert found.files["patient"].nunique() == 63
    assert found.problems.empty


def test_the_real_covid19_ultrasound():
    found = reader("covid19_ultrasound")(real("covid19_ultrasound"))
    assert count(found) == {"covid": (31, 11), "pneumonia": (50, 47), "regular": (66, 42)}
    assert found.files["kind"].value_counts().to_dict() == {"video": 119, "image": 28}
    assert found.files["group"].nunique() == 98
    assert counted_units(found.files) == "98 patients"
    assert (found.files["patient"] != "").all()
    both = found.files.groupby("group")["label"].nunique()
    assert both[both > 1].index.tolist() == ["patient 37", "patient 7"]
    assert found.problems["action"].tolist() == ["left out", "left out"]
    assert found.problems["file"].str.contains("Vir_").all()


def test_the_real_busi():
    found = reader("busi")(real("Dataset_BUSI_with_GT"))
    assert count(found) == {"benign": (437, 437), "malignant": (210, 210), "normal": (133, 133)}
    assert found.files["group"].nunique() == 780
    assert counted_units(found.files) == "780 images"
    assert (found.files["patient"] == "").all()
    assert (found.files["masks"].map(len) > 1).sum() == 17
    assert found.problems.empty
