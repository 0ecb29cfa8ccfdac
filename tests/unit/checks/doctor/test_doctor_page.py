import copy
import socket

import pytest
from studies import RECORD, ROOT, embedded, entry, given_sets

from uscl.base.files import write_text
from uscl.checks.doctor import machine
from uscl.checks.doctor.amounts import Amount
from uscl.checks.doctor.data import download, set_line
from uscl.checks.doctor.page import page
from uscl.checks.doctor.page_lines import Line, missing, ok
from uscl.checks.doctor.report import Report, Section, examine


@pytest.fixture(autouse=True)
def _this_machine(monkeypatch):
    monkeypatch.setattr(machine, "gpus", lambda: ("torch 2.13.0 (no CUDA)", []))
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("asks the network"))


@pytest.fixture
def recorded(tmp_path):
    import yaml

    write_text(tmp_path / "recorded.yaml", yaml.safe_dump([RECORD]))
    return tmp_path / "recorded.yaml"


def examined(config, tmp_path, recorded, registry=None, **given):
    return examine(
        config,
        registry=registry or {},
        sets=given_sets(config, tmp_path / "data", **given),
        results=tmp_path / "results",
        lock=ROOT / "requirements.lock",
        recorded=recorded,
        cores=2,
    )


def real(config):
    """The study on real sets of unknown place."""
    config = copy.deepcopy(config)
    config["datasets"] = {
        "blues": {"reader": "covid_blues", "data_root": "data"},
        "pocus": {"reader": "covid19_ultrasound", "data_root": "data", "rate_hz": 3, "max_frames": 30},
        "busi": {"reader": "busi", "data_root": "data"},
    }
    config["pool"] = "blues"
    for task, dataset in {"pocus": "pocus", "busi": "busi", "segmentation": "busi"}.items():
        config["tasks"][task]["dataset"] = dataset
    return config


def test_the_embedded_study_can_run_as_it_is(tmp_path, recorded):
    report = examined(embedded(), tmp_path, recorded)
    text = page(report)
    assert not any(line.mark == "missing" for section in report.sections for line in section.lines)
    assert "sim_pool    will be simulated: 72 files, 1,440 frames" in text
    assert 60 < report.left_s < 3600
    assert text.rstrip().splitlines()[-1].startswith("Next: nothing is missing: run the study with `snakemake")
    assert not (tmp_path / "results").exists()


def test_the_page_is_one_screen_of_plain_text(tmp_path, recorded):
    for config in (embedded(), real(embedded())):
        lines = page(examined(config, tmp_path, recorded)).splitlines()
        assert len(lines) <= 45
        assert max(map(len, lines)) <= 120
        assert not any("\x1b" in line or line != line.rstrip() for line in lines)


def test_what_is_missing_is_told_with_the_way_to_get_it(tmp_path, recorded):
    text = page(examined(real(embedded()) | {"device": "cuda"}, tmp_path, recorded))
    assert "missing  device: cuda, but torch 2.13.0 (no CUDA) finds no usable GPU" in text
    assert "missing  blues  blues: get it from its owners." in text
    assert "no times are recorded for device cuda" in text
    assert "Next: mend what is missing under Machine (and 3 more marked missing)" in text


def test_expected_numbers_give_an_estimate_before_anything_is_there(tmp_path, recorded):
    registry = {
        "covid_blues": entry(videos=362, frames=31_746, size=1_500_000_000),
        "covid19_ultrasound": entry(videos=131, images=40),
        "busi": entry(images=780, classes={"normal": 133}),
    }
    report = examined(real(embedded()), tmp_path, recorded, registry, fetchable=True)
    text = page(report)
    assert "will be fetched to" in text
    assert "1.5 GB; expected 362 files, 31,746 frames" in " ".join(text.split())
    assert report.left_s > 600
    assert "unknown" not in text.partition("Time\n")[2]


def test_without_numbers_the_time_is_a_lower_bound(tmp_path, recorded):
    report = examined(real(embedded()), tmp_path, recorded)
    assert report.left_s is None
    assert "at least" in page(report)


def test_damaged_records_are_told_and_the_page_goes_on(tmp_path, recorded):
    recorded.write_text("{")
    text = page(examined(embedded(), tmp_path, recorded))
    assert "note     " + str(recorded) in text
    assert "Next: nothing is missing: run the study with `snakemake --cores all`." in text


def test_a_finished_study_is_said_to_be_finished():
    text = page(Report("mine", [Section("Data", [ok("there")])], 0.0))
    assert "every job has run" in text


def test_a_long_finding_is_cut_and_a_long_path_is_not_broken():
    path = "/a" * 80
    text = page(Report("mine", [Section("Data", [missing("word " * 200), ok(path), Line("", "plain")])], None))
    assert path in text
    assert len(text.splitlines()) < 16


@pytest.mark.parametrize(
    ("reader", "names", "mark", "told"),
    [
        ("busi", ["a.png", "b.png"], "ok", "2 media files"),
        ("busi", ["notes.txt"], "missing", "holds no video and no image"),
        ("pocus_folds", ["covid_data1.pkl"], "ok", "0 media files"),
    ],
)
def test_a_folder_that_is_there_is_counted(tmp_path, reader, names, mark, told):
    for name in names:
        (tmp_path / name).touch()
    given = {"name": "x", "folder": str(tmp_path), "exists": True, "fetchable": False, "how_to_get": "ask"}
    line = set_line(given, None, {"reader": reader, "data_root": "d"}, Amount())
    assert line.mark == mark
    assert told in line.text


def test_the_size_of_a_download_is_told_as_far_as_it_is_known():
    known, unknown = entry(size=2_000_000)["files"], entry()["files"]
    assert download({"files": known}) == "2.0 MB"
    assert download({"files": unknown}) == "1 archive, size not known"
    assert download({"files": known + unknown}) == "2.0 MB and more, not all sizes are known"
