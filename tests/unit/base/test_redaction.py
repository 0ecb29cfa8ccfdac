import logging

import pytest

from uscl.base.redaction import Redaction, has_credentials, redacted


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("see http://me:pw@host:5000/a and more", "see http://***@host:5000/a and more"),
        ("postgresql://u:p@ss@host/db", "postgresql://***@host/db"),
        ("https://token@host", "https://***@host"),
        ("https://host/?access_token=abc&x=1", "https://host/?access_token=***&x=1"),
        ("https://host/a?X-Amz-Signature=abc&sig=d%2F", "https://host/a?X-Amz-Signature=***&sig=***"),
        ("https://me:pa/ss@host/a", "https://***@host/a"),
        ("http://host:5000/a@b and file:///mnt/a:b@c", "http://host:5000/a@b and file:///mnt/a:b@c"),
        ("http://host/me@home // a mail", "http://host/me@home // a mail"),
    ],
)
def test_credentials_in_addresses_are_redacted(text, clean):
    assert redacted(text) == clean
    assert has_credentials(text) == (text != clean)


def test_credentials_from_the_environment_are_redacted_anywhere_in_a_text(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "hunter22")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:a%2Fsecret@host")
    assert redacted("hunter22, a/secret and a%2Fsecret") == "***, *** and ***"


def test_a_log_holds_no_credentials_not_even_in_a_traceback(caplog):
    log = logging.getLogger("uscl.test")
    caplog.handler.addFilter(Redaction())
    try:
        raise ValueError("from http://me:pw@host")
    except ValueError:
        log.exception("to %s", "http://me:pw@host")
    caplog.handler.filters.clear()
    assert "pw" not in caplog.text
    assert "Traceback" in caplog.text
