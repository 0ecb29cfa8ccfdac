import errno
import hashlib
import json
import logging
import os
import signal
import warnings
from types import SimpleNamespace

import pytest

from uscl.base.errors import UserError
from uscl.base.files import sha256
from uscl.jobs.job import job


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


def called(log, **more):
    """What Snakemake hands to a script."""
    nothing = {"input": Named(), "output": Named(), "params": Named(), "wildcards": Named(), "rule": "a_rule"}
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


def test_a_fault_of_the_program_keeps_its_traceback(tmp_path):
    with pytest.raises(SystemExit), job(called(tmp_path / "job.log")):
        raise ZeroDivisionError
    text = (tmp_path / "job.log").read_text()
    assert "fault of the program" in text
    assert "Traceback" in text


def attempt(folder):
    return json.loads((folder / "job.attempt.json").read_text())


def test_an_attempt_stands_beside_the_log_while_the_job_runs_and_stays_if_it_fails(tmp_path):
    with job(called(tmp_path / "job.log")) as running:
        running.tell(name="a run")
        assert attempt(tmp_path) | {"status": "running", "name": "a run", "reason": None} == attempt(tmp_path)
    assert not (tmp_path / "job.attempt.json").exists()
    with pytest.raises(SystemExit), job(called(tmp_path / "job.log")):
        raise UserError("No data: fetch it.")
    told = attempt(tmp_path)
    assert (told["status"], told["reason"], told["log"]) == ("failed", "No data: fetch it.", str(tmp_path / "job.log"))
    assert told["started"] <= told["ended"]


def test_what_failed_is_not_tried_again_by_the_same_call(tmp_path, monkeypatch, capsys):
    def tries():
        with pytest.raises(SystemExit) as stopped, job(called(tmp_path / "job.log")) as running:
            fail(running)
        assert stopped.value.code == 1

    def fail(running):
        tried.append(1)
        running.tell(name="a run")
        raise UserError("No data: fetch it.")

    tried = []
    monkeypatch.setenv("USCL_CALLER", f"{os.getpid()}@elsewhere")
    tries()
    capsys.readouterr()
    tries()
    tries()
    assert len(tried) == 1
    assert capsys.readouterr().err == ""
    assert "No data: fetch it." in (tmp_path / "job.log").read_text()
    assert attempt(tmp_path) | {"status": "failed", "name": "a run"} == attempt(tmp_path)
    monkeypatch.setenv("USCL_CALLER", f"{os.getpid() + 1}@elsewhere")
    tries()
    assert len(tried) == 2


def test_a_job_that_is_told_to_end_has_a_code_of_its_own_and_is_tried_again(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("USCL_CALLER", f"{os.getpid()}@elsewhere")
    for number in (signal.SIGTERM, signal.SIGINT):
        with pytest.raises(SystemExit) as stopped, job(called(tmp_path / "job.log")):
            os.kill(os.getpid(), number)
        assert stopped.value.code == 75
        assert attempt(tmp_path)["status"] == "interrupted"
        said = capsys.readouterr().err
        assert f"Told to end ({signal.Signals(number).name}): run again, the job goes on with what is finished." in said
        assert "Traceback" not in said


OUTSIDE = {
    "full": (
        OSError(errno.ENOSPC, "No space left on device", "a.csv"),
        "a.csv can't be written: the disk is full. Make",
    ),
    "read-only": (
        OSError(errno.EROFS, "Read-only file system", "a.csv"),
        "a.csv can't be used (Read-only file system): ",
    ),
    "memory": (MemoryError(), "Out of memory: make `batch_size` or `frame_size` smaller"),
    "GPU": (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "Out of memory: make `batch_size` or"),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_what_the_machine_lacks_is_one_sentence(tmp_path, capsys, name):
    error, sentence = OUTSIDE[name]
    with pytest.raises(SystemExit) as stopped, job(called(tmp_path / "job.log")):
        raise error
    assert stopped.value.code == 1
    said = capsys.readouterr().err
    assert sentence in said
    assert "Traceback" not in said
    assert attempt(tmp_path)["reason"].startswith(sentence)


def test_a_result_has_its_provenance_beside_it(tmp_path):
    data, module = tmp_path / "data.csv", tmp_path / "module.py"
    data.write_text("a")
    module.write_text("b")
    out = tmp_path / "deep" / "table.csv"
    out.parent.mkdir()
    snakemake = called(
        tmp_path / "job.log",
        input=Named(data=str(data), code=[str(module)]),
        output=Named(csv=str(out)),
        wildcards=Named(seed="3"),
    )
    snakemake.input[:] = [str(data), str(module)]
    with job(snakemake):
        out.write_text("result")
    told = json.loads((out.parent / "table.provenance.json").read_text())
    assert list(told["inputs"].values()) == [hashlib.sha256(b"a").hexdigest()]
    assert list(told["outputs"].values()) == [hashlib.sha256(b"result").hexdigest()]
    assert told["code_sha256"] == sha256(module)
    assert told["seeds"] == {"study": [0], "job": 3}
    assert told["dirty"] in (True, False, None)
    assert told["wall_s"] >= 0
    assert told["peak_memory_mib"] > 1
    assert told["packages"]["torch"].startswith("2.")
    assert {"cpu", "gpu", "threads"} <= told["hardware"].keys()
    assert {"rule", "wildcards", "commit", "config_sha256", "threads", "started"} <= told.keys()


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
        running.tell(name="a run")
        assert list(tmp_path.iterdir()) == []
    assert list(tmp_path.iterdir()) == []
