"""The frame of the fault injection: faults that fail, break, hang or leave processes behind are told and ended."""

import os
import subprocess
import sys

import pytest

from chaos import runner
from chaos.faults import Fault, NotTried, Outcome
from chaos.one import inject
from chaos.processes import MARK, kill_all, marked
from chaos.runner import Tried
from chaos.table import counts, markdown
from chaos.topics import TOPICS, faults_of


def fault(function, limit_s=60.0):
    return Fault("topic", "a fault", "an end", function, False, limit_s)


def raising(error):
    def function(folder):
        raise error

    return fault(function)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (AssertionError("a half file"), Outcome(False, "a half file")),
        (NotTried("no mount"), Outcome(None, "no mount")),
        (KeyError("x"), Outcome(False, "the fault itself broke: KeyError('x')")),
    ],
)
def test_what_a_fault_raises_is_what_happened(tmp_path, error, outcome):
    assert inject(raising(error), tmp_path) == outcome


def test_a_fault_that_hangs_is_ended_with_all_that_it_started(tmp_path, monkeypatch):
    # In place of the fault's own process: one that starts another in a session of its own, and waits.
    code = "import subprocess, sys; subprocess.Popen(['sleep', '600'], start_new_session=True).wait()"
    real = subprocess.Popen
    monkeypatch.setattr(runner.subprocess, "Popen", lambda words, **more: real([sys.executable, "-c", code], **more))
    mark = str(tmp_path)
    outcome = runner.injected(fault(None, limit_s=1.0), tmp_path / "home", os.environ | {MARK: mark})
    assert outcome == Outcome(False, "hung: not over after 1 s")
    assert marked(mark) == []


def test_processes_are_found_by_their_mark_alone(tmp_path):
    with subprocess.Popen(["sleep", "600"], env=os.environ | {MARK: str(tmp_path)}) as process:
        assert [found.pid for found in marked(str(tmp_path))] == [process.pid]
        assert marked(f"{tmp_path}-another") == []
        kill_all(str(tmp_path))
        assert process.wait() != 0


def test_the_table_counts_and_keeps_its_cells_apart():
    results = [
        Tried(fault(None), Outcome(True, "a | b\nc"), 1.0),
        Tried(fault(None), Outcome(None, "no mount"), 0.0),
    ]
    assert counts(results) == "2 faults: 1 passed, 0 failed, 1 not tried"
    assert "| topic | a fault | an end | a \\| b c | 1 s | pass |" in markdown(results).splitlines()


def test_every_topic_has_faults_with_names_of_their_own_and_most_have_short_ones():
    names = [(found.topic, found.name) for found in faults_of(TOPICS)]
    assert len(names) == len(set(names)) >= 40
    assert {topic for topic, _ in names} == set(TOPICS)
    assert 8 <= len(faults_of(TOPICS, short=True)) < len(names) / 2
