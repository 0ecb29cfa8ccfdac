import errno
import hashlib
import json
import logging
import os
import signal
import warnings
from types import SimpleNamespace

import pytest
from flipped import flip

from uscl.base.errors import DiskFullError, UserError
from uscl.jobs.attempts import Attempt
from uscl.jobs.job import job, run_of, trained_encoder
from uscl.jobs.outcome import read_outcome, write_done, write_failed


@pytest.fixture(autouse=True)
def _logging_as_before(monkeypatch):
    monkeypatch.setattr(logging, "raiseExceptions", logging.raiseExceptions)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(False)
    root.handlers[:], root.level = handlers, level


class Named(list):
    """Files of a job, by name too, as Snakemake has them."""

    def __init__(self, **files):
        super().__init__(files.values())
        self._files = files

    def get(self, name, default=None):
        return self._files.get(name, default)

    def items(self):
        return self._files.items()


class Params(dict):
    """Parameters of a job, as attributes too, as Snakemake has them."""

    __getattr__ = dict.get


def called(log, **more):
    """What Snakemake hands to a script."""
    nothing = {"input": Named(), "output": Named(), "params": Params(), "wildcards": Named(), "rule": "a_rule"}
    config = {"seeds": [0], "results": str(log.parent)}
    return SimpleNamespace(**{**nothing, "log": [str(log)], "config": config, "threads": 1, **more})


@pytest.fixture(autouse=True)
def _signals_as_before():
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_log_keeps_information_and_warnings(tmp_path):
    with job(called(tmp_path / "new" / "job.log")):
        logging.getLogger("uscl.data").info("decoded %d files", 3)
        warnings.warn("odd file", stacklevel=1)
    text = (tmp_path / "new" / "job.log").read_text()
    assert "decoded 3 files" in text
    assert "odd file" in text


def test_of_several_processes_only_the_first_writes_the_log(tmp_path, monkeypatch):
    with job(called(tmp_path / "job.log")):
        logging.getLogger("uscl").info("first")
    monkeypatch.setenv("LOCAL_RANK", "1")
    with job(called(tmp_path / "job.log")):
        logging.getLogger("uscl").info("second")
    assert "first" in (tmp_path / "job.log").read_text()
    assert "second" not in (tmp_path / "job.log").read_text()


