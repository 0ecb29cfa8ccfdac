"""The audit page: complete, safe whatever the names contain, ordered, and the same every time."""

import base64
import re
from html.parser import HTMLParser

import cv2
import numpy as np
import pandas as pd
import pytest

from uscl.data.store import FrameStore
from uscl.report.pages.audit_page import SHOWN, THUMBNAIL, audit_page, counts, recall_table, set_rows, worst_first

PASSED = {"passed": True, "sentence": "Nothing of a test fold is elsewhere.", "counts": {}}
NASTY = """<img src=x onerror=alert(1)> "a" & 'b' </style>"""
VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Checks that tags close in order, and collects text and attributes."""

    def __init__(self, html):
        super().__init__()
        self.open, self.text, self.tags = [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def images(self):
        return [attrs for tag, attrs in self.tags if tag == "img"]

    def words(self):
        return re.sub(r"\s+", " ", "".join(self.text))


def finding(**changes):
    return {
        "kind": "near duplicate",
        "scope": "within",
        "level": "leak",
        "dataset_a": "busi",
        "video_a": "v0",
        "group_a": "p0",
        "label_a": "benign",
        "row_a": 0,
        "dataset_b": "busi",
        "video_b": "v1",
        "group_b": "p1",
        "label_b": "",
        "row_b": 3,
        "frames": 1,
        "distance": 4.0,
        "correlation": 0.987,
        "mirrored": False,
        "action": "grouped",
        "reason": "v0 and v1 look alike.",
        **changes,
    }


def one_sided(**changes):
    """A finding about one file alone."""
    other = {"dataset_b": "", "video_b": "", "group_b": "", "label_b": "", "row_b": -1}
    measures = {"distance": np.nan, "correlation": np.nan, "level": "warning", "action": "reported"}
    return finding(kind="burnt-in text", **other, **measures, **changes)


def table(*rows):
    return pd.DataFrame(list(rows), columns=list(finding()))


def units(*rows):
    return pd.DataFrame(rows, columns=["dataset", "video", "group", "unit", "audited_group", "kept", "reason"])


UNITS = units(
    ("busi", "v0", "p0", "patient", "p0", True, ""),
    ("busi", "v1", "p1", "patient", "p0", True, ""),
    ("busi", "v2", "p2", "video", "p2", False, "v2 is in the test set"),
)


@pytest.fixture
def stores():
    frames = np.random.default_rng(0).integers(0, 256, (6, 160, 160), dtype=np.uint8)
    manifest = pd.DataFrame(
        {
            "case": ["v0", "v0#1", "v0#2", "v1#0", "v1#7", "v1#9"],
            "video": ["v0"] * 3 + ["v1"] * 3,
            "frame": [0, 1, 2, 0, 7, 9],
        }
    )
    return {"busi": FrameStore(frames, None, manifest)}


def test_the_page_begins_with_the_verdict_and_needs_no_other_file(stores):
    html = audit_page(table(finding()), UNITS, stores, PASSED, {})
    page = Page(html)
    words = page.words()
    assert words.index("Passed. Nothing of a test fold is elsewhere.") < words.index("near duplicate")
    assert page.tags[0] == ("html", {"lang": "en"})
    assert "Audit of the data: passed" in words
    assert not re.search(r"https?:|<script|<link|@import|url\(", html)
    assert all(image["src"].startswith("data:image/png;base64,") and image["alt"] for image in page.images())


def test_what_stops_the_study_is_called_so(stores):
    verdict = {"passed": False, "sentence": "1 leak.", "counts": {}}
    page = Page(audit_page(table(finding(action="stop")), UNITS, stores, verdict, {}))
    assert "Not passed. 1 leak." in page.words()
    assert ("p", {"class": "verdict"}) in page.tags


def test_a_pair_has_its_pictures_names_groups_labels_and_measures(stores):
    page = Page(audit_page(table(finding(row_b=4, frames=3, mirrored=True)), UNITS, stores, PASSED, {}))
    words = page.words()
    assert "leak, grouped (within)" in words
    assert "v1, frame 7 set busi group p1 label unlabelled" in words
    assert "v0 set busi group p0 label benign" in words
    assert "Hamming distance 4, correlation 0.987, 3 pairs of frames, mirrored" in words
    assert "v0 and v1 look alike." in words
    first, second = (cv2.imdecode(decoded(image), cv2.IMREAD_GRAYSCALE) for image in page.images())
    frames = stores["busi"].frames
    assert first.shape == (THUMBNAIL, THUMBNAIL)
    for picture, row in ((first, 0), (second, 4)):
        assert np.array_equal(picture, cv2.resize(frames[row], (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA))
    assert [image["alt"] for image in page.images()] == ["v0 from busi", "frame 7 of v1 from busi"]


def decoded(image):
    return np.frombuffer(base64.b64decode(image["src"].partition(",")[2]), np.uint8)


def test_a_frame_smaller_than_a_thumbnail_stays_as_it_is(stores):
    small = FrameStore(stores["busi"].frames[:, :32, :32], None, stores["busi"].manifest)
    page = Page(audit_page(table(finding()), UNITS, {"busi": small}, PASSED, {}))
    picture = cv2.imdecode(decoded(page.images()[0]), cv2.IMREAD_GRAYSCALE)
    assert np.array_equal(picture, small.frames[0])


def test_a_finding_about_one_file_shows_one_and_no_measures(stores):
    page = Page(audit_page(table(one_sided()), UNITS, stores, PASSED, {}))
    assert len(page.images()) == 1
    assert "correlation 0" not in page.words()
    assert "nan" not in page.words().lower()


def test_a_side_without_a_frame_has_no_picture(stores):
    page = Page(audit_page(table(finding(row_b=-1, dataset_b="elsewhere")), UNITS, stores, PASSED, {}))
    assert len(page.images()) == 1
    assert "no picture" in page.words()


@pytest.mark.parametrize("column", ["video_a", "group_a", "label_a", "video_b", "reason", "scope", "kind"])
def test_a_nasty_name_is_shown_as_it_is_and_does_nothing(stores, column):
    html = audit_page(table(finding(**{column: NASTY})), UNITS, stores, PASSED, {})
    assert NASTY not in html
    page = Page(html)
    assert NASTY in page.words()
    assert len(page.images()) == 2
    assert not any("onerror" in attrs for _, attrs in page.tags)


def test_a_nasty_data_set_and_verdict_are_escaped_too(stores):
    strange = {NASTY: stores["busi"]}
    verdict = {**PASSED, "sentence": NASTY}
    findings = table(finding(dataset_a=NASTY, dataset_b=NASTY))
    page = Page(audit_page(findings, UNITS.assign(dataset=NASTY), strange, verdict, {}))
    assert [image["alt"] for image in page.images()] == [f"v0 from {NASTY}", f"frame 0 of v1 from {NASTY}"]
    assert page.words().count(NASTY) == 4


def test_equal_findings_in_another_order_give_the_same_bytes(stores):
    rows = [finding(video_a=f"v{i % 3}", distance=float(i % 2), row_a=i % 5) for i in range(12)]
    pages = {audit_page(table(*part), UNITS, stores, PASSED, {}) for part in (rows, rows, rows[::-1])}
    assert len(pages) == 1


def test_the_worst_comes_first():
    rows = {
        "warning": finding(level="warning", distance=0.0),
        "grouped": finding(distance=0.0),
        "stop, far": finding(action="stop", distance=9.0),
        "stop, unlike": finding(action="stop", distance=2.0, correlation=0.9),
        "stop, alike": finding(action="stop", distance=2.0, correlation=0.99),
        "stop, often": finding(action="stop", distance=2.0, correlation=0.99, frames=5),
        "stop, by name alone": finding(action="stop", distance=np.nan, correlation=np.nan),
    }
    found = worst_first(table(*(row | {"reason": name} for name, row in rows.items())))
    assert found["reason"].tolist() == [
        "stop, often",
        "stop, alike",
        "stop, unlike",
        "stop, far",
        "stop, by name alone",
        "grouped",
        "warning",
    ]


def test_of_many_pairs_the_worst_are_shown_and_the_rest_counted(stores):
    rows = [finding(video_a=f"v{i}", row_a=-1, row_b=-1, distance=float(i)) for i in range(SHOWN + 7)]
    page = Page(audit_page(table(*rows), UNITS, stores, PASSED, {}))
    assert "near duplicate (207)" in page.words()
    assert "7 more are listed in audit.csv." in page.words()
    assert "Hamming distance 199" in page.words()
    assert "Hamming distance 200" not in page.words()


def test_findings_are_counted_by_kind_and_action_in_the_order_of_the_page():
    findings = table(one_sided(), finding(kind="a new kind"), finding(), finding(action="stop"))
    assert counts(findings) == {
        "near duplicate": [1, 0, 1, 0, 2],
        "burnt-in text": [0, 0, 0, 1, 1],
        "a new kind": [0, 0, 1, 0, 1],
    }


def test_the_rows_of_the_sets_count_what_was_left_out_and_joined():
    assert set_rows(UNITS) == [("busi", ["3", "1", "2 patients and 1 video", "1 patient"])]


def test_a_study_without_findings_has_a_page(stores):
    page = Page(audit_page(table(), UNITS, stores, PASSED, {}))
    assert "Nothing was found." in page.words()
    assert page.images() == []


def test_the_table_of_found_copies_sums_the_sets_and_separates_the_sizes():
    columns = ["copy", "dataset", "pictures", "among", "hashes", "both", "others"]
    rows = [
        ("cropped", "a", 50, 50, 0, 50, 0),
        ("cropped", "b", 50, 50, 25, 45, 0),
        ("cropped", "b", 50, 5000, 25, 30, 0),
    ]
    head, found = recall_table(pd.DataFrame(rows, columns=columns))
    assert head == [
        *("copies", "found by hashes"),
        *("and by points, among 50 pictures", "and by points, among 5,000 pictures"),
    ]
    assert found == [("cropped", ["100", "25 %", "95 %", "60 %"])]


def test_the_page_says_what_the_audit_sees_and_which_sets_are_searched_with_fewer_points(stores):
    words = Page(audit_page(table(), UNITS, stores, PASSED, {"pool and lung": 3001, "lung": 3000})).words()
    assert "does not see inverted pictures" in words
    assert "Fewer points in this study: pool and lung, 3,001 pictures." in words
    assert "study: lung" not in words
