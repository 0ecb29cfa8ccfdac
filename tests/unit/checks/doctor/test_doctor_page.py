import copy
import shutil
import socket

import cv2
import numpy as np
import pytest
from stores import sound_manifest
from studies import ROOT, embedded, entry, given_sets

from uscl.base.errors import UserError
from uscl.checks.doctor import machine, report
from uscl.checks.doctor.data import download, set_finding
from uscl.checks.doctor.findings import Finding, missing, ok
from uscl.checks.doctor.forecast import Forecast
from uscl.checks.doctor.page import page
from uscl.checks.doctor.report import Report, Section, examine
from uscl.data.manifest import write_manifest
from uscl.data.sources import fingerprint
from uscl.data.store import new_array


@pytest.fixture(autouse=True)
def _this_machine(monkeypatch):
    monkeypatch.setattr(machine, "gpus", lambda: ("torch 2.13.0 (no CUDA)", []))
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("asks the network"))


@pytest.fixture
def planned(monkeypatch):
    """Sets what Snakemake plans."""

    def plan(found):
        monkeypatch.setattr(report, "forecast", lambda *_: found)

    plan(Forecast({"simulate": 3, "finetune": 18}, {"simulate": 20.0}))
    return plan


def examined(config, tmp_path, registry=None, options=(), pretraining=None, **given):
    return examine(
        config,
        registry=registry or {},
        sets=given_sets(config, tmp_path / "data", **given),
        results=tmp_path / "results",
        lock=ROOT / "requirements.lock",
        snakefile=ROOT / "Snakefile",
        options=options,
        cores=2,
        pretraining=pretraining,
    )


def real(config):
    """The study on real sets whose folders do not exist."""
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


def test_the_embedded_study_can_run_as_it_is(tmp_path, planned):
    report = examined(embedded(), tmp_path)
    text = page(report)
    assert not any(finding.mark == "missing" for section in report.sections for finding in section.findings)
    assert "sim_pool    will be simulated: pool, 64 patients" in text
    assert text.rstrip().splitlines()[-1] == ("Next: nothing is missing: run the study with `snakemake --cores all`.")
    assert not (tmp_path / "results").exists()


def test_the_next_step_is_the_command_of_this_study(tmp_path, planned):
    text = page(examined(embedded(), tmp_path, options=["--configfile", "config/my study.yaml"]))
    assert "`snakemake --cores all --configfile 'config/my study.yaml'`" in text


def test_the_page_is_one_screen_of_plain_text(tmp_path, planned):
    for config in (embedded(), real(embedded())):
        lines = page(examined(config, tmp_path)).splitlines()
        assert len(lines) <= 45
        assert max(map(len, lines)) <= 120
        assert not any("\x1b" in line or line != line.rstrip() for line in lines)


def test_what_is_missing_is_listed_with_the_way_to_get_it(tmp_path, planned):
    text = page(examined(real(embedded()) | {"device": "cuda"}, tmp_path))
    assert "missing  device: cuda, but torch 2.13.0 (no CUDA) finds no usable GPU" in text
    assert "missing  blues  blues: get it from its owners." in text
    assert "Next: get or correct what is missing under Machine (and 3 more marked missing)" in text


def test_the_expected_contents_of_a_download_are_listed(tmp_path, planned):
    registry = {"covid_blues": entry(videos=362, frames=31_746, size=1_500_000_000), "busi": entry(images=780)}
    text = " ".join(page(examined(real(embedded()), tmp_path, registry, fetchable=True)).split())
    assert "will be fetched to" in text
    assert "1.5 GB; expected 362 videos, 31,746 frames" in text


