import pytest
from studies import RECORD, embedded

from tests.unit.checks.doctor.test_jobs import amounts_of
from uscl.checks.doctor.estimate import by_the_clock, estimate, measured_seconds, slowdown, time_lines, to_come
from uscl.checks.doctor.jobs import Job, study_jobs

HEADER = "s\th:m:s\tmax_rss\n"


def test_seconds_are_read_from_snakemakes_benchmark_files(tmp_path):
    (tmp_path / "encoders").mkdir()
    (tmp_path / "encoders" / "simclr-seed0.tsv").write_text(f"{HEADER}40.0\t0:00:40\t1\n42.0\t0:00:42\t1\n")
    (tmp_path / "table.tsv").write_text(f"{HEADER}1.5\t0:00:01\t1\n")
    (tmp_path / "cut.tsv").write_text("")
    (tmp_path / "header.tsv").write_text(HEADER)
    (tmp_path / "na.tsv").write_text(f"{HEADER}NA\tNA\tNA\n")
    assert measured_seconds(tmp_path) == {"encoders/simclr-seed0": 41.0, "table": 1.5}
    assert measured_seconds(tmp_path / "none") == {}


def test_jobs_that_have_run_count_with_their_real_seconds_and_scale_the_rest():
    jobs = [Job("pretraining", "a", 10.0), Job("pretraining", "b", 20.0), Job("data", "c", 5.0)]
    found = estimate(jobs, {"a": 30.0}, cores=1)
    parts = {part.name: part for part in found.parts}
    assert found.slowdown == 3
    assert (parts["pretraining"].run, parts["pretraining"].spent, parts["pretraining"].left) == (1, 30, 60)
    assert parts["data"].left == 15  # none of this part has run: as all that have
    assert found.left == 75


def test_a_part_is_scaled_by_its_own_jobs_where_some_have_run():
    jobs = [Job("data", "a", 10.0), Job("data", "b", 10.0), Job("audit", "c", 10.0), Job("audit", "d", 10.0)]
    parts = {part.name: part.left for part in estimate(jobs, {"a": 20.0, "c": 10.0}, 1).parts}
    assert (parts["data"], parts["audit"]) == (20, 10)
    assert slowdown(jobs, {}) is None


def test_a_finished_study_has_nothing_to_come():
    found = estimate([Job("data", "a", 10.0)], {"a": 12.0}, 2)
    assert (found.left, found.unknown) == (0, 0)


@pytest.mark.parametrize(
    ("jobs", "cores", "gpus", "seconds"),
    [
        ([Job("data", str(k), 10.0) for k in range(8)], 2, 0, 40),
        ([Job("data", "long", 100.0), Job("data", "short", 10.0)], 4, 0, 100),
        ([Job("data", "wide", 10.0, threads=4)], 2, 0, 10),
        ([Job("pretraining", str(k), 10.0, gpus=1) for k in range(6)], 16, 1, 60),
        ([Job("pretraining", str(k), 10.0, gpus=1) for k in range(6)], 16, 2, 30),
        ([], 2, 0, 0),
    ],
)
def test_cores_and_gpus_share_the_jobs(jobs, cores, gpus, seconds):
    assert by_the_clock(jobs, cores, gpus) == seconds


def test_what_cannot_be_estimated_is_said(tmp_path):
    jobs = [Job("pretraining", "a", None), Job("pretraining", "b", 4.0), Job("data", "c", None)]
    found = estimate(jobs, {}, 2)
    parts = {part.name: to_come(part) for part in found.parts}
    assert (parts["pretraining"], parts["data"], parts["audit"]) == ("4 s + ?", "?", "-")
    text = "\n".join(line.text for line in time_lines(found, 2, 0, RECORD))
    assert "at least 4 s on 2 cores" in text
    assert "1 job of data, 1 job of pretraining" in text
    assert found.unknown == 2


def test_the_embedded_study_is_estimated_near_its_measured_time(tmp_path):
    """`make results` took 622 s on the machine of RECORD, 75 of them the installation; the audit came later."""
    config = embedded()
    jobs = [job for job in study_jobs(config, amounts_of(config, tmp_path), RECORD, 2) if job.part != "audit"]
    assert estimate(jobs, {}, 2).left == pytest.approx(622 - 75, rel=0.25)
