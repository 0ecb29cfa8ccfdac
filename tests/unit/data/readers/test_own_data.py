"""A user's own data: every layout with its odd cases, and the mistakes that people make, named."""

import os
import unicodedata
from pathlib import Path

import pandas as pd
import pytest

from uscl.base.errors import UserError
from uscl.data.readers import reader, reader_names
from uscl.data.readers.shared.listing import Sources
from uscl.data.readers.shared.mask_names import Place, place

OWN_GROUPS = (
    "no `patient`, `group` or `table`: each file is a group of its own, so one patient may be on both sides of a fold"
)


def tree(root: Path, *files: str) -> Path:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    return root


def column(found: Sources, name: str) -> dict[str, str]:
    """File -> value of a column."""
    return dict(zip(found.files["file"], found.files[name], strict=True))


def problems(found: Sources, action: str) -> list[tuple[str, str]]:
    """File and reason of every problem of this action."""
    return [(row.file, row.reason) for row in found.problems.itertuples() if row.action == action]


def table(root: Path, text: str | bytes, name: str = "labels.csv") -> str:
    (root / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return name


# all kinds

# UltraBench's lists name the files of a set, so its reader looks at no others.
every_kind = pytest.mark.parametrize("kind", [kind for kind in reader_names(own_data=True) if kind != "ultrabench"])


@every_kind
def test_a_missing_or_empty_folder_is_named_with_the_layout(tmp_path, kind):
    with pytest.raises(UserError, match=r"nowhere does not exist: it should hold "):
        reader(kind)(tmp_path / "nowhere")
    tree(tmp_path, "notes.txt", ".hidden/a.png")
    with pytest.raises(UserError, match=r"has no file whose name ends in .*: it should hold "):
        reader(kind)(tmp_path)


@every_kind
def test_every_kind_reads_odd_names_and_depths(tmp_path, kind):
    odd = ["A b/[1] (x) é.PNG", "A b/[1] (x) é_mask.png", "C/c#1,2/ü.jpg", "C/c#1,2/ü_mask.png"]
    tree(tmp_path, *odd)
    table(tmp_path, f'file,label\n{odd[0]},x\n{odd[1]},x\n"{odd[2]}",y\n"{odd[3]}",y\n')
    found = reader(kind)(tmp_path, group="(.)/", table="labels.csv" if kind == "image_csv" else None)
    files = odd if kind == "image_csv" else [odd[0], odd[2]]
    assert found.files["file"].tolist() == found.files["video"].tolist() == files
    assert set(found.files["group"]) == {"b", "C"}


@every_kind
def test_two_spellings_of_one_name_are_refused(tmp_path, kind):
    files = ["a/x.png", "a/x_mask.png", "b/y.png", "b/y_mask.png", "a/X.PNG"]
    tree(tmp_path, *files)
    if len(list((tmp_path / "a").iterdir())) == 3:  # not on systems that ignore case
        table(tmp_path, "file,label\nx.png,1\n")
        with pytest.raises(UserError, match=r"one name in different spellings: a/X\.PNG, a/x\.png\. Rename or remove"):
            reader(kind)(tmp_path)


def test_a_name_composed_in_two_ways_is_one_name(tmp_path):
    tree(tmp_path, *(unicodedata.normalize(form, "é.mp4") for form in ("NFC", "NFD")))
    if len(list(tmp_path.iterdir())) == 2:
        with pytest.raises(UserError, match="one name in different spellings"):
            reader("video_folder")(tmp_path)


@pytest.mark.parametrize("kind", ["image_folder", "image_csv", "image_mask_pairs"])
@pytest.mark.parametrize("name", ["benign/a.mp4", "IM_0001", "b.DCM"])
def test_a_folder_of_videos_is_refused_with_the_kind_that_reads_it(tmp_path, kind, name):
    tree(tmp_path, "notes.txt", "malignant/readme", name)
    if name == "IM_0001":
        (tmp_path / name).write_bytes(bytes(128) + b"DICM")
    sentence = rf"holds videos, such as {name}: use kind video_folder, or labelled_videos if it is a task\.$"
    with pytest.raises(UserError, match=sentence):
        reader(kind)(tmp_path)


# video_folder


def test_videos_at_any_depth_are_their_own_groups_with_one_remark(tmp_path):
    files = ["a.MP4", "p1/b.dcm", "p1/day 2/c.avi", "p2/still.JPG"]
    tree(tmp_path, *files, ".hidden.mp4", ".cache/d.mp4", "p1/._b.avi")
    found = reader("video_folder")(tmp_path)
    assert found.files["video"].tolist() == found.files["group"].tolist() == files
    assert found.files["kind"].tolist() == ["video", "video", "video", "image"]
    assert found.files["label"].tolist() == [""] * 4
    assert problems(found, "kept") == [(".", OWN_GROUPS)]
    assert problems(found, "set aside") == []


def test_links_are_followed_but_a_folder_is_read_once(tmp_path):
    root = tree(tmp_path / "root", "a/x.mp4")
    tree(tmp_path / "elsewhere", "y.mp4")
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "twice").symlink_to(tmp_path / "elsewhere")
    (root / "a/up").symlink_to(root)
    (root / "gone.mp4").symlink_to(root / "nowhere.mp4")
    (root / "loop.mp4").symlink_to("loop.mp4")
    found = reader("video_folder")(root)
    assert found.files["file"].tolist() == ["a/x.mp4", "linked/y.mp4"]
    broken = "not a file, or a broken link"
    assert problems(found, "set aside") == [("gone.mp4", broken), ("loop.mp4", broken)]
    assert problems(found, "left out") == [
        ("a/up", "the same folder as ., which is already read"),
        ("twice", "the same folder as linked, which is already read"),
    ]


