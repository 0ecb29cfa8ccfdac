"""Credentials kept out of what is written: logs, reasons and messages.

Light on purpose: every job imports this first.
"""

import logging
import os
import re
from contextlib import suppress
from urllib.parse import unquote, urlsplit

# What stands before the @ of an address, and values that a query names as secrets.
IN_ADDRESS = re.compile(r"//[^/\s'\"]*@")
IN_QUERY = re.compile(r"([?&][\w-]*(?:password|passwd|token|secret|key)=)[^&\s'\"]+", re.IGNORECASE)
ADDRESS = "MLFLOW_TRACKING_URI"
SECRETS = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
SHORTEST = 4  # characters; to blot out a shorter secret would blot out words


def redacted(text: str) -> str:
    """A text without the credentials of addresses and without those that the environment gives for MLflow.

    >>> redacted("no answer from https://me:secret@host/path?token=abc")
    'no answer from https://***@host/path?token=***'
    """
    for secret in known_secrets():
        text = text.replace(secret, "***")
    return IN_QUERY.sub(r"\1***", IN_ADDRESS.sub("//***@", text))


def known_secrets() -> list[str]:
    """Secrets of the environment as they are given and as they are meant, the longest first."""
    given = [os.environ.get(name, "") for name in SECRETS]
    with suppress(ValueError):  # it may be no address at all
        given.append(urlsplit(os.environ.get(ADDRESS, "")).password or "")
    found = {form for secret in given for form in (secret, unquote(secret)) if len(form) >= SHORTEST}
    return sorted(found, key=len, reverse=True)


def has_credentials(address: str) -> bool:
    """Whether an address holds a user, a password or a token."""
    return bool(IN_ADDRESS.search(address) or IN_QUERY.search(address))


class Redaction(logging.Filter):
    """Takes credentials out of all that a handler writes, tracebacks included."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record in place and let it pass."""
        record.msg, record.args = redacted(record.getMessage()), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redacted(record.exc_text)
        return True