def test_an_extracted_set_is_listed_with_its_contents_and_a_damaged_store_does_not_count(tmp_path):
    shutil.rmtree(tmp_path / "store", ignore_errors=True)
    (tmp_path / "store").mkdir()
    write_manifest(sound_manifest(6, video=["a", "a", "a", "b", "b", "b"]), tmp_path / "store")
    with new_array(tmp_path / "store/frames.npy", 8) as frames, new_array(tmp_path / "store/masks.npy", 8):
        frames.append(np.zeros((6, 8, 8), np.uint8))
    given = {"name": "x", "folder": "data/x", "exists": True, "fetchable": False, "how_to_get": "ask"}
    settings = {"reader": "busi", "data_root": "d"}
    assert set_finding(given, None, settings, tmp_path / "store") == ok("extracted from data/x: 2 files, 6 frames")
    with new_array(tmp_path / "store/frames.npy", 8) as frames:
        frames.append(np.zeros((5, 8, 8), np.uint8))
    damaged = set_finding(given, None, settings, tmp_path / "store")
    assert damaged.mark == "missing"
    assert "has 5 frames but 6 rows in manifest" in damaged.text
    assert damaged.text.endswith("(call with --forcerun extract_frames)")


def test_a_study_that_cannot_be_planned_is_noted_and_the_page_continues(tmp_path, monkeypatch):
    def refuse(*_):
        raise UserError("the study can't be planned")

    monkeypatch.setattr(report, "forecast", refuse)
    text = page(examined(embedded(), tmp_path))
    assert "note     unknown: the study can't be planned" in text
    assert "Next: nothing is missing" in text


def test_a_finished_study_is_marked_as_finished(tmp_path, planned):
    planned(Forecast({}, {}))
    assert "Next: every job has run" in page(examined(embedded(), tmp_path))


def test_a_long_finding_is_cut_and_a_long_path_is_not_broken():
    path = "/a" * 80
    found = [missing("word " * 300), ok(path), Finding("", "plain")]
    text = page(Report("mine", [Section("Data", found)], False, "snakemake"))
    assert path in text
    assert len(text.splitlines()) < 25


def looked_at(folder, settings, entry=None):
    given = {"name": "x", "folder": str(folder), "exists": True, "fetchable": False, "how_to_get": "ask"}
    return set_finding(given, entry, settings, folder / "none")