def test_a_name_that_is_not_text_is_set_aside(tmp_path):
    tree(tmp_path, "a.mp4")
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mp4")).touch()
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    found = reader("video_folder")(tmp_path)
    assert found.files["file"].tolist() == ["a.mp4"]
    assert problems(found, "set aside") == [("caf?.mp4", "the name is not valid UTF-8: rename it")]


def test_a_folder_that_may_not_be_read_is_set_aside(tmp_path, monkeypatch):
    tree(tmp_path, "a.mp4", "locked/b.mp4")
    listed = os.scandir

    def refused(path):
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "scandir", refused)
    assert problems(reader("video_folder")(tmp_path), "set aside") == [
        ("locked", "the folder cannot be read: Permission denied")
    ]
    with pytest.raises(UserError, match=r"The folder .*locked cannot be read: Permission denied\.$"):
        reader("video_folder")(tmp_path / "locked")


@pytest.mark.parametrize(
    ("pattern", "groups"),
    [
        (r"p\d+", ["p1", "p1", "p2", "other.avi"]),
        (r"^p(\d+)/", ["1", "1", "2", "other.avi"]),
        (r"(?:p|q)(\d)(_b)?", ["1", "1", "2", "other.avi"]),
        (r"p1/(x)|p2", ["x", "p1/y.avi", "p2/x.avi", "other.avi"]),
    ],
)
def test_the_group_is_the_first_parenthesis_or_all_that_matches(tmp_path, pattern, groups):
    files = ["p1/x.avi", "p1/y.avi", "p2/x.avi", "other.avi"]
    found = reader("video_folder")(tree(tmp_path, *files), group=pattern)
    assert column(found, "group") == dict(zip(files, groups, strict=True))
    unmatched = [file for file, group in zip(files, groups, strict=True) if file == group]
    reason = f"`group` {pattern} does not match the path: a group of its own"
    assert problems(found, "kept") == [(file, reason) for file in sorted(unmatched)]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("p(", r"`group` of .* is not a regular expression: p\(: missing \)"),
        ("q", r"`group` of .*, q, matches no path, such as p1/x\.mp4: fix it\.$"),
        ("(z*)", "matches no path"),
    ],
)
def test_a_pattern_that_can_find_nothing_is_refused(tmp_path, pattern, message):
    with pytest.raises(UserError, match=message):
        reader("video_folder")(tree(tmp_path, "p1/x.mp4"), group=pattern)


def test_a_table_gives_groups_and_labels_however_it_names_the_files(tmp_path):
    tree(tmp_path, "p/A.mp4", "p/b.mp4", "q/b.mp4", "q/C é.mp4", "q/d.mp4")
    decomposed = unicodedata.normalize("NFD", "q/c é.mp4")
    text = f"file,group,label\na.mp4,007,lung\np\\b.mp4,9,liver\n./q/x/../b.mp4,8,\n{decomposed},,lung\n"
    found = reader("video_folder")(tmp_path, table=table(tmp_path, "\ufeff" + text, "meta.csv"))
    assert column(found, "group") == {
        "p/A.mp4": "007",
        "p/b.mp4": "9",
        "q/C é.mp4": "q/C é.mp4",
        "q/b.mp4": "8",
        "q/d.mp4": "q/d.mp4",
    }
    assert found.files["label"].tolist() == ["lung", "liver", "lung", "", ""]
    assert problems(found, "kept") == [
        ("meta.csv", "no group for 1 file (empty 1; 'q/C é.mp4'): a group of its own"),
        ("meta.csv", "no label for 1 file (empty 1; 'q/b.mp4'): unlabelled"),
        ("meta.csv", "no row for 1 file ('q/d.mp4'): a group of its own"),
        ("meta.csv", "no row for 1 file ('q/d.mp4'): unlabelled"),
    ]
    assert problems(found, "set aside") == []


