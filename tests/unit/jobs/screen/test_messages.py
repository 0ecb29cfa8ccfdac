"""The lines that become of Snakemake's messages."""

import json
import logging

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from uscl.jobs.screen.messages import Screen
from uscl.jobs.screen.remaining import Kind, Remaining

T0 = 1_000_000.0


class Lines:
    """An output that keeps its lines."""

    def __init__(self, has_bars=False):
        self.lines, self.has_bars, self.drained = [], has_bars, 0

    def write(self, text, style=""):
        self.lines.append(text)

    def drain(self):
        self.drained += 1

    def close(self):
        pass


@pytest.fixture
def screen():
    return Screen(lambda bars: Lines())


def send(screen, text="", level=logging.INFO, at=T0, **fields):
    record = logging.LogRecord("snakemake", level, "", 0, text, (), None)
    record.created = at
    vars(record).update(fields)
    screen.handle(record)


def start(screen, job=1, at=T0, log="log.log", message="Pretraining: simclr, seed 0"):
    wildcards = {"arm": "simclr", "seed": "0"}
    fields = {"jobid": job, "rule_msg": message, "rule_name": "pretrain", "wildcards": wildcards, "log": [str(log)]}
    send(screen, event=LogEvent.JOB_INFO, at=at, **fields)


def shown(screen):
    """The lines without their times of day."""
    return [line[10:] if line[2:3] == ":" else line for line in screen.output.lines]


def test_a_job_is_a_line_when_it_starts_and_one_when_it_ends(screen):
    screen.remaining = Remaining([Kind("pretrain", (("arm", "simclr"),))] * 3, {}, T0)
    start(screen)
    send(screen, "Finished jobid: 1", event=LogEvent.JOB_FINISHED, job_id=1, at=T0 + 40)
    assert shown(screen) == [
        "start    Pretraining: simclr, seed 0",
        "1/3      Pretraining: simclr, seed 0 (40 s); about 80 s left",
    ]


def test_with_bars_only_the_end_is_a_line():
    screen = Screen(lambda bars: Lines(has_bars=True))
    start(screen)
    assert shown(screen) == []


def test_a_failed_job_is_named_with_its_log_after_its_own_words(screen):
    start(screen)
    send(screen, "Error in rule pretrain", logging.ERROR, event=LogEvent.JOB_ERROR, jobid=1)
    assert shown(screen)[1:] == ["FAILED   Pretraining: simclr, seed 0 (log: log.log)"]
    assert screen.output.drained == 1
    assert [failed.job.message for failed in screen.failed.values()] == ["Pretraining: simclr, seed 0"]


def test_an_interrupted_job_has_stopped_and_has_not_failed(screen, tmp_path):
    (tmp_path / "job.attempt.json").write_text(json.dumps({"status": "interrupted"}))
    start(screen, log=tmp_path / "job.log")
    send(screen, "Error in rule pretrain", logging.ERROR, event=LogEvent.JOB_ERROR, jobid=1)
    assert shown(screen)[1:] == [f"stopped  Pretraining: simclr, seed 0 (log: {tmp_path / 'job.log'})"]


@pytest.mark.parametrize(("written", "word"), [(None, "stopped"), ("running", "stopped"), ("failed", "FAILED")])
def test_after_ctrl_c_only_a_job_that_says_so_has_failed(screen, tmp_path, monkeypatch, written, word):
    monkeypatch.setattr("uscl.jobs.interruption.received", lambda: "SIGINT")
    if written:
        (tmp_path / "job.attempt.json").write_text(json.dumps({"status": written}))
    start(screen, log=tmp_path / "job.log")
    send(screen, "Error in rule pretrain", logging.ERROR, event=LogEvent.JOB_ERROR, jobid=1)
    assert shown(screen)[-1].startswith(word)


def test_a_killed_job_is_named_as_such_and_is_no_failure_once_it_is_retried(screen, tmp_path):
    (tmp_path / "job.attempt.json").write_text(json.dumps({"status": "running"}))
    start(screen, log=tmp_path / "job.log")
    send(screen, "Error in rule pretrain", logging.ERROR, event=LogEvent.JOB_ERROR, jobid=1)
    assert "seed 0: it gave no reason: it was killed, with kill -9 or" in screen.output.lines[-1]
    assert screen.failed[1].killed
    send(screen, "Trying to restart job 1.")
    assert shown(screen)[-1] == "retry    Pretraining: simclr, seed 0"
    assert screen.failed == {}


def test_the_command_of_a_failed_script_is_not_shown_and_other_errors_are(screen):
    text = "RuleException:\nCalledProcessError in file x.smk, line 3:\nCommand 'set -euo pipefail; python' died."
    send(screen, text, logging.ERROR, event=LogEvent.ERROR, exception="RuleException")
    send(screen, "MissingOutputException:\nJob 3 lacks a file", logging.ERROR, event=LogEvent.ERROR)
    assert screen.output.lines == ["MissingOutputException:\nJob 3 lacks a file"]


def test_a_message_of_the_user_or_of_a_plugin_is_shown_and_the_steps_of_snakemake_are_not(screen):
    for text in ("Select jobs to execute...", "Building DAG of jobs...", "Using shell: /bin/bash", "None"):
        send(screen, text)
    send(screen, "157 steps", event=LogEvent.PROGRESS, done=1, total=157)
    send(screen, "Missing: a set", logging.WARNING)
    for _ in range(3):  # as Snakemake repeats it
        send(screen, "Will exit after finishing currently running jobs (scheduler).")
    assert screen.output.lines == ["Missing: a set", "Will exit after finishing currently running jobs (scheduler)."]


def test_the_complete_log_is_named_only_after_a_failure(screen):
    send(screen, "Complete log(s): a.log")
    assert screen.output.lines == []
    start(screen)
    send(screen, "Error", logging.ERROR, event=LogEvent.JOB_ERROR, jobid=1)
    send(screen, "Complete log(s): a.log")
    assert screen.output.lines[-1] == "Complete log(s): a.log"


def test_the_plan_counts_the_jobs_by_rule(screen):
    send(screen, event=LogEvent.RUN_INFO, stats={"simulate": 4, "score": 2, "all": 1, "total": 7})
    assert screen.output.lines == ["Jobs to run: 4 simulate, 2 score."]


def test_targets_without_work_are_no_lines(screen):
    start(screen, job=0, message=None)
    send(screen, event=LogEvent.JOB_FINISHED, job_id=0)
    assert screen.output.lines == []


@pytest.mark.parametrize("lines", [[], ["", "The study is finished."]])
def test_a_call_without_jobs_names_the_results_it_finds(lines):
    screen = Screen(lambda bars: Lines(), nothing_to_do=lambda: lines)
    send(screen, "Nothing to be done (all requested files are present and up to date).")
    assert screen.output.lines[0].startswith("Nothing to be done")
    assert screen.output.lines[1:] == (["\n".join(lines)] if lines else [])
