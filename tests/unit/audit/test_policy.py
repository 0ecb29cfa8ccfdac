import numpy as np
import pandas as pd
import pytest

from uscl.audit.findings import FINDINGS, base, read_findings, table
from uscl.audit.policy import (
    UNITS,
    audited_cases,
    decide,
    decide_pool,
    read_units,
    stop_message,
    summary,
    verdict,
    without_left_out,
)
from uscl.base.errors import UserError
from uscl.data.manifest import write_table

VIDEOS = [("v1", "c", "x"), ("v2", "b", "x"), ("v3", "a", "x"), ("v4", "d", "y"), ("v5", "a", "x"), ("v6", "e", "y")]
MANIFEST = pd.DataFrame(
    [("lung", *video) for video in VIDEOS for _ in range(2)], columns=["dataset", "video", "group", "label"]
)
MANIFEST["unit"] = MANIFEST["group"].map({"c": "video", "d": "image", "e": "image"}).fillna("patient")
OF_VIDEO = {video: {"video": video, "group": group, "label": label} for video, group, label in VIDEOS}


def leak(first, second, **changes):
    sides = {
        f"{name}_{side}": text
        for side, video in zip("ab", (first, second), strict=True)
        for name, text in OF_VIDEO[video].items()
    }
    finding = base("near duplicate", f"{first} and {second}.") | sides | {"level": "leak", "frames": 1}
    return finding | {"dataset_a": "lung", "dataset_b": "lung", "row_a": 0, "row_b": 1} | changes


CHAIN = table([leak("v1", "v2"), leak("v2", "v3"), leak("v4", "v6"), base("same series", "odd")])


def test_stop_changes_nothing_and_marks_the_leaks_alone():
    units, findings = decide(CHAIN, MANIFEST, "stop")
    assert units["kept"].all()
    assert units["audited_group"].equals(units["group"])
    assert list(findings["action"]) == ["stop", "stop", "stop", "reported"]
    assert not verdict(findings)["passed"]


def test_group_joins_all_that_leaks_connect_under_the_first_name():
    units, findings = decide(CHAIN, MANIFEST, "group")
    assert dict(zip(units["video"], units["audited_group"], strict=True)) == {
        "v1": "a", "v2": "a", "v3": "a", "v5": "a", "v4": "d", "v6": "d",
    }  # fmt: skip
    assert units["kept"].all()
    assert list(findings["action"]) == ["grouped"] * 3 + ["reported"]
    assert verdict(findings) == {
        "passed": True,
        "sentence": "Leaks between training and test data were found and fixed: 3 pairs of videos (3 grouped)."
        " No other was found.",
        "counts": {"near duplicate": {"grouped": 3}, "same series": {"reported": 1}},
    }


def test_drop_keeps_the_first_group_and_of_the_others_what_does_not_match():
    units, _ = decide(CHAIN, MANIFEST, "drop")
    gone = units[~units["kept"]].set_index("video")["reason"]
    assert dict(gone) == {
        "v1": "its picture is in group a too",
        "v2": "its picture is in group a too",
        "v6": "its picture is in group d too",
    }


def test_drop_leaves_out_all_of_a_duplicate_under_two_labels():
    units, _ = decide(table([leak("v3", "v4")]), MANIFEST, "drop")
    gone = units[~units["kept"]]
    assert list(gone["video"]) == ["v3", "v4"]
    assert set(gone["reason"]) == {"duplicates under the labels x, y: nobody knows which is right"}


@pytest.mark.parametrize("policy", ["stop", "group", "drop"])
def test_without_findings_everything_stays(policy):
    units, findings = decide(table([]), MANIFEST, policy)
    assert units["kept"].all()
    assert verdict(findings) == {
        "passed": True,
        "sentence": "No leak was found between training and test data.",
        "counts": {},
    }


