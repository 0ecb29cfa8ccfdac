"""Tables as R, pandas, spreadsheets and people write them: each is read with the right values, or its fault named."""

from pathlib import Path

import pytest

from uscl.base.errors import UserError
from uscl.data.readers import reader
from uscl.data.readers.shared.listing import Sources
from uscl.data.readers.shared.tables import read_table


def read(root: Path, text: str | bytes, *, images: int = 6, kind: str = "image_csv", **options: object) -> Sources:
    """A set of images i0.png, i1.png, ... that this table lists."""
    for number in range(images):
        (root / f"i{number}.png").touch()
    (root / "labels.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return reader(kind)(root, table="labels.csv", **options)


def rows(header: str, *lines: str) -> str:
    """A table with a row for each of i0.png, i1.png, ..."""
    return "\n".join([f"file,{header}", *(f"i{number}.png,{line}" for number, line in enumerate(lines))]) + "\n"


def kept(found: Sources) -> list[str]:
    """The remarks on the set and its table, without those on groups of several classes."""
    return [
        row.reason for row in found.problems.itertuples() if row.action == "kept" and " files of " not in row.reason
    ]


# cells without a value

EMPTY = ["", "NA", "NaN", "None", "null", "n/a", "-", "nan", "NULL", "<NA>", "#N/A", "N.A.", "?", ".", "\u2013", "nd"]


@pytest.mark.parametrize("word", EMPTY)
@pytest.mark.parametrize("unit", ["patient", "group"])
def test_a_word_for_no_value_is_no_class_and_no_patient(tmp_path, word, unit):
    lines = ["benign,p1", "malignant,p2", f"{word},{word}", f"benign,{word}", f"malignant,{word}"]
    found = read(tmp_path, rows(f"label,{unit}", *lines))
    assert found.files["label"].tolist() == ["benign", "malignant", "", "benign", "malignant"]
    assert found.files["group"].tolist() == ["p1", "p2", "i2.png", "i3.png", "i4.png"]
    assert found.files["unit"].tolist() == [unit, unit, "image", "image", "image"]
    assert found.files["patient"].tolist() == (["p1", "p2", "", "", ""] if unit == "patient" else [""] * 5)
    shown = "-" if word == "\u2013" else word or "empty"
    hint = "; a word that is a class must be in `classes`" if word else ""
    assert sorted(kept(found), key=lambda reason: unit in reason) == [
        f"no label for 1 file ({shown} 1; 'i2.png'): unlabelled{hint}",
        f"no {unit} for 3 files ({shown} 3; 'i2.png', 'i3.png', 'i4.png'): a group of its own",
    ]


def test_an_unknown_patient_is_not_one_patient(tmp_path):
    found = read(tmp_path, rows("label,patient", "unknown,Unknown", "b,unknown", "b,anonymous"))
    assert found.files["label"].tolist() == ["unknown", "b", "b"]
    assert found.files["group"].tolist() == ["i0.png", "i1.png", "i2.png"]


def test_a_word_for_no_value_in_classes_is_a_class(tmp_path):
    found = read(tmp_path, rows("label,patient", "none,1", "mild,2", "NaN,3"), classes=["none", "mild"])
    assert found.files["label"].tolist() == ["none", "mild", ""]


def test_words_for_no_value_are_counted_once_however_many_there_are(tmp_path):
    found = read(tmp_path, rows("label", "a", *["NaN"] * 40, *["None"] * 19, "b", ""), images=62)
    reason = (
        "no label for 60 files (NaN 40, None 19, empty 1; 'i1.png', 'i10.png', 'i11.png', 'i12.png', 'i13.png' and 55"
        " more): unlabelled; a word that is a class must be in `classes`"
    )
    assert reason in kept(found)
    assert len(found.problems) == 2


def test_rows_that_name_no_file_are_counted_once(tmp_path):
    found = read(tmp_path, "file,label,patient\nNaN,a,1\ni0.png,a,1\n,b,2\nNone,b,3\n")
    assert kept(found) == ["3 rows, of which row 2 is the first, name no file: left out"]


# patients and labels in several spellings

SAME = [
    ("P05", "p05"),
    ("007", "7"),
    ("7.0", "7"),
    ("7.0", "007"),
    ("P05", "P5"),
    ("p-5", "p\u20115"),
    ("p-5", "p\u22125"),
    ("p 5", "p\u00a05"),
    ("p5", "p5\u200b"),
    ("p5", "\ufeffp5"),
    ("p_5", "p-5"),
    ("p5", "\uff505"),
    ("Jos\u00e9", "Jose\u0301"),
    ("case  5", "Case 5"),
    ("2020-01-05", "2020\u201301\u201305"),
]


@pytest.mark.parametrize(("first", "second"), SAME)
@pytest.mark.parametrize("unit", ["patient", "group"])
def test_two_spellings_of_a_patient_are_one_patient(tmp_path, first, second, unit):
    found = read(tmp_path, rows(f"label,{unit}", f"a,{first}", f"b,{second}", "a,q1", f"a,{first}"))
    groups = found.files["group"].tolist()
    assert groups[0] == groups[1] == groups[3]
    assert groups[2] == "q1"
    if unit == "patient":
        assert found.files["patient"].tolist() == groups


@pytest.mark.parametrize(
    ("first", "second"),
    [("1 1", "11"), ("1.05", "1.5"), ("10", "100"), ("1-1", "11"), ("p1", "q1"), ("p10", "p1"), ("1.0.5", "1.5")],
)
def test_two_patients_stay_two(tmp_path, first, second):
    found = read(tmp_path, rows("label,patient", f"a,{first}", f"b,{second}"))
    assert found.files["group"].tolist() == [first, second]
    assert kept(found) == []


def test_spellings_of_twelve_patients_are_reported_once(tmp_path):
    lines = [f"a,{p}{number:02}" for number in range(12) for p in "pP"]
    found = read(tmp_path, rows("label,patient", *lines), images=24)
    assert found.files["group"].nunique() == 12
    assert kept(found) == [
        "each patient in several spellings counts as one ('p00 = P00', 'p05 = P05', 'p06 = P06', 'p07 = P07',"
        " 'p08 = P08' and 7 more): 12 patients"
    ]


def test_spellings_in_paths_are_one_patient_too(tmp_path):
    for name in ("P05_a.mp4", "p05_b.mp4", "p5_c.mp4", "p6_a.mp4"):
        (tmp_path / name).touch()
    found = reader("video_folder")(tmp_path, patient=r"^[^_]+")
    assert found.files["group"].tolist() == ["P05", "P05", "P05", "p6"]
    assert kept(found) == ["each patient in several spellings counts as one ('P05 = p05 = p5'): 1 patient"]


def test_numbers_that_a_spreadsheet_has_rounded_are_named(tmp_path):
    found = read(tmp_path, rows("label,patient", "a,1.23457E+11", "b,1.23457E+11", "b,5"))
    assert kept(found) == [
        "a spreadsheet has rounded these long numbers, so several may be one patient ('1.23457E+11'): save the column"
        " as text"
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [("benign", "Benign"), ("COVID-19", "covid 19"), ("COVID_19", "COVID19"), ("01", "1"), ("grade_01", "grade 1")],
)
def test_a_label_in_two_spellings_is_refused(tmp_path, first, second):
    with pytest.raises(UserError, match=rf"row 3: label '{second}' is written '{first}' above: use one spelling\.$"):
        read(tmp_path, rows("label", first, second))


@pytest.mark.parametrize("second", ["COVID\u201319", "COVID\u201119", "COVID-19\u200b", "\u00a0COVID-19"])
def test_differences_that_nobody_sees_make_no_class(tmp_path, second):
    found = read(tmp_path, rows("label", "COVID-19", second, "x"))
    assert found.files["label"].tolist() == ["COVID-19", "COVID-19", "x"]
    given = read(tmp_path, rows("label", "COVID-19", second, "x"), classes=["COVID\u201319", "x"])
    assert given.files["label"].tolist() == ["COVID\u201319", "COVID\u201319", "x"]


@pytest.mark.parametrize("classes", [None, ["1", "0"], ["1.0", "0.0"]])
def test_whole_numbers_with_decimals_are_the_class_itself(tmp_path, classes):
    found = read(tmp_path, rows("label", "1", "1.0", "0.0", "1.", '"0,0"'), classes=classes)
    one, zero = classes or ("1", "0")
    assert found.files["label"].tolist() == [one, one, zero, one, zero]


def test_labels_that_differ_in_sense_stay_apart(tmp_path):
    labels = ["HER2+", "HER2-", "grade 1", "grade -1", "1-2", "12", "T1", "T2"]
    assert read(tmp_path, rows("label", *labels), images=8).files["label"].tolist() == labels


def test_class_folders_in_two_spellings_are_refused(tmp_path):
    for folder in ("COVID-19", "covid_19", "x"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "1.png").touch()
    with pytest.raises(UserError, match=r"are one name in different spellings: COVID-19, covid_19\. Rename or remove"):
        reader("image_folder")(tmp_path)


# labels that are hardly classes


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        ([f"{number}.5" for number in range(40)], "numbers"),
        ([f"{number % 30 - 10}" for number in range(60)], "numbers"),
        ([f"P{number:03}" for number in range(30)], "numbers"),
        ([f"report {'abcdefg'[number % 7]}{'xyzuvw'[number // 7]}" for number in range(30)], "texts that mostly occur"),
    ],
)
def test_labels_by_the_dozen_are_doubted(tmp_path, labels, kind):
    (remark,) = kept(read(tmp_path, rows("label,patient", *(f"{label},{label}" for label in labels)), images=60))
    assert remark.startswith(f"the labels are {len(set(labels))} {kind}")
    assert "each counts as a class: if they are measurements, ids or patients, give the classes instead" in remark


