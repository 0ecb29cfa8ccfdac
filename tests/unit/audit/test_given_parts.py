import pytest
from audit_sets import audited, texture

from uscl.audit.checks import within
from uscl.audit.given_parts import between_parts, leaky_splits
from uscl.audit.policy import decide, stop_message, summary, verdict

PLANTED = [
    # Video, group, label, pictures, given part. Video c is a copy of a; patient 4 is in two parts; f is a copy of e.
    ("a", "1", "x", [1], "train"),
    ("b", "2", "y", [2], "train"),
    ("c", "3", "x", [1], "test"),
    ("d", "4", "y", [3], "Test"),
    ("d2", "4", "y", [4], "train"),
    ("e", "5", "x", [5], "train"),
    ("f", "6", "x", [5], "train"),
    ("u", "2", "", [6], "test"),
]


def findings(policy="group", on_leak="stop", labelled=True):
    part = audited(
        "s", *[(video, group, label, map(texture, pictures)) for video, group, label, pictures, _ in PLANTED]
    )
    parts = {video: part for video, *_, part in PLANTED}
    manifest = part.manifest.assign(part=part.manifest["video"].map(parts), unit="patient")
    units, found = decide(within(part, tested=True), manifest, policy)
    return between_parts(found, units, manifest, on_leak=on_leak, labelled=labelled)


def pairs(found):
    leaks = found[found["level"] == "leak"]
    columns = ["kind", "scope", "video_a", "video_b", "action"]
    return {tuple(row) for row in leaks[columns].itertuples(index=False)}


COPY = ("exact duplicate", "between parts", "a", "c")
PATIENT = ("group in two parts", "between parts", "d", "d2")
SAME_PART = ("exact duplicate", "within", "e", "f", "grouped")


@pytest.mark.parametrize(("on_leak", "action"), [("stop", "stop"), ("report", "reported")])
def test_planted_leaks_are_found_with_their_pairs_and_others_are_not(on_leak, action):
    found = findings(on_leak=on_leak)
    assert pairs(found) == {(*COPY, action), (*PATIENT, action), SAME_PART}
    assert verdict(found)["passed"] == (on_leak == "report")
    assert leaky_splits(found) == ["s"]


def test_a_segmentation_uses_files_without_a_label_too():
    assert ("group in two parts", "between parts", "b", "u", "stop") in pairs(findings(labelled=False))


def test_files_that_are_left_out_are_in_no_part():
    found = pairs(findings(policy="drop"))
    assert found == {
        ("exact duplicate", "within", "a", "c", "dropped"),
        (*SAME_PART[:4], "dropped"),
        (*PATIENT, "stop"),
    }


def test_readers_are_told_of_the_pairs_and_of_the_setting():
    text = stop_message(findings(), "audit.html")
    assert "s: group 4 is in two given parts: d in Test, d2 in train." in text
    assert "s: a#0 and s: c#0 are the same picture." in text
    assert text.endswith(
        ", or set `splits.on_leak: report` of the tasks with a given split, to go on with marked tables."
    )
    reported = findings(on_leak="report")
    assert "1 duplicate pair between the parts of the given split reported" in summary(reported, "s")
    assert "found, and not all are fixed: 3 pairs of videos (1 grouped and 2 reported)" in verdict(reported)["sentence"]
