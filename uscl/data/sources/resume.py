"""Download a file from one address and resume where it broke off: https, file:, or the user's own mirror."""

import logging
import re
import shutil
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from time import sleep
from urllib.parse import urljoin, urlsplit
from urllib.request import url2pathname

import requests

from uscl.data.sources.parts import begin, forget, length, resumption

TIMEOUT_S = 30.0  # until a connection is made, and between two pieces of a file
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
MAX_HOPS = 10
PIECE = 2**16  # bytes; a piece that breaks off is lost
LOG_INTERVAL_S = 10.0

log = logging.getLogger(__name__)


class RefusedError(Exception):
    """An address doesn't have the file; asking again would not help."""


class BrokenError(Exception):
    """An address may have the file on a further attempt, after `pause` seconds if that is given."""

    def __init__(self, reason: str, pause: float | None = None):
        super().__init__(reason)
        self.pause = pause


class Progress:
    """Logs the progress of a download at each tenth of it and every ten seconds."""

    def __init__(self, name: str, done: int, total: int | None):
        self.name, self.total = name, total
        self.logged, self.time = done, time.monotonic()

    def at(self, done: int) -> None:
        """Log the progress if it is time; `done` bytes have been downloaded."""
        tenth = self.total and done - self.logged >= self.total / 10
        if tenth or time.monotonic() - self.time > LOG_INTERVAL_S:
            of = f" of {self.total / 1e6:.1f}" if self.total else ""
            log.info("%s: %.1f%s MB", self.name, done / 1e6, of)
            self.logged, self.time = done, time.monotonic()


def receive(url: str, part: Path, attempts: int, mirror: str | None) -> None:
    """Download until `part` is the whole file, in several attempts if necessary. Raises RefusedError."""
    for attempt in range(attempts):
        try:
            if url.startswith("file:"):
                copy(url, part)
            else:
                ask(url, part, mirror)
            return
        except BrokenError as error:
            if attempt == attempts - 1:
                raise RefusedError(f"{error}, in each of {attempts} attempts") from error
            pause = FIRST_PAUSE_S * 4**attempt if error.pause is None else min(error.pause, LONGEST_PAUSE_S)
            log.info("%s: %s; retrying in %.0f s", url, error, pause)
            sleep(pause)


def copy(url: str, part: Path) -> None:
    """Copy the file of a file: address. Raises RefusedError."""
    source = Path(url2pathname(urlsplit(url).path))
    if not source.is_file():
        raise RefusedError("no such file")
    forget(part)
    shutil.copyfile(source, part)


def ask(url: str, part: Path, mirror: str | None) -> None:
    """Ask an address for the missing rest of `part`, and append it. Raises RefusedError and BrokenError."""
    headers = {"Accept-Encoding": "identity"} | resumption(url, part)
    try:
        with requests.Session() as session, answer(session, url, headers, mirror) as response:
            check_answer(response, part)
            if response.status_code == HTTPStatus.OK:
                begin(url, part, response.headers)
            save(response, part)
    except requests.exceptions.SSLError as error:
        raise RefusedError("the connection isn't safe: its certificate was not accepted") from error
    except requests.Timeout as error:
        raise BrokenError(f"no answer within {TIMEOUT_S:g} s") from error
    except requests.ConnectionError as error:
        raise BrokenError("no connection") from error
    except requests.RequestException as error:
        raise RefusedError(f"not a usable address ({error})") from error


def answer(session: requests.Session, url: str, headers: Mapping[str, str], mirror: str | None) -> requests.Response:
    """The answer at the end of an address's redirects. Raises RefusedError if one leads away from https."""
    for hop in range(MAX_HOPS):
        # Nobody in between can change what comes over https; the user's own mirror may do without it.
        if urlsplit(url).scheme != "https" and not (mirror and url.startswith(mirror.rstrip("/") + "/")):
            raise RefusedError(f"{f'it redirects to {url}, which is' if hop else 'it is'} not an https address")
        response = session.get(url, headers=headers, stream=True, timeout=TIMEOUT_S, allow_redirects=False)
        target = session.get_redirect_target(response)
        if target is None:
            return response
        response.close()
        url = urljoin(url, target)
    raise RefusedError(f"it redirects more than {MAX_HOPS} times")


def check_answer(response: requests.Response, part: Path) -> None:
    """Raise RefusedError or BrokenError if an answer is neither the file nor the requested part of it."""
    status, text = response.status_code, f"{response.status_code} {response.reason}"
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise BrokenError(text, retry_after(response.headers.get("Retry-After", "")))
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        forget(part)
        raise BrokenError(text, pause=0)
    if status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        raise RefusedError(text)
    if response.headers.get("Content-Type", "").lower().startswith("text/html"):
        raise RefusedError("it answers with a web page instead of the file")
    if status == HTTPStatus.PARTIAL_CONTENT and content_range(response)[0] != length(part):
        forget(part)
        raise BrokenError("it answers with another part of the file than the requested one", pause=0)


def save(response: requests.Response, part: Path) -> None:
    """Append an answer to `part`. Raises BrokenError if it ends early."""
    done = length(part)
    if response.status_code == HTTPStatus.PARTIAL_CONTENT:
        total = content_range(response)[1]
        log.info("%s: resuming after %.1f MB", part.stem, done / 1e6)
    else:
        total = number(response.headers.get("Content-Length", ""))
    progress = Progress(part.stem, done, total)
    try:
        with part.open("ab") as file:
            for piece in response.iter_content(PIECE):
                file.write(piece)
                done += len(piece)
                progress.at(done)
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
        raise BrokenError(f"the connection broke after {done:,} bytes") from error
    if total is not None and done != total:
        raise BrokenError(f"it ends after {done:,} of {total:,} bytes")


def number(text: str) -> int | None:
    """Text as a whole number; None if it isn't one."""
    return int(text) if re.fullmatch(r"\d{1,15}", text.strip()) else None


def content_range(response: requests.Response) -> tuple[int | None, int | None]:
    """First byte and total size of a partial answer, None if unknown."""
    match = re.fullmatch(r"bytes (\d{1,15})-\d{1,15}/(\d{1,15}|\*)", response.headers.get("Content-Range", "").strip())
    return (int(match[1]), number(match[2])) if match else (None, None)


def retry_after(text: str) -> float | None:
    """The seconds that a Retry-After header asks for; None if there is no usable number or date.

    >>> retry_after("7"), retry_after("soon")
    (7.0, None)
    """
    if (seconds := number(text)) is not None:
        return float(seconds)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):  # also a date without a time zone
        return None