def test_classes_that_are_meant_are_not_doubted(tmp_path):
    few = rows("label,patient", *(f"{number % 5},{number}" for number in range(60)))
    assert kept(read(tmp_path, few, images=60)) == []
    ages = [str(number % 30) for number in range(60)]
    many = rows("label,patient", *(f"{age},{number}" for number, age in enumerate(ages)))
    assert kept(read(tmp_path, many, images=60, classes=sorted(set(ages)))) == []


def test_a_folder_for_each_patient_is_doubted_as_a_class(tmp_path):
    for number in range(25):
        (tmp_path / f"patient_{number:02}").mkdir()
        (tmp_path / f"patient_{number:02}/a.png").touch()
    reasons = kept(reader("image_folder")(tmp_path, patient="patient_.."))
    assert reasons[0].startswith("the labels are 25 numbers ('patient_00', ")


# encodings, separators and headers

TABLE = "file,label,patient\ni0.png,Müller,p1\ni1.png,x,p2\n"


@pytest.mark.parametrize(
    "data",
    [
        *(TABLE.encode(name) for name in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252")),
        b"\xfe\xff" + TABLE.encode("utf-16-be"),
        TABLE.replace(",", ";").encode(),
        TABLE.replace(",", "\t").encode(),
        TABLE.replace(",", "|").encode(),
        ("sep=,\n" + TABLE).encode(),
        ("sep=;\r\n" + TABLE.replace(",", ";").replace("\n", "\r\n")).encode("utf-16"),
        ('"sep=\t"\r\n' + TABLE.replace(",", "\t")).encode(),
        ("\ufeffSEP=;\n" + TABLE.replace(",", ";")).encode(),
        ("\n  \n" + TABLE).encode(),
        TABLE.replace("\n", "\r").encode(),
        TABLE.replace("file,label,patient", "File , LABEL,\tPatient ").encode(),
        TABLE.replace("file,label,patient", '"FILE","Label\u200b","\u00a0patient"').encode(),
        TABLE.replace("i0.png", "i0\u200b.png").replace("i1.png", "\u00a0I1.PNG").encode(),
    ],
)
def test_a_table_is_read_in_every_usual_form(tmp_path, data):
    found = read(tmp_path, data)
    assert found.files["label"].tolist() == ["Müller", "x"]
    assert found.files["patient"].tolist() == ["p1", "p2"]
    guessed = "not UTF-8: read as cp1252 (western European); if letters are wrong, save the table as UTF-8"
    assert kept(found) == ([guessed] if data == TABLE.encode("cp1252") else [])


def test_windows_1252_has_quotes_and_dashes_where_latin_1_has_none(tmp_path):
    found = read(tmp_path, rows("label", "COVID\u201319", "\u20ac", "O\u2019Neill").encode("cp1252"))
    assert found.files["label"].tolist() == ["COVID-19", "\u20ac", "O\u2019Neill"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\x03\x04\x14\0\x06\0" + bytes(50), r"labels\.csv is not text, but perhaps a spreadsheet: save it as CSV"),
        (
            "file,label\ni0.png,\u65e5\u672c\n".encode("shift-jis") + b"\x81",
            r"unknown encoding, or no text: save it as",
        ),
        (b"sep=;\n", r"labels\.csv is empty: it should have the columns file, label\.$"),
        (b"Patients of 2020\nfile,label\ni0.png,a\n", r"no column file, label: .* but has Patients of 2020\.$"),
        (b"file,label,Label\ni0.png,a,b\n", r"has the column label 2 times, in any spelling: keep one of them\.$"),
        (b"file,label,label\ni0.png,a,b\n", r"has the column label 2 times"),
        (
            b"filename,label\ni0.png,a\n",
            r"no column file: .* but has filename, label\. Rename filename to file if that",
        ),
        (b"Image_ID,Class\ni0.png,a\n", r"Rename Image_ID to file if that is meant\. Rename Class to label if that"),
        (b"file,lable\ni0.png,a\n", r"no column label: .*\. Rename lable to label if that is meant\.$"),
    ],
)
def test_the_fault_of_a_table_is_named(tmp_path, data, message):
    with pytest.raises(UserError, match=message):
        read(tmp_path, data)