def test_rows_without_a_file_and_files_without_a_row_are_reported(tmp_path):
    tree(tmp_path, "a.mp4", "notes.txt", "other.csv")
    text = "file,group\na.mp4,1\ngone.mp4,2\n,3\nnotes.txt,4\n"
    found = reader("video_folder")(tmp_path, table=table(tmp_path, text))
    assert column(found, "group") == {"a.mp4": "1"}
    assert problems(found, "kept") == [("labels.csv", "row 4 names no file: left out")]
    aside = problems(found, "set aside")
    assert [file for file, _ in aside] == ["gone.mp4", "notes.txt"]
    assert {reason for _, reason in aside} == {"in labels.csv, but no file that is read has this name"}
    unused = problems(found, "left out")
    assert [file for file, _ in unused] == ["notes.txt", "other.csv"]
    assert all(reason.startswith("the name does not end in .3g2, .3gp, ") for _, reason in unused)


@pytest.mark.parametrize("name", ["video_folder", "image_folder", "image_csv", "image_mask_pairs"])
@pytest.mark.parametrize("unit", ["patient", "group"])
@pytest.mark.parametrize("given", ["setting", "column"])
def test_only_what_the_user_calls_a_patient_is_one(tmp_path, name, unit, given):
    files = ["x/p1.png", "x/p1 b.png", "y/p2.png", "y/other.png"]
    masks = [f"{file[:-4]}_mask.png" for file in files] if name == "image_mask_pairs" else []
    tree(tmp_path, *files, *masks)
    rows = "".join(f"{file},{file[0]},{file[2:4] if '/p' in file else ''}\n" for file in files)
    columns = f"file,label,{unit if given == 'column' else 'note'}\n"
    pattern = {unit: r"/(p\d)"} if given == "setting" else {}
    found = reader(name)(tmp_path, table=table(tmp_path, columns + rows), **pattern)
    names = {files[0]: "p1", files[1]: "p1", files[2]: "p2", files[3]: files[3]}
    assert column(found, "group") == names
    assert column(found, "unit") == {file: "image" if file == files[3] else unit for file in files}
    known = names | {files[3]: ""} if unit == "patient" else dict.fromkeys(files, "")
    assert column(found, "patient") == known


def test_a_file_without_a_group_is_a_video_or_an_image(tmp_path):
    found = reader("video_folder")(tree(tmp_path, "a.mp4", "b.dcm", "c.png"))
    assert column(found, "unit") == {"a.mp4": "video", "b.dcm": "video", "c.png": "image"}
    assert found.files["patient"].tolist() == [""] * 3


def test_a_table_of_labels_goes_with_a_pattern(tmp_path):
    tree(tmp_path, "p1/a.mp4", "p2/b.mp4")
    name = table(tmp_path, "file,label\na.mp4,lung\nb.mp4,liver\n")
    found = reader("video_folder")(tmp_path, table=name, group=r"p\d", classes=["liver", "lung"])
    assert found.files["group"].tolist() == ["p1", "p2"]
    assert found.files["label"].tolist() == ["lung", "liver"]
    assert found.problems.empty


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"labels\.csv is empty: it should have the columns file\.$"),
        (
            "name,group\na.mp4,1\n",
            r"labels\.csv has no column file: it should have file, but has name, group\. Rename name to file",
        ),
        ("file group\na.mp4 1\n", r"labels\.csv has no column file: it should have file, but has file group\.$"),
        ("file,age\na.mp4,1\n", r"labels\.csv has none of the columns patient, group and label: add one of them\.$"),
        (
            "file,group\nx.mp4,1\ny.mp4,2\n",
            r"names no file that is read in .*: its column file should hold paths such as p/",
        ),
        ("file,group\n,1\n", r"names no file that is read in"),
        ("file,group\np/a.mp4,1\na.mp4,2\n", r"row 3 repeats file p/a\.mp4, which an earlier row has: keep one of"),
        ("file,group\nb.mp4,1\n", r"row 2: b\.mp4 may be p/b\.mp4 or q/b\.mp4: write the whole path\.$"),
        ("file,group\np/a.mp4,1\n../x.mp4,1\n", r"row 3: \.\./x\.mp4 leads out of the folder of the data: write a"),
        ("file,group\np/../../a.mp4,1\n", r"row 2: p/\.\./\.\./a\.mp4 leads out"),
        ("file,group\n/data/a.mp4,1\n", r"row 2: /data/a\.mp4 leads out"),
        ("file,group\nC:\\data\\a.mp4,1\n", r"row 2: C:\\data\\a\.mp4 leads out"),
    ],
)
def test_the_fault_of_a_table_is_named(tmp_path, text, message):
    tree(tmp_path, "p/a.mp4", "p/b.mp4", "q/b.mp4")
    with pytest.raises(UserError, match=message):
        reader("video_folder")(tmp_path, table=table(tmp_path, text))


