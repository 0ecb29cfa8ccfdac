"""One file from the first of several addresses that has it whole: resumed, checked, and in place at once."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pooch

from uscl.data.sources.parts import forget, length, note_of
from uscl.data.sources.resume import RefusedError, receive

log = logging.getLogger(__name__)


class Downloaded(NamedTuple):
    """A whole file, and the address that it's from."""

    path: Path
    url: str


class NotHadError(Exception):
    """No address has the file: the reason of each."""

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
    """Download folder/name from the first of `urls` that has it; a file that is there is checked and taken.

    Addresses are https: or file:, and http: below `mirror` alone; so are those that they redirect to. `size` is in
    bytes. Raises NotHadError: with the reason of each address, or because the file that is there is another one.
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
    """A file that somebody has placed. Raises NotHadError if it isn't the one that is expected."""
    try:
        check_file(target, sha256, size)
    except RefusedError as error:
        raise NotHadError([f"{target} is there, but {error}: delete it to download it anew"]) from error
    return Downloaded(target, target.absolute().as_uri())


def take(part: Path, target: Path, sha256: str | None, size: int | None) -> None:
    """Move a whole `part` to its place. Raises RefusedError, and deletes it, if it isn't the file that is expected."""
    try:
        check_file(part, sha256, size)
    except RefusedError:
        forget(part)
        raise
    note_of(part).unlink(missing_ok=True)
    part.replace(target)


def check_file(path: Path, sha256: str | None, size: int | None) -> None:
    """Raise RefusedError if a file has another size or hash than is expected."""
    if size is not None and length(path) != size:
        raise RefusedError(f"its size is {length(path):,} bytes, but {size:,} are expected")
    if sha256 is not None and (found := pooch.file_hash(str(path), alg="sha256")) != sha256:
        raise RefusedError(f"its SHA-256 is {found}, but {sha256} is expected")
