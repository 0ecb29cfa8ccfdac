"""Fetch a public data set into its folder: use it if it exists, else download, check and unpack it, all or nothing."""

import glob
import json
import logging
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pooch

from uscl.base.errors import UserError
from uscl.base.files import write_text
from uscl.base.locks import locked
from uscl.base.redaction import redacted
from uscl.data.sources.download import Downloaded, NotHadError, download
from uscl.data.sources.registry import by_hand, how_to_get
from uscl.data.sources.unpack import unpack

CHECKSUMS = "checksums.json"
ORIGIN = ".fetched.json"  # in a set's folder: where it came from

log = logging.getLogger(__name__)


def fetch(name: str, entry: Mapping[str, Any], folder: Path, *, mirror: str | None, without: str) -> dict[str, Any]:
    """Make sure that `folder` holds the set; returns its origin: set, version, folder, fetched and files.

    `entry` comes from the registry, `mirror` is an address to try first, and `without` is the end of a sentence about
    what can run without the set. files has name, url, size in bytes and sha256 of each download, made now or earlier.
    If the user placed the folder, the version is None, since it is unknown. Raises UserError.
    """
    prefix = mirror_prefix(mirror)
    if folder.is_dir():
        return origin(name, folder)
    if os.path.lexists(folder):
        raise UserError(f"{folder} is a file or a broken link: remove it, since data set '{name}' belongs there.")
    if not entry["files"]:
        raise UserError(how_to_get(name, entry, folder))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with locked(folder.parent / f".{folder.name}.lock"):
            if not folder.is_dir():  # no other process was faster
                files = fetch_all(name, entry, folder, prefix, without)
                note = {"version": entry["version"], "fetched": True, "files": files}
                write_text(folder / ORIGIN, json.dumps(note, indent=2, sort_keys=True) + "\n")
    except OSError as error:
        place = error.filename or folder.parent
        raise UserError(
            f"Data set '{name}' can't be stored: {place}: {error.strerror or error}: free some space, or set"
            f" datasets.{name}.data_root to a writable folder."
        ) from error
    return origin(name, folder)


def origin(name: str, folder: Path) -> dict[str, Any]:
    """The origin of a set, from the note that `fetch` leaves in its folder. Raises UserError if the note is damaged."""
    note: dict[str, Any] = {"version": None, "fetched": False, "files": []}
    path = folder / ORIGIN
    try:
        note |= json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        log.info("%s: %s already exists", name, folder)
    except (TypeError, ValueError) as error:
        raise UserError(f"{path} is damaged ({error}): delete it; the set then counts as placed by hand.") from error
    return {"set": name, "folder": str(folder), **note}


def fetch_all(
    name: str, entry: Mapping[str, Any], folder: Path, prefix: str | None, without: str
) -> list[dict[str, Any]]:
    """Download and unpack the archive of a set; returns the downloads. Only one process at a time may do this."""
    for left in folder.parent.glob(f".{glob.escape(folder.name)}.*.partial"):  # from a process that was killed
        shutil.rmtree(left)
    [file] = entry["files"]
    archive = folder.parent / file["name"]
    placed = archive.exists()
    try:
        had = download_checked(file, folder.parent, prefix)
        downloaded = {"name": file["name"], "url": redacted(had.url), "size": archive.stat().st_size}
        downloaded["sha256"] = pooch.file_hash(str(archive), alg="sha256")
        log.info("%s: unpacking %s", name, archive)
        unpack(archive, folder)
    except NotHadError as error:
        raise UserError(
            f"Data set '{name}': {file['name']} can't be downloaded ({error}): {by_hand(entry)} (expected in {folder}),"
            f" or place the archive as {archive}; {without}."
        ) from error
    finally:
        if not placed:  # an archive that the user placed is kept
            archive.unlink(missing_ok=True)
    remember(folder.parent, file["name"], downloaded["sha256"])
    return [downloaded]


def download_checked(file: Mapping[str, Any], folder: Path, prefix: str | None) -> Downloaded:
    """Download an archive and check it by the registry's hash, else by the first download's. Raises NotHadError."""
    urls = [f"{prefix}/{file['name']}"] if prefix else []
    first = None if file["sha256"] else checksums(folder).get(file["name"])
    try:
        return download(
            file["name"], [*urls, *file["urls"]], file["sha256"] or first, file["size"], folder, mirror=prefix
        )
    except NotHadError as error:
        if first and first in str(error):
            where = folder / CHECKSUMS
            advice = f"{where} records {first} for the first download: delete that record if the new file is right"
            raise NotHadError([str(error), advice]) from error
        raise


def checksums(folder: Path) -> dict[str, str]:
    """SHA-256 of the first download per file name, for the sets in a folder. Raises UserError for a damaged file."""
    path = folder / CHECKSUMS
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except (TypeError, ValueError) as error:
        raise UserError(f"{path} is damaged ({error}): delete it, and later downloads are recorded again.") from error


def remember(folder: Path, name: str, sha256: str) -> None:
    """Record the SHA-256 of a good archive, to check later downloads against."""
    with locked(folder / f".{CHECKSUMS}.lock"):
        kept = checksums(folder) | {name: sha256}
        write_text(folder / CHECKSUMS, json.dumps(kept, indent=2, sort_keys=True) + "\n")


def mirror_prefix(mirror: str | None) -> str | None:
    """A mirror's address without a slash at its end. Raises UserError for other kinds of addresses."""
    if mirror is None:
        return None
    if not re.match(r"https?://[^/]|file:///", mirror):
        raise UserError(
            f"Config: data_mirror must begin with https://, http:// or file:/// (then a full path), not '{mirror}'."
        )
    return mirror.rstrip("/")