@pytest.mark.parametrize("name", ["gone.csv", "../outside.csv", "folder"])
def test_a_table_that_is_not_in_the_folder_is_named(tmp_path, name):
    root = tree(tmp_path / "root", "a.mp4", "folder/b.mp4")
    (tmp_path / "outside.csv").write_text("file,group\na.mp4,1\n")
    for given in (name, str((root / name).resolve())):
        with pytest.raises(
            UserError, match=r"There is no table .* in .*root: `table` must name a CSV in that folder\.$"
        ):
            reader("video_folder")(root, table=given)


def test_settings_without_effect_are_refused(tmp_path):
    tree(tmp_path, "a.mp4")
    name = table(tmp_path, "file,group\na.mp4,1\n")
    for setting in ("group", "patient"):
        twice = (
            rf"are grouped twice, by the setting `{setting}` and by the column group of labels\.csv: remove one of them"
        )
        with pytest.raises(UserError, match=twice):
            reader("video_folder")(tmp_path, table=name, **{setting: "a"})
    for given in (name, None):
        with pytest.raises(UserError, match=r"`classes` of .* is set, but there is no table with a column label"):
            reader("video_folder")(tmp_path, table=given, classes=["lung"])


def test_masks_and_previews_next_to_videos_and_images_are_left_out_with_a_count(tmp_path):
    kept = ["benign/b (1).png", "p1/a.mp4", "p1/images/x.png", "p2/c.dcm", "p3/still.png", "thumb rest.png"]
    masks = ["benign/b (1)_mask.png", "benign/b (1)_mask_1.png", "p1/masks/x.png"]
    previews = ["p1/A_thumb.jpg", "p1/a.mp4.png", "p2/c.jpg", "p2/thumbnails/c.png", "p3/preview_still.jpg"]
    found = reader("video_folder")(tree(tmp_path, *kept, *masks, *previews))
    assert found.files["file"].tolist() == kept
    reasons = {"the mask of an image, which is not used here": masks, "a preview of a file next to it": previews}
    expected = sorted((file, reason) for reason, files in reasons.items() for file in files)
    assert sorted(problems(found, "left out")) == expected
    assert (".", "3 masks and 5 previews of other files, which are not used here: left out") in problems(found, "kept")


@pytest.mark.parametrize(
    "name", ["vid{v}/vid{v}_frame{f}.png", "vid{v}/frame{f:04}.JPG", "vid{v}/Frames/frame-{f}.png"]
)
def test_a_folder_of_frames_is_a_video(tmp_path, name):
    files = [name.format(v=video, f=frame) for video in range(3) for frame in range(5)]
    found = reader("video_folder")(tree(tmp_path, *files, "other.mp4"), patient=r"^vid(\d)")
    folders = sorted({file.rpartition("/")[0] for file in files})
    assert found.files["file"].tolist() == found.files["video"].tolist() == ["other.mp4", *folders]
    assert found.files["kind"].tolist() == ["video", "frames", "frames", "frames"]
    assert found.files["patient"].tolist() == ["", "0", "1", "2"]
    assert found.files["unit"].tolist() == ["video", "patient", "patient", "patient"]


def test_frames_that_are_not_one_video_are_set_aside(tmp_path):
    tree(
        tmp_path, "a/x_frame1.png", "a/y_frame2.png", "b/x_frame1.png", "b/x_frame01.png", "frame1.png", "c/frame1.png"
    )
    tree(tmp_path, "c/frame2.png", "c/overview.png")
    for kind, others in (("video_folder", ["c/overview.png"]), ("butterfly", [])):
        found = reader(kind)(tmp_path)
        assert found.files["file"].tolist() == ["c", *others]
        aside = dict(problems(found, "set aside"))
        assert aside["a"] == "frames of several videos (x_, y_): give each a folder of its own"
        assert aside["b"].endswith("have the same number: it is not one video; give each a folder of its own")
        assert aside["frame1.png"] == "a frame outside of a video's folder: give each video a folder of its own"
    with pytest.raises(UserError, match=r"a has no video: x_frame1\.png: a frame outside of a video's folder: give"):
        reader("video_folder")(tmp_path / "a")


def test_a_table_names_a_video_of_frames_by_its_folder(tmp_path):
    tree(tmp_path, "p.1/v/frame1.png", "p.1/v/frame2.png", "w.mp4")
    found = reader("video_folder")(tmp_path, table=table(tmp_path, "file,patient,label\np.1/v,7,lung\nw.mp4,8,liver\n"))
    assert column(found, "patient") == {"p.1/v": "7", "w.mp4": "8"}
    assert column(found, "label") == {"p.1/v": "lung", "w.mp4": "liver"}
    assert column(reader("video_folder")(tmp_path / "p.1/..", group=r"p\.1|w"), "group") == {
        "p.1/v": "p.1",
        "w.mp4": "w",
    }


