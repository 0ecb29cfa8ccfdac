import logging

from uscl.base import progress


def test_items_pass_through_in_order():
    assert list(progress.shown(iter("abc"), 3, "letters")) == ["a", "b", "c"]


def test_progress_is_logged_if_there_is_no_terminal(monkeypatch, caplog):
    monkeypatch.setattr(progress, "LOG_INTERVAL_S", 0.0)
    with caplog.at_level(logging.INFO):
        list(progress.shown(range(2), 2, "files"))
    assert [record.message for record in caplog.records] == ["files: 1 of 2", "files: 2 of 2"]
