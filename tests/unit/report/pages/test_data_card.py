"""Data cards: their counts add up, their text is safe and complete, and sizes come from headers."""

import re

import av
import cv2
import numpy as np
import pandas as pd
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundMultiFrameImageStorage, generate_uid

from uscl.report.pages.card_counts import Use, by_reason, by_source, expected_and_found, size_rows, source_sizes, steps
from uscl.report.pages.card_text import code, plain
from uscl.report.pages.data_card import data_card, source_grid

ENTRY = {
    "title": "Lungs of some patients",
    "version": "2024-01",
    "source": "https://example.org/set",
    "files": [],
    "by_hand": "Ask its owners and place it in data/set.",
    "licence": {"name": "CC BY 4.0", "url": "https://example.org/licence", "forbids": "nothing but silence"},
    "citation": "Doe et al., 2024",
    "doi": None,
    "group": "the patient",
    "defects": ["One video is there twice."],
    "expected": {
        "videos": 3,
        "images": None,
        "groups": 2,
        "frames": None,
        "classes": {"sick": 2, "well": 1},
        "tolerance": 0,
    },
    "used_for": ["pool"],
    "on_leak": "group",
}
SETTINGS = {"folder": "data/set", "frame_size": 96, "rate_hz": 3.0, "max_frames": 30}


def manifest():
    """Videos a (3 frames), b (2) and c (1), of patients p and q, and the unlabelled image d."""
    videos = ["a", "a", "a", "b", "b", "c", "d.png"]
    return pd.DataFrame(
        {
            "case": ["a#0", "a#1", "a#2", "b#0", "b#5", "c#0", "d.png"],
            "video": videos,
            "group": ["p", "p", "p", "p", "p", "q", "r"],
            "unit": ["patient"] * 6 + ["image"],
            "source": "",
            "label": ["sick", "sick", "sick", "well", "well", "sick", ""],
            "frame": [0, 1, 2, 0, 5, 0, 0],
            "colour": [0.0, 0.01, 0.02, 0.0, 0.001, 0.5, 0.0],
            "file": [video if video == "d.png" else f"{video}.mp4" for video in videos],
        }
    )


def problems(*rows):
    return pd.DataFrame(rows, columns=["dataset", "file", "action", "reason"], dtype="str")


def units(audited="ppqr", kept=(True, True, True, True), reasons=("",) * 4):
    return pd.DataFrame(
        {
            "dataset": "set",
            "video": ["a", "b", "c", "d.png"],
            "group": list("ppqr"),
            "unit": ["patient"] * 3 + ["image"],
            "audited_group": list(audited),
            "kept": list(kept),
            "reason": list(reasons),
        }
    )


FINDINGS = ["kind", "action", "dataset_a", "video_a", "dataset_b", "reason"]


def card(entry=ENTRY, found=(), settings=(), noted=(), after=None, uses=None, sizes=(("a.mp4", 64, 48),)):
    return data_card(
        "set",
        entry,
        manifest(),
        problems(*noted),
        units() if after is None else after,
        pd.DataFrame(list(found), columns=FINDINGS),
        {} if uses is None else uses,
        {**SETTINGS, **dict(settings)},
        pd.DataFrame(list(sizes), columns=["file", "width", "height"]),
    )


def rows_of(text):
    """The lines of the tables of a card as tuples of cells."""
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in text.splitlines() if "|" in line]


def test_the_counts_lead_from_the_folder_to_each_task():
    noted = problems(
        ("set", "x.mp4", "set aside", "truncated: 3 of 9 frames could be read"),
        ("set", "y.mp4", "set aside", "truncated: 4 of 9 frames could be read"),
        ("set", "z.txt", "set aside", "the name does not end in .mp4"),
        ("set", "a.mp4", "kept", "only one frame"),
    )
    after = units(audited="ppqp", kept=(True, False, True, True))
    labelled = manifest()[manifest()["label"] != ""]
    assert [tuple(step) for step in steps(manifest(), noted, after, {"lungs": Use(labelled, "a label")})] == [
        ("found, or named by a table", 7, None, None),
        ("set aside: truncated: n of n frames could be read", -2, None, None),
        ("set aside: the name does not end in .mp4", -1, None, None),
        ("usable", 4, 3, 7),
        ("left out by the audit", -1, 0, -2),
        ("groups joined by the audit", None, -1, None),
        ("left", 3, 2, 5),
        ("without a label, not for lungs", -1, 0, -1),
        ("left for lungs", 2, 2, 4),
    ]