NUMBERED = [
    "p1/{:05}.png",
    "p1/img_{}.png",
    "p1/benign ({}).png",
    "p1/v1_f{}.png",
    "p1/v1 frame{} crop.jpg",
    "p1/{}.0.png",
]


@pytest.mark.parametrize("name", NUMBERED)
@pytest.mark.parametrize("numbers", [range(4), (2, 10, 100)])
def test_images_whose_names_differ_in_numbers_may_be_meant_as_a_video(tmp_path, name, numbers):
    found = reader("video_folder")(tree(tmp_path, *map(name.format, numbers), "p2/1.png", "p2/2.png", "p2/x.png"))
    assert set(found.files["kind"]) == {"image"}
    remark = (
        "1 folder of images whose names differ only in numbers, such as p1: each image counts as a video of one frame;"
        " if they are frames of a video, name them frame1, frame2 and so on"
    )
    assert (".", remark) in problems(found, "kept")


def test_images_with_names_of_their_own_get_no_remark(tmp_path):
    found = reader("video_folder")(
        tree(tmp_path, "p1/a.png", "p1/b.png", "p1/c.png", "p2/1.png", "p3/2.png", "p4/3.png")
    )
    assert problems(found, "kept") == [(".", OWN_GROUPS)]


# image_folder


def test_the_class_is_the_first_folder_and_images_may_lie_deeper(tmp_path):
    files = ["benign/1.png", "benign/day 2/p1 (3).JPG", "malignant/p1 (1).jpeg"]
    tree(tmp_path, *files, "loose.png", "readme.txt", "empty/notes.txt", ".git/x.png")
    found = reader("image_folder")(tmp_path, group=r"p\d+")
    assert column(found, "label") == dict(zip(files, ["benign", "benign", "malignant"], strict=True))
    assert found.files["group"].tolist() == ["benign/1.png", "p1", "p1"]
    assert set(found.files["kind"]) == {"image"}
    assert problems(found, "kept") == [
        (".", "group p1 has files of benign and malignant: it stays one group"),
        ("benign/1.png", "`group` p\\d+ does not match the path: a group of its own"),
    ]
    assert problems(found, "set aside") == [("loose.png", "an image outside the class folders")]
    assert [file for file, _ in problems(found, "left out")] == ["empty/notes.txt", "readme.txt"]


def test_masks_next_to_their_images_are_not_images_of_a_class(tmp_path):
    tree(tmp_path, "a/1.png", "a/1_mask.png", "a/1_mask_1.png", "b/2_mask.png")
    found = reader("image_folder")(tmp_path)
    assert found.files["file"].tolist() == ["a/1.png", "b/2_mask.png"]
    left = "2 masks of other files, which are not used here: left out"
    assert problems(found, "kept") == [(".", left), (".", OWN_GROUPS)]
    assert [file for file, _ in problems(found, "left out")] == ["a/1_mask.png", "a/1_mask_1.png"]


def test_a_table_groups_the_images_of_a_class_folder(tmp_path):
    tree(tmp_path, "a/1.png", "a/2.png", "b/3.png")
    found = reader("image_folder")(
        tmp_path, table=table(tmp_path, "file,group,label\n1.png,x,a\n2.png,x,\n3.png,y,b\n")
    )
    assert found.files["group"].tolist() == ["x", "x", "y"]
    assert found.files["unit"].tolist() == ["group"] * 3
    assert found.problems.empty
    with pytest.raises(UserError, match=r"gives a/1\.png the label 'b', but it lies in the folder a: move it or fix"):
        reader("image_folder")(tmp_path, table=table(tmp_path, "file,label\n1.png,b\n"))


@pytest.mark.parametrize(
    ("folders", "classes", "message"),
    [
        (["data"], None, r"should hold a folder of images .* for each of two or more classes; images are in data\.$"),
        ([], None, r"images are in none\.$"),
        (["a", "b"], ["a", "b", "c"], r"has no images in a folder c, which `classes` names: images are in a, b\.$"),
        (
            ["benign", "Malign", "malignant"],
            ["malignant", "benign"],
            r"Malign in .* none of `classes`; .* is malignant",
        ),
        (["Benign", "benign "], None, r"one name in different spellings: Benign, benign "),
        (["Train", "test", "val"], None, r"is divided into Train, test, val, which are not classes: "),
        (["fold_0", "fold_1"], None, r"is divided into fold_0, fold_1, which are not classes: "),
        (
            ["split0", "split1", "split2"],
            ["covid", "regular"],
            r"is divided into split0, split1, split2, which are not",
        ),
        (["Train Set", "Test Set", "extra"], None, r"divided into Test Set, Train Set, .* \(if they are classes, name"),
        (["imagesTr", "imagesTs"], None, r"is divided into imagesTr, imagesTs, which are not classes: "),
        (["TrainA", "testA", "val set"], None, r"is divided into TrainA, testA, val set, which are not classes: "),
        (["internal_test", "External Test"], None, r"is divided into External Test, internal_test, which are not"),
        (["KFold 1", "KFold 2"], None, r"is divided into KFold 1, KFold 2, which are not classes: "),
        (["benign", "malignant", "test"], None, r"is divided into test, which is no class: use one folder per class"),
    ],
)
def test_folders_that_are_not_the_classes_are_refused(tmp_path, folders, classes, message):
    tree(tmp_path, "loose.png", "empty/notes.txt", *(f"{folder}/x/1.png" for folder in folders))
    with pytest.raises(UserError, match=message):
        reader("image_folder")(tmp_path, classes=classes)