def test_a_users_mistake_is_one_sentence_and_no_traceback(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped, job(called(tmp_path / "job.log")):
        raise UserError("The folder is empty: set data_root.")
    assert stopped.value.code == 1
    for text in ((tmp_path / "job.log").read_text(), capsys.readouterr().err):
        assert "ERROR The folder is empty: set data_root." in text
        assert "Traceback" not in text


def test_a_fault_of_the_program_keeps_its_traceback_in_the_log_and_is_one_line_on_the_screen(tmp_path, capsys):
    with pytest.raises(SystemExit), job(called(tmp_path / "job.log")):
        raise ZeroDivisionError
    text = (tmp_path / "job.log").read_text()
    assert "fault of the program" in text
    assert "Traceback" in text
    (line,) = capsys.readouterr().err.splitlines()
    assert f" {tmp_path.name}/job ERROR This is a fault of the program" in line
    assert line.endswith("(ZeroDivisionError)")


def attempt(folder):
    return json.loads((folder / "job.attempt.json").read_text())


def test_an_attempt_is_next_to_the_log_while_the_job_runs_and_stays_if_it_fails(tmp_path):
    with job(called(tmp_path / "job.log")) as running:
        running.describe({"name": "a run"})
        assert attempt(tmp_path) | {"status": "running", "name": "a run", "reason": None} == attempt(tmp_path)
    assert not (tmp_path / "job.attempt.json").exists()
    with pytest.raises(SystemExit), job(called(tmp_path / "job.log")):
        raise UserError("No data: fetch it.")
    end = attempt(tmp_path)
    assert (end["status"], end["reason"], end["log"]) == ("failed", "No data: fetch it.", str(tmp_path / "job.log"))
    assert end["started"] <= end["ended"]


def test_an_attempt_that_ends_before_it_knows_its_run_keeps_the_record_of_the_one_before(tmp_path, monkeypatch):
    monkeypatch.setenv("USCL_CALLER", f"{os.getpid()}@elsewhere")
    Attempt(tmp_path / "job.log").describe({"name": "a run", "started": 1.0})
    retried = Attempt(tmp_path / "job.log")
    retried.end("failed", "Out of memory.")
    expected = {"name": "a run", "started": 1.0, "status": "failed", "reason": "Out of memory."}
    assert attempt(tmp_path) | expected == attempt(tmp_path)
    Attempt(tmp_path / "job.log")
    assert attempt(tmp_path) | {"name": "a run", "status": "running", "reason": None, "ended": None} == attempt(
        tmp_path
    )
    monkeypatch.setenv("USCL_CALLER", f"{os.getpid() + 1}@elsewhere")  # its settings may be others
    Attempt(tmp_path / "job.log")
    assert "name" not in attempt(tmp_path)


def run(folder, **more):
    """A run with its outcome in `folder`."""
    given = {"output": Named(outcome=str(folder / "outcome.json")), "params": Params(key="k"), **more}
    return run_of(called(folder / "job.log", **given))


def outcome(folder):
    return read_outcome(folder / "outcome.json")


def test_a_mistake_of_a_run_is_its_outcome_and_the_job_ends_well(tmp_path, capsys):
    with run(tmp_path) as attempt:
        attempt.describe({"name": "a run"})
        raise UserError("The loss became nan in epoch 3.")
    found = outcome(tmp_path)
    assert found[:4] == ("failed", "k", "The loss became nan in epoch 3.", {})
    assert (found.record["name"], found.record["log"]) == ("a run", str(tmp_path / "job.log"))
    assert found.record["started"] <= found.record["ended"]
    assert "The loss became nan in epoch 3." in capsys.readouterr().err
    assert not (tmp_path / "job.attempt.json").exists()
    assert (tmp_path / "outcome.provenance.json").exists()


def test_a_fault_of_the_program_in_a_run_is_an_outcome_too_and_keeps_its_traceback(tmp_path):
    with run(tmp_path):
        raise IndexError("out of range")
    assert outcome(tmp_path).reason == "IndexError: out of range"
    assert "Traceback" in (tmp_path / "job.log").read_text()


@pytest.mark.parametrize("error", [MemoryError(), DiskFullError("x can't be written: the disk is full.")])
def test_an_error_of_the_machine_is_no_outcome_and_fails_the_job(tmp_path, error):
    with pytest.raises(SystemExit) as stopped, run(tmp_path):
        raise error
    assert stopped.value.code == 1
    assert outcome(tmp_path) is None


def test_an_interrupted_run_has_no_outcome_and_may_be_retried(tmp_path):
    with pytest.raises(SystemExit) as stopped, run(tmp_path):
        os.kill(os.getpid(), signal.SIGTERM)
    assert stopped.value.code == 75
    assert outcome(tmp_path) is None


def test_a_run_whose_encoder_failed_fails_with_its_reason(tmp_path):
    write_failed(tmp_path / "encoder", "e", "The loss became nan.")
    with run(tmp_path):
        trained_encoder(str(tmp_path / "encoder/outcome.json"))
    assert outcome(tmp_path).reason == "its encoder could not be trained: The loss became nan."


def test_another_process_of_a_training_leaves_the_outcome_to_the_first(tmp_path, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    with run(tmp_path):
        raise UserError("The loss became nan.")
    assert outcome(tmp_path) is None


def test_an_interrupted_job_has_an_exit_code_of_its_own(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("USCL_CALLER", f"{os.getpid()}@elsewhere")
    for number in (signal.SIGTERM, signal.SIGINT):
        with pytest.raises(SystemExit) as stopped, job(called(tmp_path / "job.log")):
            os.kill(os.getpid(), number)
        assert stopped.value.code == 75
        assert attempt(tmp_path)["status"] == "interrupted"
        output = capsys.readouterr().err
        assert f"Interrupted by {signal.Signals(number).name}. Run the command again to resume" in output
        assert "Traceback" not in output


OUTSIDE = {
    "full": (
        OSError(errno.ENOSPC, "No space left on device", "a.csv"),
        "a.csv can't be written: the disk is full. Free",
    ),
    "read-only": (
        OSError(errno.EROFS, "Read-only file system", "a.csv"),
        "a.csv can't be used (Read-only file system): ",
    ),
    "memory": (MemoryError(), "Out of memory: make `batch_size` or `frame_size` smaller"),
    "GPU": (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "Out of memory: make `batch_size` or"),
    "system": (OSError(errno.ENOMEM, "Cannot allocate memory", "frames.npy"), "Out of memory: make `batch_size` or"),
    "C++": (RuntimeError("std::bad_alloc"), "Out of memory: make `batch_size` or"),
    "cuBLAS": (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED"), "Out of memory: make `batch_size` or"),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_an_error_of_the_machine_is_one_sentence(tmp_path, capsys, name):
    error, sentence = OUTSIDE[name]
    with pytest.raises(SystemExit) as stopped, job(called(tmp_path / "job.log")):
        raise error
    assert stopped.value.code == 1
    output = capsys.readouterr().err
    assert sentence in output
    assert "Traceback" not in output
    assert attempt(tmp_path)["reason"].startswith(sentence)


def test_a_retried_job_shows_a_sentence_once_and_logs_it_each_time(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("USCL_CALLER", f"{os.getpid()}@elsewhere")
    for sentence in ("a.csv is damaged.", "a.csv is damaged.", "b.csv is damaged."):
        with pytest.raises(SystemExit), job(called(tmp_path / "job.log")):
            raise UserError(sentence)
        assert sentence in (tmp_path / "job.log").read_text()
    assert capsys.readouterr().err.count("a.csv is damaged.") == 1
    monkeypatch.setenv("USCL_CALLER", f"{os.getpid() + 1}@elsewhere")
    with pytest.raises(SystemExit), job(called(tmp_path / "job.log")):
        raise UserError("b.csv is damaged.")
    assert capsys.readouterr().err.count("b.csv is damaged.") == 1


def test_a_result_has_its_provenance_next_to_it(tmp_path):
    data = tmp_path / "data.csv"
    data.write_text("a")
    out = tmp_path / "deep" / "table.csv"
    out.parent.mkdir()
    snakemake = called(
        tmp_path / "job.log",
        input=Named(data=str(data)),
        params=Params(code="0123"),
        output=Named(csv=str(out)),
        wildcards=Named(seed="3"),
    )
    with job(snakemake):
        out.write_text("result")
    record = json.loads((out.parent / "table.provenance.json").read_text())
    assert list(record["inputs"].values()) == [hashlib.sha256(b"a").hexdigest()]
    assert list(record["outputs"].values()) == [hashlib.sha256(b"result").hexdigest()]
    assert record["code_sha256"] == "0123"
    assert record["seeds"] == {"study": [0], "job": 3}
    assert record["dirty"] in (True, False, None)
    assert record["wall_s"] >= 0
    assert record["peak_memory_mib"] > 1
    assert record["packages"]["torch"].startswith("2.")
    assert {"cpu", "gpu", "threads"} <= record["hardware"].keys()
    assert {"rule", "wildcards", "commit", "config_sha256", "threads", "started"} <= record.keys()


def test_a_job_that_fails_or_makes_no_result_has_no_provenance(tmp_path):
    snakemake = called(tmp_path / "job.log", output=Named(csv=str(tmp_path / "table.csv")))
    with job(snakemake, result=False):
        pass
    with pytest.raises(SystemExit), job(snakemake):
        raise UserError("No.")
    assert not (tmp_path / "table.provenance.json").exists()


def test_of_several_processes_only_the_first_writes_files(tmp_path, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    with job(called(tmp_path / "job.log", output=Named(csv=str(tmp_path / "table.csv")))) as running:
        running.describe({"name": "a run"})
        assert list(tmp_path.iterdir()) == []
    assert list(tmp_path.iterdir()) == []


def two_jobs(folder):
    """A job that makes a table, and another one that reads it."""
    (folder / "table").mkdir(exist_ok=True)
    made = folder / "table/table.csv"
    with job(called(folder / "first.log", output=Named(csv=str(made)))):
        made.write_text("0.25")
    return made, called(folder / "second.log", input=Named(csv=str(made)), output=Named(out=str(folder / "out.csv")))


def test_a_job_whose_input_was_changed_fails_before_its_work(tmp_path, capsys):
    made, second = two_jobs(tmp_path)
    with job(second):
        pass
    flip(made)
    with pytest.raises(SystemExit), job(second):
        raise AssertionError("it has begun")
    assert f"{made} isn't as it was written" in capsys.readouterr().err
    assert not (tmp_path / "out.provenance.json").exists()


def test_a_damaged_file_is_no_mistake_of_the_run_that_reads_it(tmp_path):
    folder = tmp_path / "encoder"
    folder.mkdir()
    (folder / "encoder.safetensors").write_text("weights")
    write_done(folder, "k", ["encoder.safetensors"])
    flip(folder / "encoder.safetensors")
    with pytest.raises(SystemExit), run(tmp_path):
        trained_encoder(folder / "outcome.json")
    assert outcome(tmp_path) is None


def test_a_job_with_outputs_in_two_folders_has_its_provenance_in_both(tmp_path):
    out = {name: str(tmp_path / name / "features.npy") for name in ("busi", "pocus")}
    with job(called(tmp_path / "job.log", output=Named(**out))):
        for name, path in out.items():
            (tmp_path / name).mkdir()
            (tmp_path / name / "features.npy").write_text(path)
    one, two = ((tmp_path / name / "features.provenance.json").read_text() for name in out)
    assert one == two