def test_a_row_is_counted_as_a_spreadsheet_does(tmp_path):
    for above, row in (("", 3), ("sep=,\n", 3), ("\n\n", 5)):
        with pytest.raises(UserError, match=rf"row {row}: label 'A' is written 'a' above"):
            read(tmp_path, above + rows("label", "a", "A"))


def test_a_table_that_is_not_there_is_named_with_those_that_are(tmp_path):
    (tmp_path / "Meta.CSV").touch()
    (tmp_path / "a.png").touch()
    with pytest.raises(UserError, match=r"no table labels\.csv in .*: `table` must .* folder; there is 'Meta\.CSV'\.$"):
        reader("image_csv")(tmp_path)


# columns that are not used


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("label,patient,age", "not used: the column age"),
        ("label,patient,age,sex", "not used: the columns age and sex"),
        (
            "label,Patient_ID,x",
            "not used: the columns Patient_ID and x; rename Patient_ID to patient if it is the patient",
        ),
        ("label,subject", "not used: the column subject; rename subject to patient if it is the patient"),
        ("label,group,subject", "not used: the column subject"),
        ("patient,class", "not used: the column class; rename class to label if it is the label"),
        ("label,patient,split", None),
        ("label,patient,Phase", "not used: the column Phase; the study draws its own folds, whatever Phase says"),
        (
            "label,patient,Is Train",
            "not used: the column Is Train; the study draws its own folds, whatever Is Train says",
        ),
        ("label,patient,", None),
        ("label,patient,Unnamed: 0", None),
    ],
)
def test_columns_that_are_not_used_are_named_once(tmp_path, header, reason):
    lines = [",".join("ab"[number % 2] + str(k) for k in range(header.count(",") + 1)) for number in range(4)]
    found = read(tmp_path, rows(header, *lines), kind="video_folder")
    unused = [text for text in kept(found) if text.startswith("not used")]
    assert unused == ([reason] if reason else [])