def test_classes_in_folders_of_any_name_are_doubted(tmp_path):
    tree(tmp_path, *(f"{part}/{label}/1.png" for part in ("prueba", "entrenamiento") for label in ("covid", "regular")))
    reason = (
        "every class folder holds the folders covid and regular: if these are the classes, list the images in a CSV"
    )
    assert any(found.startswith(reason) for _, found in problems(reader("image_folder")(tmp_path), "kept"))
    tree(tmp_path, "prueba/other/1.png")
    assert problems(reader("image_folder")(tmp_path), "kept") == [(".", OWN_GROUPS)]


def test_a_part_is_no_class_and_the_folds_are_the_studys_own(tmp_path):
    tree(tmp_path, *(f"{label}/{part}/{label}.png" for part in ("train", "test") for label in ("a", "b")))
    found = reader("image_folder")(tmp_path)
    assert found.files["part"].tolist() == ["test", "train", "test", "train"]
    reason = "the study draws its own folds: the part of a file ('test', 'train') only goes into its manifest"
    assert (".", reason) in problems(found, "kept")


@pytest.mark.parametrize("layout", ["{label}/{part}/1.png", "{part}/{label}/1.png"])
def test_folders_of_a_given_split_may_lie_on_either_side_of_the_classes(tmp_path, layout):
    tree(tmp_path, *(layout.format(part=part, label=label) for part in ("train", "test") for label in ("a", "b")))
    found = reader("image_folder")(tmp_path, part="folder")
    assert sorted(zip(found.files["part"], found.files["label"], strict=True)) == [
        ("test", "a"), ("test", "b"), ("train", "a"), ("train", "b"),
    ]  # fmt: skip
    assert problems(found, "kept") == [(".", OWN_GROUPS)]


def test_a_given_split_reads_the_column_that_it_names(tmp_path):
    tree(tmp_path, "1.png", "2.png")
    (tmp_path / "labels.csv").write_text("file,label,split,phase\n1.png,a,train,Test\n2.png,b,test,NA\n")
    for part, expected in ((None, ["train", "test"]), ("split", ["train", "test"]), ("phase", ["Test", ""])):
        found = reader("image_csv")(tmp_path, part=part)
        assert found.files["part"].tolist() == expected
        remarks = [reason for _, reason in problems(found, "kept")]
        assert any("draws its own folds: the part of a file" in reason for reason in remarks) == (part is None)
        assert any("not used: the column phase" in reason for reason in remarks) == (part != "phase")
    with pytest.raises(UserError, match=r"labels\.csv has no column fase: it should have file, label, fase, but has"):
        reader("image_csv")(tmp_path, part="fase")


def test_the_folder_that_holds_the_classes_is_named(tmp_path):
    tree(tmp_path, "data/benign/1.png", "data/malignant/1.png")
    with pytest.raises(UserError, match=r"in data: set data_root to .*/data if the classes are benign, malignant\.$"):
        reader("image_folder")(tmp_path)


def test_masks_in_folders_of_their_own_are_no_class(tmp_path):
    tree(tmp_path, "images/1.png", "images/2.png", "masks/1.png", "masks/2_mask.png")
    with pytest.raises(UserError, match=r"images are in images\.$"):
        reader("image_folder")(tmp_path)


def test_folders_that_are_the_classes_pass(tmp_path):
    tree(tmp_path, "train/1.png", "test/1.png", "docs/readme.txt")
    assert reader("image_folder")(tmp_path, classes=["test", "train"]).files["label"].tolist() == ["test", "train"]


def test_groups_of_several_classes_are_one_remark(tmp_path):
    tree(tmp_path, *(f"{label}/p{number}.png" for label in ("a", "b") for number in range(30)))
    found = reader("image_folder")(tmp_path, patient=r"p\d+")
    reason = "group p0 has files of a and b, and 29 more have files of several classes: each stays one group"
    assert problems(found, "kept") == [(".", reason)]


# image_csv