def test_only_drop_removes_a_leak_into_the_pool():
    leaks = table([leak("v2", "v4", scope="pool and task"), leak("v1", "v4", scope="pool and task"), leak("v2", "v6")])
    for policy in ("stop", "group"):
        left_out, decided = decide_pool(leaks, policy)
        assert left_out.empty
        assert set(decided["action"]) == {"stop"}
    left_out, decided = decide_pool(leaks, "drop")
    assert left_out["video"].tolist() == ["v1", "v2"]
    assert set(decided["action"]) == {"dropped"}
    units = without_left_out(decide(table([]), MANIFEST, "stop")[0], left_out)
    assert units.loc[~units["kept"], "video"].tolist() == ["v1", "v2"]
    assert units.loc[units["kept"], "reason"].eq("").all()


def test_cases_take_the_groups_that_count_and_lose_what_is_left_out():
    units, _ = decide(CHAIN, MANIFEST, "group")
    units.loc[units["video"] == "v5", "kept"] = False
    cases = MANIFEST.assign(case=np.arange(len(MANIFEST)))
    audited = audited_cases(cases, units)
    assert "v5" not in set(audited["video"])
    assert set(audited.loc[audited["video"] == "v1", "group"]) == {"a"}
    # A video that is joined to a patient is of that patient; two images that are joined are a set of duplicates.
    units_of_groups = audited.groupby("group")["unit"].unique().map(list).to_dict()
    assert units_of_groups == {"a": ["patient"], "d": ["duplicates"]}
    assert len(audited) == len(MANIFEST) - 2
    alone = audited_cases(cases, decide(CHAIN, MANIFEST, "stop")[0])
    pd.testing.assert_frame_equal(alone, cases)


def test_the_message_lists_the_leaks_and_says_what_to_do():
    leaks = [leak("v1", "v2", reason=f"lung: clip {n}.") for n in range(23)]
    findings = decide(table(leaks), MANIFEST, "stop")[1]
    message = stop_message(findings, "audit.html")
    assert message.startswith(
        "The audit found 23 leaks between training and test data:\n  near duplicate: lung: clip 0."
    )
    assert "  and 3 more\n" in message
    assert message.endswith("Look at audit.html, then remove these files, or set datasets.lung.on_leak: group or drop.")


def test_the_message_on_a_pool_does_not_propose_to_group():
    stopped = decide_pool(table([leak("v1", "v2", scope="pool and task")]), "group")[1]
    assert stop_message(stopped, "audit.html").endswith("or set datasets.lung.on_leak: drop.")


def test_the_message_says_what_to_do_if_two_patients_share_a_name_by_chance():
    stopped = decide_pool(table([leak("v1", "v2", scope="pool and task", kind="same patient")]), "stop")[1]
    assert "if two different patients share a name, rename one with the `patient` or" in stop_message(stopped, "a")
    assert summary(stopped, "lung") == "1 same patient pair with the pool stop"


def test_the_summary_for_the_result_table_counts_the_findings_of_a_set():
    findings = decide(CHAIN, MANIFEST, "group")[1]
    conflict = table([base("label conflict", "odd") | {"dataset_a": "lung"}])
    assert (
        summary(pd.concat([findings, conflict]), "lung") == "3 duplicate pairs between groups grouped; 1 label conflict"
    )
    assert summary(findings, "breast") == "no leak found"


def test_tables_come_back_as_they_were_written(tmp_path):
    units, findings = decide(CHAIN, MANIFEST, "drop")
    findings.loc[0, ["video_a", "distance"]] = ['NA, "x"', 3.5]
    write_table(findings, FINDINGS, tmp_path / "findings.csv")
    write_table(units, UNITS, tmp_path / "units.csv")
    pd.testing.assert_frame_equal(read_findings(tmp_path / "findings.csv"), findings)
    pd.testing.assert_frame_equal(read_units(tmp_path / "units.csv"), units)
    write_table(table([]), FINDINGS, tmp_path / "none.csv")
    assert read_findings(tmp_path / "none.csv").empty


@pytest.mark.parametrize("read", [read_findings, read_units])
def test_a_missing_or_foreign_table_is_named(tmp_path, read):
    with pytest.raises(UserError, match=r"gone\.csv does not exist: run the audit"):
        read(tmp_path / "gone.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"other\.csv is not a table of the audit .*: remove it"):
        read(tmp_path / "other.csv")