def test_a_folder_that_is_there_is_read_as_the_study_reads_it(tmp_path):
    for name in ("p1/a.png", "p1/b.png", "p2/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / name), np.full((40, 50), 90, np.uint8))
    own = {"kind": "image_folder", "patient": r"(\w)\.?$"}
    assert looked_at(tmp_path, own) == ok(f"{tmp_path}: 3 files; 3 of them looked into: all can be read")
    assert "no `patient`, `group` or `table`" in looked_at(tmp_path, {"kind": "image_folder"}).text
    faulty = looked_at(tmp_path, own | {"classes": ["p1", "p3"]})
    assert faulty.mark == "missing"
    assert "has no images in a folder p3" in faulty.text
    (tmp_path / "p2/c.png").write_bytes(b"version https://git-lfs.github.com/spec/v1")
    damaged = looked_at(tmp_path, own)
    assert damaged.mark == "note"
    assert "1 can't be read, such as p2/c.png: " in damaged.text
    for name in ("p1/a.png", "p1/b.png"):
        (tmp_path / name).write_bytes(b"")
    assert looked_at(tmp_path, own).mark == "missing"


def test_a_folder_of_another_layout_or_an_incomplete_one_is_not_called_ok(tmp_path):
    (tmp_path / "notes.txt").touch()
    assert looked_at(tmp_path, {"reader": "busi"}).text.startswith(f"{tmp_path} has no benign: it should hold benign/")
    for name in range(1, 6):
        (tmp_path / f"covid_data{name}.pkl").touch()
    assert looked_at(tmp_path, {"reader": "pocus_folds"}) == ok(f"{tmp_path}: 15 files, none looked into")
    found = looked_at(tmp_path, {"reader": "pocus_folds"}, entry(classes={"covid": 7}))
    assert found.mark == "missing"
    assert "5 files of class covid instead of 7" in found.text
    assert looked_at(tmp_path, {"reader": "pocus_folds", "partial": True}, entry(classes={"covid": 7})).mark == "ok"


def test_links_in_a_circle_and_a_huge_folder_do_not_keep_the_page_waiting(tmp_path, monkeypatch):
    for number in range(6):
        (tmp_path / f"p{number}").mkdir()
        (tmp_path / f"p{number}/all").symlink_to("..")
    found = looked_at(tmp_path, {"kind": "video_folder"})
    assert found.mark == "missing"
    assert "has no file whose name ends in" in found.text
    monkeypatch.setattr(fingerprint, "MOST_WATCHED", 3)
    fingerprint.computed.cache_clear()
    assert "was not looked into" in looked_at(tmp_path, {"kind": "video_folder"}).text


def test_the_next_step_says_what_is_downloaded_first(tmp_path, planned, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    registry = {"covid_blues": entry(videos=362, size=1_500_000_000), "busi": entry(images=780)}
    registry["covid19_ultrasound"] = entry(size=300_000_000)
    config = real(embedded()) | {"encoder": "resnet18"}
    text = " ".join(page(examined(config, tmp_path, registry, fetchable=True)).split())
    assert text.endswith(
        "Next: run the study with `snakemake --cores all`, which first downloads blues (1.5 GB) and pocus (300 MB) and"
        " busi (1 archive, size not known) and the ImageNet weights of resnet18 (45 MB)."
    )


def test_the_command_names_the_snakefile_if_it_lies_elsewhere(tmp_path, planned, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = f"`snakemake --cores all --snakefile {ROOT / 'Snakefile'} --config device=cpu`"
    assert command in page(examined(embedded(), tmp_path, options=["--config", "device=cpu"]))


def test_the_size_of_a_download_is_given_as_far_as_it_is_known():
    known, unknown = entry(size=2_000_000)["files"], entry()["files"]
    assert download({"files": known}) == "2.0 MB"
    assert download({"files": unknown}) == "1 archive, size not known"
    assert download({"files": known + unknown}) == "2.0 MB and more, not all sizes are known"


def test_the_page_says_what_the_primary_comparisons_can_show(tmp_path, planned):
    primary = [{"arm": "simclr", "reference": "untrained", "task": "busi", "regime": "linear", "metric": "macro_f1"}]
    expected = {"primary": primary, "margins": {}, "kinds": {"busi": "classification"}, "trainings": 1}
    expected["statistics"] = {"busi/linear": "none.csv"}
    found = examine(
        embedded(),
        registry={},
        sets=given_sets(embedded(), tmp_path / "data"),
        results=tmp_path / "results",
        lock=ROOT / "requirements.lock",
        snakefile=ROOT / "Snakefile",
        cores=2,
        expected=expected,
        groups={"busi": 120},
    )
    assert found.sections[-1].title == "What the study can show"
    text = page(found)
    assert "simclr against untrained on busi (linear), macro-F1: no claim with 1 of the 3 trainings" in text


def test_the_page_notes_arms_of_too_few_steps(tmp_path, planned):
    config = embedded()
    given = {"arms": {"short": {"method": "simclr", "epochs": 3}, "start": {"method": "untrained"}}, "shares": {}}
    few = "methods.short: 6 steps in all (`epochs: 3`) may teach it nothing"
    assert few in page(examined(config, tmp_path, pretraining=given))  # 64 videos in batches of 32
    assert "Pretraining" not in page(examined(config, tmp_path, pretraining={"arms": {}, "shares": {}}))
    for unread in (None, {"covid_blues": entry()}):
        found = examined(real(config), tmp_path, unread, pretraining=given)
        assert "steps per arm: unknown until the pool is read" in page(found)
    known = examined(real(config), tmp_path, {"covid_blues": entry(videos=362)}, pretraining=given)
    assert "methods.short: 36 steps in all" in page(known)