def test_a_csv_gives_label_and_group(tmp_path):
    tree(tmp_path, "img/1.png", "img/2.JPG", "3.png", "unlisted.png", "notes.txt")
    table(tmp_path, "file,group,label\nimg/1.png,7,benign\nimg/2.JPG,7,malignant\n3.png,,\ngone.png,8,benign\n")
    found = reader("image_csv")(tmp_path)
    assert column(found, "label") == {"3.png": "", "img/1.png": "benign", "img/2.JPG": "malignant"}
    assert column(found, "group") == {"3.png": "3.png", "img/1.png": "7", "img/2.JPG": "7"}
    assert problems(found, "kept") == [
        (".", "group 7 has files of benign and malignant: it stays one group"),
        ("labels.csv", "no group for 1 file (empty 1; '3.png'): a group of its own"),
        ("labels.csv", "no label for 1 file (empty 1; '3.png'): unlabelled"),
    ]
    assert problems(found, "set aside") == [("gone.png", "in labels.csv, but no file that is read has this name")]
    assert problems(found, "left out") == [
        ("notes.txt", "the name does not end in .bmp, .jpeg, .jpg, .png, .tif, .tiff, .webp"),
        ("unlisted.png", "not in labels.csv"),
    ]


def test_a_csv_without_groups_takes_a_pattern_or_says_so(tmp_path):
    tree(tmp_path, "p1_a.png", "p1_b.png")
    name = table(tmp_path, "file,label\np1_a.png,Müller\np1_b.png,x\n".encode("latin-1"), "other.csv")
    assert reader("image_csv")(tmp_path, table=name, group=r"p\d")[0]["group"].tolist() == ["p1", "p1"]
    found = reader("image_csv")(tmp_path, table=name)
    assert found.files["label"].tolist() == ["Müller", "x"]
    guessed = "not UTF-8: read as cp1252 (western European); if letters are wrong, save the table as UTF-8"
    own_groups = OWN_GROUPS.replace("`table`", "such a column in other.csv")
    assert problems(found, "kept") == [(".", own_groups), ("other.csv", guessed)]


@pytest.mark.parametrize(
    ("text", "classes", "message"),
    [
        (None, None, r"There is no table labels\.csv in "),
        ("file\na.png\n", None, r"labels\.csv has no column label: it should have file, label, but has file\.$"),
        ("file,label\na.png,x\na.png,y\n", None, r"row 3 repeats file a\.png, which an earlier row has"),
        (
            "file,label\na.png,benign\nb.png,Malignnt\n",
            ["benign", "malignant"],
            r"row 3: label 'Malignnt' is none of the classes benign, malignant; the nearest is 'malignant'\.$",
        ),
        ("file,label\na.png,BENIGN\n", ["normal", "benign"], r"row 2: label 'BENIGN' .* the nearest is 'benign'\.$"),
        (
            "file,label\na.png,benign\nb.png,Benign\n",
            None,
            r"row 3: label 'Benign' is written 'benign' above: use one spelling\.$",
        ),
        (
            "file,label\na.png,COVID 19\nb.png,covid  19\n",
            None,
            r"row 3: label 'covid  19' is written 'COVID 19' above",
        ),
    ],
)
def test_the_fault_of_a_list_of_labels_is_named(tmp_path, text, classes, message):
    tree(tmp_path, "a.png", "b.png")
    if text is not None:
        table(tmp_path, text)
    with pytest.raises(UserError, match=message):
        reader("image_csv")(tmp_path, classes=classes)


# image_mask_pairs


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("images/1.png", "masks/1.png"),
        ("Original/A 1.PNG", "gt/a 1.png"),
        ("img/p1/1.jpg", "Segmentations/p1/1.png"),
        ("p1/images/1.png", "p1/label/1.png"),
        ("1.png", "mask/1.png"),
        ("images/1.png", "images/masks/1.png"),
        ("images/1.png", "masks/1_mask.png"),
        ("images/1.png", "images/1-mask.png"),
        ("1.png", "1_mask.png"),
        ("x/1 (2).png", "x/1 (2)_MASK_1.png"),
        ("labels/images/1.png", "labels/masks/1.png"),
        ("images/1.png", "masks/1.bmp"),
        ("images/1.tif", "masks/1.gif"),
        ("Images/bus_0001-l.png", "Masks/mask_0001-l.png"),
        ("000_HC.png", "000_HC_Annotation.png"),
        ("imagesTr/case_7_0000.png", "labelsTr/case_7.png"),
        ("imagesTr/1_0000.tiff", "labelsTr/1.tiff"),
        ("trainval-image/7.jpg", "trainval-mask/7.jpg"),
        ("a/p_image/7.PNG", "a/p_mask/7.PNG"),
        ("1.png", "1_seg.png"),
        ("1.webp", "1_GT.png"),
        ("1.png", "mask_1.png"),
        ("image_1.png", "mask_1.png"),
        ("1_image.png", "1_label.png"),
        ("images/x_seg.png", "masks/x_seg.png"),
    ],
)
def test_an_image_finds_its_mask(tmp_path, image, mask):
    found = reader("image_mask_pairs")(tree(tmp_path, image, mask))
    assert found.files[["file", "group", "label", "masks"]].to_numpy().tolist() == [[image, image, "", (mask,)]]
    assert problems(found, "set aside") == []


