"""Keep credentials out of logs, recorded reasons, recorded addresses and messages.

A study's settings need no redaction: settings with credentials are refused when the study is planned. Imports nothing
heavy, since every job imports this first.
"""

import logging
import os
import re
from contextlib import suppress
from urllib.parse import unquote, urlsplit

# The user and password before the @ of an address, even if a slash in the password makes the address invalid (what
# follows a colon is then no port), and values that a query names as secrets.
IN_ADDRESS = re.compile(r"(?<!/)//(?:[^/\s'\"]*|[^/\s'\"@:]+:(?!\d+(?:/|$))[^\s'\"@]*)@")
IN_QUERY = re.compile(
    r"([?&][\w-]*(?:password|passwd|token|secret|key|signature|sig|credential|auth)=)[^&\s'\"]+", re.IGNORECASE
)
ADDRESS = "MLFLOW_TRACKING_URI"
SECRETS = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
SHORTEST = 4  # characters; replacing a shorter secret would also replace parts of ordinary words


def redacted(text: str) -> str:
    """The text without credentials in addresses and without MLflow's credentials from the environment.

    >>> redacted("no answer from https://me:secret@host/path?token=abc")
    'no answer from https://***@host/path?token=***'
    """
    for secret in known_secrets():
        text = text.replace(secret, "***")
    return IN_QUERY.sub(r"\1***", IN_ADDRESS.sub("//***@", text))


def known_secrets() -> list[str]:
    """Secrets from the environment, both as given and percent-decoded, longest first."""
    given = [os.environ.get(name, "") for name in SECRETS]
    with suppress(ValueError):  # the variable may hold something other than an address
        given.append(urlsplit(os.environ.get(ADDRESS, "")).password or "")
    found = {form for secret in given for form in (secret, unquote(secret)) if len(form) >= SHORTEST}
    return sorted(found, key=len, reverse=True)


def has_credentials(text: str) -> bool:
    """Whether a text holds an address with a user, a password or a token."""
    return "://" in text and bool(IN_ADDRESS.search(text) or IN_QUERY.search(text))


class Redaction(logging.Filter):
    """Removes credentials from everything that a handler writes, including tracebacks."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record in place and let it pass."""
        record.msg, record.args = redacted(record.getMessage()), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redacted(record.exc_text)
        return True