def test_the_card_counts_empty_masks_what_leaves_a_task_and_colour_doppler():
    table = manifest()
    uses = {"outlines": Use(table[table["frame"] > 0], "a lesion in the mask"), "pretraining": Use(table, "")}
    text = card(uses=uses, settings={"empty_masks": 4})
    assert ("without a lesion in the mask, not for outlines", "-2", "-2", "-4") in rows_of(text)
    assert ("left for outlines", "2", "1", "3") in rows_of(text)
    assert "not for pretraining" not in text
    assert "- Empty masks: 4 of 7 images" in text
    assert "- Colour Doppler: 3 frames in 2 files" in text
    assert "Empty masks" not in card()


@pytest.mark.parametrize("seed", range(5))
def test_every_sum_of_the_steps_is_what_is_left(seed):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"video": rng.integers(0, 12, 40).astype(str)})
    table["group"] = [f"g{int(video) % 5}" for video in table["video"]]
    after = table.drop_duplicates("video").assign(kept=rng.random(table["video"].nunique()) < 0.7)
    after["audited_group"] = after["group"].replace({"g1": "g0", "g4": "g2"})
    usable, *changes, left = steps(table, problems(), after, {})[1:]
    for place in (1, 2, 3):
        assert usable[place] + sum(change[place] or 0 for change in changes) == left[place]


def test_nothing_is_left_where_the_audit_drops_all():
    after = units(kept=(False,) * 4)
    assert tuple(steps(manifest(), problems(), after, {})[-1]) == ("left", 0, 0, 0)
    assert "| left " in card(after=after)


def test_reasons_that_differ_in_numbers_are_counted_together():
    noted = problems(
        ("set", "b", "kept", "row 2 is odd"), ("set", "a", "kept", "row 30 is odd"), ("set", "c", "kept", "has 1 frame")
    )
    assert by_reason(noted) == {"row n is odd": ["a", "b"], "has 1 frame": ["c"]}


def test_expected_counts_are_next_to_the_usable_ones():
    assert expected_and_found(ENTRY["expected"], manifest()) == [
        ("videos", 3, 3),
        ("groups", 2, 3),
        ("files of sick", 2, 2),
        ("files of well", 1, 1),
    ]
    assert ("groups", "2", "3") in rows_of(card())


@pytest.mark.parametrize("expected", [None, dict.fromkeys(ENTRY["expected"])])
def test_a_set_without_expected_counts_has_no_such_part(expected):
    assert "Expected" not in card(ENTRY | {"expected": expected, "by_hand": None, "defects": []})


def test_the_card_of_a_public_set_gives_its_origin_and_what_its_licence_forbids():
    text = card()
    assert text.startswith(
        "# Data card: set\n\nLungs of some patients. Usable here: 3 videos and 1 image of 2 patients and 1 image, 7"
        " frames"
    )
    for line in (
        "- Source: https://example.org/set",
        "- Licence: CC BY 4.0 (https://example.org/licence)",
        "- The licence forbids: nothing but silence",
        "- Cite: Doe et al., 2024",
        "- A group is: the patient",
        "- Groups: 2 patients and 1 image",
        "- One video is there twice.",
    ):
        assert line in text.splitlines()
    assert "DOI" not in text
    assert "None" not in text


def test_a_users_own_set_needs_no_entry():
    text = card(None)
    assert "A data set of your own" in text
    assert "Licence" not in text
    assert "Expected" not in text
    assert "- Obtained: already in `data/set`" in text


def test_the_card_gives_how_the_files_were_obtained():
    files = [{"name": "a.zip", "url": "https://example.org/a.zip", "size": 12_300_000, "sha256": "ab" * 32}]
    fetched = card(settings={"record": {"fetched": True, "files": files}})
    assert f"downloaded into `data/set` from https://example.org/a.zip (12.3 MB, SHA-256 `{'ab' * 32}`)" in fetched
    assert "nothing was downloaded" in card(settings={"record": {"fetched": False}})
    assert "simulated into `data/set` (kind lung, patients 9)" in card(
        settings={"simulate": {"kind": "lung", "patients": 9}}
    )


def test_classes_groups_and_frames_are_counted():
    text = card()
    assert ("sick", "2", "2", "4") in rows_of(text)
    assert ("unlabelled", "1", "1", "1") in rows_of(text)
    assert "- Files per group: 1 to 2 (median 1)" in text
    assert "- Frames taken per video: 1 to 3 (median 2)" in text
    assert "- Rate: 3 frames per second, at most the first 30 of each video" in text
    assert "- Rate: every frame, without a limit" in card(settings={"rate_hz": None, "max_frames": None})