def test_several_masks_of_an_image_are_united(tmp_path):
    tree(tmp_path, "1.png", "1_mask.png", "1_mask_1.png", "1_mask_2.png", "11.png", "11_mask.png")
    masks = column(reader("image_mask_pairs")(tmp_path), "masks")
    assert masks == {"1.png": ("1_mask.png", "1_mask_1.png", "1_mask_2.png"), "11.png": ("11_mask.png",)}


def test_a_file_without_its_counterpart_is_set_aside(tmp_path):
    tree(tmp_path, "images/1.png", "masks/1.png", "images/2.png", "masks/3.png", "a/1_mask.png", "masks/1.txt")
    found = reader("image_mask_pairs")(tmp_path)
    assert found.files["file"].tolist() == ["images/1.png"]
    assert [file for file, _ in problems(found, "left out")] == ["masks/1.txt"]
    assert dict(problems(found, "set aside")) == {
        "a/1_mask.png": "a mask without its image",
        "images/2.png": "an image without a mask",
        "masks/3.png": "a mask without its image",
    }


def test_two_images_for_one_mask_are_refused(tmp_path):
    tree(tmp_path, "images/1.png", "images/1.jpg", "masks/1.png")
    with pytest.raises(UserError, match=r"one name in different spellings: images/1\.jpg, images/1\.png\. Rename or"):
        reader("image_mask_pairs")(tmp_path)


def test_a_set_without_pairs_is_refused_with_the_layouts(tmp_path):
    tree(tmp_path, "a/1.png", "b/1.png")
    with pytest.raises(
        UserError, match=r"has no image with a mask: it should hold images/NAME\.png and masks/NAME\.png"
    ):
        reader("image_mask_pairs")(tmp_path)


def test_pairs_take_groups_and_labels_from_a_table(tmp_path):
    tree(tmp_path, "images/1.png", "masks/1.png", "images/2.png", "masks/2.png")
    name = table(
        tmp_path, "file,group,label\nimages/1.png,p1,benign\nimages/2.png,p1,malignant\nmasks/1.png,p1,benign\n"
    )
    found = reader("image_mask_pairs")(tmp_path, table=name, classes=["benign", "malignant"])
    assert found.files["group"].tolist() == ["p1", "p1"]
    assert found.files["label"].tolist() == ["benign", "malignant"]
    assert problems(found, "kept") == [(".", "group p1 has files of benign and malignant: it stays one group")]
    assert problems(found, "set aside") == [("masks/1.png", "in labels.csv, but no file that is read has this name")]


def test_the_innermost_folder_decides_a_files_role():
    assert place("images/gt/X.png") == Place(True, "x")
    assert place("gt/images/X.png") == Place(False, "gt/x")
    assert place("a/x_mask.png") == Place(True, "a/x_mask")


def test_gif_masks_are_no_images(tmp_path):
    tree(tmp_path, "images/1.bmp", "masks/1.gif", "2.webp", "2_mask.gif", "images/3.gif", "masks/3.gif", "4.gif")
    found = reader("image_mask_pairs")(tmp_path)
    assert column(found, "masks") == {"2.webp": ("2_mask.gif",), "images/1.bmp": ("masks/1.gif",)}
    aside = dict(problems(found, "set aside"))
    assert aside["images/3.gif"] == "a GIF is read as a mask, not as an image"
    assert set(aside) <= {"images/3.gif", "masks/3.gif", "4.gif"}


# a real set in another layout


@pytest.fixture(scope="module")
def busi() -> Path:
    base = Path(os.environ.get("USCL_DATA", Path(__file__).parents[5] / "shared" / "data"))
    if not (base / "Dataset_BUSI_with_GT").is_dir():
        pytest.skip(f"the public data set Dataset_BUSI_with_GT is not in {base} (set USCL_DATA to its folder)")
    return base / "Dataset_BUSI_with_GT"


def test_the_real_busi_is_the_same_read_as_pairs_and_as_folders(busi):
    known = reader("busi")(busi).files.sort_values("file")
    paired = reader("image_mask_pairs")(busi).files
    assert paired["file"].tolist() == known["file"].tolist()
    assert paired["masks"].map(set).tolist() == known["masks"].map(set).tolist()
    sorted_in = reader("image_folder")(busi, classes=["benign", "malignant", "normal"]).files
    pd.testing.assert_series_equal(sorted_in["label"], known["label"], check_index=False)
