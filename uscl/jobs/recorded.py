"""Files that are read again are compared with the hash that was recorded when they were written.

The provenance file of a job names its outputs, the outcome of a run its files. A file without a record, such as one
that no job of this project wrote, is accepted as it is.
"""

import hashlib
import json
import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from uscl.base.errors import DamagedFileError
from uscl.base.files import file_sha256

STUDY = "USCL_STUDY"  # environment variable: the results folder and the options of the call that started this job
NAMED = 5  # files in a message


class Record(NamedTuple):
    """The SHA-256 of a file or folder when it was written, and what to ask Snakemake for to make it again."""

    sha256: str
    target: Path


def name_study(results: Path, options: Sequence[str]) -> None:
    """Pass what a message needs to the jobs that this process starts: `options` are those that read the same config."""
    os.environ[STUDY] = json.dumps([str(results), list(options)])


def recorded(path: Path) -> Record | None:
    """The record of a file or folder, from the outcome or a provenance file next to it; None without one."""
    for folder in path.parents[:2]:  # a run's models are in a folder of their own
        outcome = folder / "outcome.json"
        if digest := digests(outcome, "files").get(path.relative_to(folder).as_posix()):
            return Record(digest, outcome)
    own = path.with_name(f"{path.stem}.provenance.json")
    for file in (own, *sorted(path.parent.glob("*.provenance.json"))):
        same = {Path(name): digest for name, digest in digests(file, "outputs").items() if Path(name).name == path.name}
        if len(same) > 1:  # outputs in several folders
            same = {name: digest for name, digest in same.items() if name.parent.name == path.absolute().parent.name}
        if same:
            return Record(next(iter(same.values())), path)
    return None


def digests(file: Path, key: str) -> Mapping[str, str]:
    """The hashes in a JSON file by name; none if it is missing or unreadable."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    hashes = found.get(key) if isinstance(found, dict) else None
    return hashes if isinstance(hashes, dict) else {}


def checked(path: Path) -> Path:
    """The path itself. Raises DamagedFileError if it isn't the file that was written."""
    check([path])
    return path


def check(paths: Iterable[Path]) -> dict[Path, str]:
    """The hashes of files and folders. Raises DamagedFileError if some of them aren't those that were written."""
    found = {path: tree_sha256(path) for path in paths}
    records = {path: recorded(path) for path in found}
    damaged = {path: record for path, record in records.items() if record and record.sha256 != found[path]}
    if damaged:
        raise DamagedFileError(sentence(damaged))
    return found


def sentence(damaged: Mapping[Path, Record]) -> str:
    """Which files aren't those that were written, and what to do."""
    names = [str(path) for path in damaged]
    listed = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
    what = "isn't as it was written: its SHA-256 differs" if len(names) == 1 else "aren't as they were written"
    targets = dict.fromkeys(record.target for record in list(damaged.values())[:NAMED])
    return f"{listed} {what}. Restore it from a copy, or make it again with {command(list(targets))}."


def command(targets: Sequence[Path]) -> str:
    """The call that makes some files again."""
    results, options = json.loads(os.environ.get(STUDY, "null")) or (None, [])
    if results and not all(target.absolute().is_relative_to(Path(results).absolute()) for target in targets):
        return "a call in the study that it is from"
    return f"`{shlex.join(['snakemake', *map(str, targets), '--force', *options])}`"


def tree_sha256(path: Path) -> str:
    """SHA-256 of a file; of a folder, that of the names and hashes of its files."""
    if path.is_file():
        return file_sha256(path)
    files = sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
    names = "\n".join(f"{file.relative_to(path).as_posix()} {file_sha256(file)}" for file in files)
    return hashlib.sha256(names.encode()).hexdigest()
