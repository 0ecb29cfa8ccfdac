"""Download one file from the first of several addresses that has it: resume, check, and move it into place at once."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pooch

from uscl.data.sources.parts import forget, length, note_of
from uscl.data.sources.resume import RefusedError, receive

log = logging.getLogger(__name__)


class Downloaded(NamedTuple):
    """A complete file, and the address that it came from."""

    path: Path
    url: str


class NotHadError(Exception):
    """No address has the file; the message gives the reason for each."""

    def __init__(self, reasons: Sequence[str]):
        super().__init__("; ".join(reasons))


def download(
    name: str,
    urls: Sequence[str],
    sha256: str | None,
    size: int | None,
    folder: Path,
    attempts: int = 3,
    mirror: str | None = None,
) -> Downloaded:
    """Download folder/name from the first of `urls` that has it; an existing file is checked and used.

    Addresses are https: or file:, and http: only below `mirror`; the same holds for redirects. `size` is in bytes.
    Raises NotHadError with the reason for each address, or because an existing file is a different one.
    """
    target, part = folder / name, folder / f"{name}.part"
    if target.exists():
        return found(target, sha256, size)

    def downloader(url: str, output_file: str, _: object) -> None:
        receive(url, part, attempts, mirror)
        take(part, Path(output_file), sha256, size)

    pooch.get_logger().setLevel(logging.WARNING)
    reasons = []
    for url in urls:
        log.info("%s: asking %s", name, url)
        try:
            pooch.retrieve(url, known_hash=sha256, fname=name, path=folder, downloader=downloader)
            return Downloaded(target, url)
        except RefusedError as error:
            log.warning("%s: %s: %s", name, url, error)
            reasons.append(f"{url}: {error}")
    raise NotHadError(reasons)


def found(target: Path, sha256: str | None, size: int | None) -> Downloaded:
    """A file that already exists. Raises NotHadError if it isn't the expected one."""
    try:
        check_file(target, sha256, size)
    except RefusedError as error:
        raise NotHadError([f"{target} exists, but {error}: delete it to download it again"]) from error
    return Downloaded(target, target.absolute().as_uri())


def take(part: Path, target: Path, sha256: str | None, size: int | None) -> None:
    """Move a complete `part` to its place. Deletes it and raises RefusedError if it isn't the expected file."""
    try:
        check_file(part, sha256, size)
    except RefusedError:
        forget(part)
        raise
    note_of(part).unlink(missing_ok=True)
    part.replace(target)


def check_file(path: Path, sha256: str | None, size: int | None) -> None:
    """Raise RefusedError if a file does not have the expected size and hash."""
    if size is not None and length(path) != size:
        raise RefusedError(f"its size is {length(path):,} bytes, but {size:,} are expected")
    if sha256 is not None and (found := pooch.file_hash(str(path), alg="sha256")) != sha256:
        raise RefusedError(f"its SHA-256 is {found}, but {sha256} is expected")