def test_a_table_without_a_known_column_names_those_that_may_be_meant(tmp_path):
    message = (
        r"has none of the columns .*: add one of them\. Rename PatientID to patient .*\. Rename diagnosis to label"
    )
    with pytest.raises(UserError, match=message):
        read(tmp_path, rows("PatientID,diagnosis", "1,a", "2,b"), kind="video_folder")


def test_many_columns_that_are_not_used_are_shortened(tmp_path):
    header = ",".join(["label", "patient", *(f"c{number}" for number in range(40))])
    (reason,) = kept(read(tmp_path, rows(header, "a,1", "b,2")))
    assert reason == "not used: the columns c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 and 30 more"


# tables of the public sets


def test_the_pool_takes_spellings_and_words_for_no_value(tmp_path):
    (tmp_path / "videos").mkdir()
    for name in "abcd":
        (tmp_path / f"videos/{name}.mp4").touch()
    text = "File;Patient;Organ\na.mp4;P01;lung\nb.mp4;p1;lung\nc.mp4;NaN;NaN\nd.mp4;NaN;liver\n"
    (tmp_path / "videos.csv").write_text(text)
    found = reader("simulated_pool")(tmp_path)
    assert found.files["group"].tolist() == ["P01", "P01", "c.mp4", "d.mp4"]
    assert found.files["label"].tolist() == ["lung", "lung", "", "liver"]


def test_a_table_of_any_form_keeps_every_cell(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes('sep=;\r\nFile;note\r\n b.png ;"1;2"\r\n\r\nc.png;NaN\r\n'.encode("utf-16"))
    table = read_table(path, ["file"])
    assert table.to_dict("list") == {"file": ["b.png", "c.png"], "note": ["1;2", "NaN"]}
    assert table.index.tolist() == [0, 2]
