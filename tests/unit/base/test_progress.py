import logging

import pytest

from uscl.base import progress


def test_items_pass_through_in_order():
    assert list(progress.shown(iter("abc"), 3, "letters")) == ["a", "b", "c"]


def test_progress_is_logged_now_and_then(monkeypatch, caplog):
    with caplog.at_level(logging.INFO):
        list(progress.shown(range(2), 2, "files"))
        assert caplog.records == []
        monkeypatch.setattr(progress, "LOG_INTERVAL_S", 0.0)
        list(progress.shown(range(2), 2, "files"))
    assert [record.message for record in caplog.records] == ["files: 1 of 2", "files: 2 of 2"]


def test_the_waiting_call_reads_the_last_progress_from_the_log(monkeypatch, tmp_path):
    path = tmp_path / "job.log"
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    monkeypatch.setattr(progress, "LOG_INTERVAL_S", 0.0)
    monkeypatch.setattr(progress.log, "handlers", [handler])
    progress.log.setLevel(logging.INFO)
    for _ in progress.shown(range(7), 7, "lung/fold1"):
        progress.log.info("epoch 3 of 9: loss 0.5")
    handler.close()
    assert progress.last_progress(path) == ("lung/fold1", 7, 7)


@pytest.mark.parametrize("text", [None, "", "10:00:00 INFO epoch 3 of 9: loss 0.5\n", "x" * 20_000])
def test_without_a_report_there_is_no_progress(tmp_path, text):
    if text is not None:
        (tmp_path / "job.log").write_text(text)
    assert progress.last_progress(tmp_path / "job.log") is None