def test_the_audit_is_listed_by_kind_without_other_sets():
    text = card(
        found=[
            ("near duplicate", "grouped", "set", "a", "set", "a and b look alike."),
            ("near duplicate", "stop", "pool", "x", "set", "x and c look alike."),
            ("burnt-in text", "reported", "set", "a", "", "a has writing."),
            ("same name", "stop", "pool", "x", "other", "x and y are named alike."),
        ]
    )
    assert "- near duplicate: 2 (grouped 1, stop 1), such as:\n  - a and b look alike.\n  - x and c look alike." in text
    assert "- burnt-in text: suspected in 1 of 4 files, by a rough test" in text
    assert "named alike" not in text
    assert "## What the audit found\n\nNothing.\n" in card()


def test_what_was_left_out_and_kept_with_a_remark_is_named():
    after = units(kept=(True, False, True, True), reasons=("", "b is in a test set", "", ""))
    noted = [("set", f"{i}.mp4", "kept", "only one frame") for i in range(5)]
    text = card(after=after, noted=noted)
    assert "- `b`: b is in a test set" in text
    assert "- only one frame (5): `0.mp4`, `1.mp4`, `2.mp4` and 2 more" in text


def test_names_cannot_break_the_markdown():
    nasty = "a|b\n# <script>`x`"
    noted = [("set", nasty, "set aside", nasty)]
    text = card(ENTRY | {"title": nasty, "defects": [nasty]}, noted=noted)
    assert not re.search(r"^# <", text, re.MULTILINE)
    assert not re.search(r"(?<!\\)<script", text.replace(code(nasty), ""))
    assert code("a``b") == "``` a``b ```"
    assert plain("[a](b)\n\n*c*") == r"\[a\](b) \*c\*"


def test_the_contact_sheet_is_linked_where_there_is_one():
    assert "](<my sheet.png>)" in card(settings={"sheet": "my sheet.png"})
    assert "![" not in card()


def test_equal_arguments_give_equal_text():
    assert card() == card()


def write_dicom(path, rows, columns):
    """A file with a header about a patient and no pixels."""
    dataset = Dataset()
    dataset.PatientName, dataset.Rows, dataset.Columns = "Planted^Name", rows, columns
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = UltrasoundMultiFrameImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["any"])
    pydicom.dcmwrite(path, dataset, enforce_file_format=True, implicit_vr=False, little_endian=True)


def test_sizes_come_from_the_headers_of_every_kind_of_file(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
        container.mux(stream.encode())
    (tmp_path / "frames").mkdir()
    cv2.imwrite(str(tmp_path / "frames/frame0.png"), np.zeros((20, 30), np.uint8))
    cv2.imwrite(str(tmp_path / "B.PNG"), np.zeros((7, 5), np.uint8))
    write_dicom(tmp_path / "c.dcm", rows=480, columns=640)
    write_dicom(tmp_path / "IM_0001", rows=600, columns=800)
    (tmp_path / "fold.pkl").write_bytes(b"no header")
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    (tmp_path / "broken.dcm").write_bytes(b"no header")
    files = ["IM_0001", "a.mp4", "B.PNG", "broken.dcm", "broken.mp4", "c.dcm", "fold.pkl", "frames", "gone.png"]
    sizes = source_sizes(pd.DataFrame({"file": [*files, "a.mp4"]}), tmp_path)
    assert {row.file: (row.width, row.height) for row in sizes.itertuples()} == {
        "IM_0001": (800, 600),
        "a.mp4": (64, 48),
        "B.PNG": (5, 7),
        "c.dcm": (640, 480),
        "frames": (30, 20),
    }


def test_the_frequent_sizes_are_shown_and_the_others_counted():
    sizes = pd.DataFrame({"width": [9, 9, *range(1, 8)], "height": 4})
    assert size_rows(sizes, most=3) == [("9 x 4", 2), ("1 x 4", 1), ("2 x 4", 1), ("5 other sizes", 5)]
    assert size_rows(sizes[:2]) == [("9 x 4", 2)]


def test_unknown_sizes_are_stated():
    assert "Unknown for 3 of 4 files." in card()
    assert "In pixels: width 64, height 48." in card()
    assert "Unknown: the headers of the files don't give it." in card(sizes=())


def test_files_by_source_and_class_are_there_if_the_set_names_sources():
    rows = manifest().assign(source=["clinic", "clinic", "clinic", "web", "web", "clinic", ""])
    counts = by_source(rows)
    assert counts.to_dict("index") == {"clinic": {"sick": 2, "well": 0}, "web": {"sick": 0, "well": 1}}
    few = by_source(rows, most=1)
    assert few.to_dict("index") == {"clinic": {"sick": 2, "well": 0}, "1 other source": {"sick": 0, "well": 1}}
    assert by_source(manifest()).empty
    assert "| clinic | 2    | 0    |" in source_grid(rows)[1]
    assert source_grid(manifest()) == []
    assert "by source" not in card()
