"""The forecast of the rest, on jobs with known times and on the recorded jobs of an embedded study."""

import csv
import heapq
from pathlib import Path

import pytest

from uscl.jobs.screen.remaining import Kind, Remaining, kind_of

RECORDED = Path(__file__).with_name("recorded_jobs.csv")  # on two cores, in seconds since the first job


def recorded():
    """(start, end, kind) of each job."""
    with RECORDED.open() as file:
        for row in csv.DictReader(file):
            wildcards = dict(pair.split("=") for pair in row["wildcards"].split(";") if pair)
            yield float(row["start"]), float(row["end"]), kind_of(row["rule"], wildcards)


def forecasts(jobs, seconds):
    """(time, seconds left, forecast) at the end of each job but the last."""
    remaining = Remaining([kind for _, _, kind in jobs], seconds, 0.0)
    last, running = max(end for _, end, _ in jobs), []
    for number, (start, end, kind) in enumerate(sorted(jobs)):
        while running and running[0][0] <= start:
            ended, job = heapq.heappop(running)
            remaining.ended(job, ended)
            yield ended, last - ended, remaining.left(ended)
        remaining.started(number, kind, start)
        heapq.heappush(running, (end, number))


def test_after_a_third_of_the_recorded_study_the_forecast_is_right_within_a_factor_of_1_5():
    jobs = list(recorded())
    whole = max(end for _, end, _ in jobs)
    found = [(now, left, told) for now, left, told in forecasts(jobs, {}) if whole / 3 <= now <= 0.9 * whole]
    assert len(found) > 50
    assert [(now, left, told) for now, left, told in found if not left / 1.5 <= told <= left * 1.5] == []


def test_jobs_of_one_length_one_after_another():
    kind = Kind("make", ())
    remaining = Remaining([kind] * 4, {}, 0.0)
    assert remaining.left(0.0) is None
    remaining.started(0, kind, 0.0)
    assert remaining.left(5.0) is None
    remaining.ended(0, 10.0)
    assert remaining.left(10.0) == pytest.approx(30)
    remaining.started(1, kind, 10.0)
    assert remaining.left(14.0) == pytest.approx(26)
    assert (remaining.done, remaining.total) == (1, 4)


def test_two_at_a_time_take_half_as_long_but_no_less_than_the_longest():
    kind = Kind("make", ())
    remaining = Remaining([kind] * 6, {}, 0.0)
    for job in (0, 1):
        remaining.started(job, kind, 0.0)
    for job in (0, 1):
        remaining.ended(job, 10.0)
    assert remaining.left(10.0) == pytest.approx(20)
    for job in range(2, 6):
        remaining.started(job, kind, 10.0)
    assert remaining.left(10.0) == pytest.approx(20)
    assert remaining.left(12.0) == pytest.approx(max(4 * 8 / (28 / 12), 8))


def test_the_most_similar_jobs_count_then_wider_kinds_then_earlier_calls_then_all():
    def cell(arm, task):
        return kind_of("finetune", {"arm": arm, "task": task, "regime": "finetune", "seed": "0"})

    def expected(kind, seconds):
        remaining = Remaining([cell("a", "lung"), cell("b", "breast"), kind], seconds, 0.0)
        for job, (one, start, end) in enumerate([(cell("a", "lung"), 0, 10), (cell("b", "breast"), 10, 40)]):
            remaining.started(job, one, start)
            remaining.ended(job, end)
        return remaining.left(40.0)

    assert expected(cell("a", "lung"), {"finetune": 99}) == pytest.approx(10)
    assert expected(cell("new", "breast"), {}) == pytest.approx(30)  # the same task of another arm
    assert expected(cell("b", "new"), {}) == pytest.approx(30)  # the same arm on another task
    assert expected(cell("new", "new"), {}) == pytest.approx(20)
    assert expected(Kind("pretrain", ()), {"pretrain": 99}) == pytest.approx(99)
    assert expected(Kind("pretrain", ()), {}) == pytest.approx(20)


def test_a_failed_job_waits_again_and_its_time_does_not_count():
    kind = Kind("make", ())
    remaining = Remaining([kind] * 2, {}, 0.0)
    remaining.started(0, kind, 0.0)
    remaining.ended(0, 10.0)
    remaining.started(1, kind, 10.0)
    remaining.ended(1, 11.0, well=False)
    assert remaining.done == 1
    remaining.started(1, kind, 11.0)
    remaining.ended(1, 21.0)
    assert (remaining.done, remaining.left(21.0)) == (2, 0.0)
