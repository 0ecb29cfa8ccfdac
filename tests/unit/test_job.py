import logging
import warnings
from types import SimpleNamespace

import pytest

from uscl.errors import UserError
from uscl.job import job


@pytest.fixture(autouse=True)
def _logging_as_before():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(False)
    root.handlers[:], root.level = handlers, level


def called(log):
    """What Snakemake hands to a script."""
    return SimpleNamespace(log=[str(log)])


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
