from pathlib import Path

import pytest

from uscl.base.text import duration
from uscl.checks.doctor import machine
from uscl.checks.doctor.findings import counted, size

ROOT = Path(__file__).parents[4]
GPU = machine.Gpu("A GPU", 8_000_000_000, 16_000_000_000)


@pytest.mark.parametrize(
    ("given", "mark"), [("3.11.7", "ok"), ("3.12.1", "note"), ("3.10.2", "missing"), ("3.9.18", "missing")]
)
def test_a_python_is_judged_by_its_version(given, mark):
    assert [line.mark for line in machine.python_findings(given)] == [mark]


def test_locked_versions_are_read_whatever_the_spelling_of_names(tmp_path):
    lock = tmp_path / "requirements.lock"
    lock.write_text("# a comment\nsegmentation_models_pytorch==0.6.0\ntorch==2.13.0\nidna==3.20\n")
    assert machine.locked_versions(lock) == {"torch": "2.13.0", "segmentation-models-pytorch": "0.6.0"}
    assert machine.locked_versions(tmp_path / "none") == {}


def test_all_watched_packages_are_in_the_projects_lock_file():
    assert set(machine.locked_versions(ROOT / "requirements.lock")) == set(machine.WATCHED)


def test_a_build_of_the_pinned_version_is_no_difference():
    (line,) = machine.package_findings({"torch": "2.13.0+cpu", "timm": "1.0.31"}, {"torch": "2.13.0", "timm": "1.0.31"})
    assert line.mark == "ok"


def test_absent_and_differing_packages_are_named_with_their_versions():
    absent, other = machine.package_findings({"timm": "1.0.30"}, {"torch": "2.13.0", "timm": "1.0.31"})
    assert (absent.mark, other.mark) == ("missing", "note")
    assert "torch" in absent.text
    assert "timm 1.0.30 (pinned 1.0.31)" in other.text


def test_without_a_lock_file_nothing_is_compared():
    (line,) = machine.package_findings({"timm": "1.0.30"}, {})
    assert line.mark == "note"


@pytest.mark.parametrize(
    ("device", "devices", "found", "mark", "words"),
    [
        ("cpu", 1, [], "ok", "device: cpu, torch X"),
        ("cpu", 1, [GPU], "note", "could use A GPU, 8.0 GB of 16 GB free"),
        ("cuda", 1, [GPU], "ok", "A GPU, 8.0 GB of 16 GB free"),
        ("cuda", 1, [], "missing", "set `device: cpu`"),
        ("cuda", 4, [GPU, GPU], "missing", "devices: 4, but torch finds 2 GPUs"),
    ],
)
def test_the_device_is_compared_with_what_is_there(device, devices, found, mark, words):
    (line,) = machine.device_findings(device, devices, "torch X", found)
    assert line.mark == mark
    assert words in line.text


@pytest.mark.parametrize(("free", "mark"), [(200_000_000, "note"), (400_000_000, "ok")])
def test_a_nearly_full_disk_is_worth_a_look(free, mark):
    (finding,) = machine.disk_findings(Path("r"), free, 5000)
    assert finding.mark == mark
    assert f"r: {free // 10**6} MB free, 5.0 kB used" in finding.text


def test_space_is_that_of_the_nearest_folder_that_exists(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_bytes(bytes(1000))
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert machine.used_space(tmp_path / "a") == 1000
    assert machine.used_space(tmp_path / "none") == 0
    assert machine.free_space(tmp_path / "none" / "deeper") > 0


def test_memory_is_that_of_this_machine():
    total, free = machine.memory()
    assert free is None or 0 < free <= total
    assert "2 cores, 8.0 GB of memory, 2.0 GB of it available" in machine.cpu_findings(2, 8 * 10**9, 2 * 10**9)[0].text
    assert "available" not in machine.cpu_findings(1, 8 * 10**9, None)[0].text


def test_numbers_are_written_in_the_unit_that_suits_them():
    assert [size(n) for n in (0, 512, 999.6, 2_500_000_000, 4e15)] == ["0 B", "512 B", "1.0 kB", "2.5 GB", "4000 TB"]
    assert [duration(s) for s in (4.2, 99, 720, 12240, 400000)] == ["4 s", "99 s", "12 min", "3.4 h", "4.6 days"]
    assert [counted(n, "frame") for n in (0, 1, 1440)] == ["0 frames", "1 frame", "1,440 frames"]


def test_cores_that_would_be_idle_are_named():
    (found,) = machine.thread_findings(cores=16, processes=5, threads=1)
    assert found.text.startswith("5 pretrainings for 16 cores: `threads: 3` would keep all of them busy")
    assert machine.thread_findings(cores=16, processes=24, threads=1) == []
    assert machine.thread_findings(cores=16, processes=5, threads=3) == []
    (found,) = machine.thread_findings(cores=2, processes=5, threads=4)
    assert found.text.startswith("threads: 4, but there are 2 cores")
