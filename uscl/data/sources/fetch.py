"""A public data set in its folder: as it is there, else downloaded, checked and unpacked, whole or not at all."""

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
from filelock import FileLock

from uscl.base.errors import UserError
from uscl.base.files import write_text
from uscl.data.sources.download import Downloaded, NotHadError, download
from uscl.data.sources.registry import by_hand, how_to_get
from uscl.data.sources.unpack import unpack

CHECKSUMS = "checksums.json"
ORIGIN = ".fetched.json"  # in a set's folder: where it came from

log = logging.getLogger(__name__)


def fetch(name: str, entry: Mapping[str, Any], folder: Path, *, mirror: str | None, without: str) -> dict[str, Any]:
    """Make sure that `folder` holds the set; returns how it came there: set, version, folder, fetched and files.

    `entry` is the registry's, `mirror` an address whose files are asked for first, `without` the end of a sentence on
    what can run without the set. files has name, url, size in bytes and sha256 of what was downloaded, now or before.
    Of a folder that somebody else put there the version is None, as nobody knows it. Raises UserError.
    """
    prefix = mirror_prefix(mirror)
    if folder.is_dir():
        return origin(name, folder)
    if os.path.lexists(folder):
        raise UserError(
            f"{folder} is a file, or a link that leads nowhere: remove it, as data set '{name}' belongs there."
        )
    if not entry["files"]:
        raise UserError(how_to_get(name, entry, folder))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / f".{folder.name}.lock"):
            if not folder.is_dir():  # no other process was first
                files = fetch_all(name, entry, folder, prefix, without)
                told = {"version": entry["version"], "fetched": True, "files": files}
                write_text(folder / ORIGIN, json.dumps(told, indent=2, sort_keys=True) + "\n")
    except OSError as error:
        place = error.filename or folder.parent
        raise UserError(
            f"Data set '{name}' can't be stored: {place}: {error.strerror or error}: make room, or set"
            f" datasets.{name}.data_root to a folder that can be written."
        ) from error
    return origin(name, folder)


def origin(name: str, folder: Path) -> dict[str, Any]:
    """How a set came to its folder, by the note that `fetch` leaves there. Raises UserError if that is damaged."""
    told: dict[str, Any] = {"version": None, "fetched": False, "files": []}
    path = folder / ORIGIN
    try:
        told |= json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        log.info("%s: %s was there", name, folder)
    except (TypeError, ValueError) as error:
        raise UserError(f"{path} is damaged ({error}): delete it; the set then counts as put there by hand.") from error
    return {"set": name, "folder": str(folder), **told}


def fetch_all(
    name: str, entry: Mapping[str, Any], folder: Path, prefix: str | None, without: str
) -> list[dict[str, Any]]:
    """Download and unpack the archive of a set; what was downloaded. Only one process at a time may do this."""
    for left in folder.parent.glob(f".{glob.escape(folder.name)}.*.partial"):  # by a process that was killed
        shutil.rmtree(left)
    [file] = entry["files"]
    archive = folder.parent / file["name"]
    placed = archive.exists()
    try:
        had = download_checked(file, folder.parent, prefix)
        told = {"name": file["name"], "url": had.url, "size": archive.stat().st_size}
        told["sha256"] = pooch.file_hash(str(archive), alg="sha256")
        log.info("%s: unpacking %s", name, archive)
        unpack(archive, folder)
    except NotHadError as error:
        raise UserError(
            f"Data set '{name}': {file['name']} can't be had ({error}): {by_hand(entry)} (looked for as {folder}), or"
            f" place the archive as {archive}; {without}."
        ) from error
    finally:
        if not placed:  # an archive that somebody has placed is theirs
            archive.unlink(missing_ok=True)
    remember(folder.parent, file["name"], told["sha256"])
    return [told]


def download_checked(file: Mapping[str, Any], folder: Path, prefix: str | None) -> Downloaded:
    """Download an archive, checked by the registry's hash or else by that of the first download. Raises NotHadError."""
    urls = [f"{prefix}/{file['name']}"] if prefix else []
    first = None if file["sha256"] else checksums(folder).get(file["name"])
    try:
        return download(
            file["name"], [*urls, *file["urls"]], file["sha256"] or first, file["size"], folder, mirror=prefix
        )
    except NotHadError as error:
        if first and first in str(error):
            where = folder / CHECKSUMS
            advice = f"{first} is of the first download, by {where}: delete that record if the new file is right"
            raise NotHadError([str(error), advice]) from error
        raise


def checksums(folder: Path) -> dict[str, str]:
    """SHA-256 of the first download by file name, of the sets in a folder. Raises UserError if the file is damaged."""
    path = folder / CHECKSUMS
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except (TypeError, ValueError) as error:
        raise UserError(f"{path} is damaged ({error}): delete it, and downloads are recorded anew.") from error


def remember(folder: Path, name: str, sha256: str) -> None:
    """Record the SHA-256 of an archive that has proved good, for later downloads to be checked by."""
    with FileLock(folder / f".{CHECKSUMS}.lock"):
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
