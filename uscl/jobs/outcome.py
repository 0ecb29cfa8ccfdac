"""The outcome of a training or evaluation run: `outcome.json` in its folder, the one file that later rules wait for.

A run that fails through an error of its own, such as a NaN loss, also has an outcome: the study continues without it,
and its tables name it with the reason. A run that is killed or interrupted, or that meets a full disk, has none: its
job fails, and the next attempt resumes from its checkpoints. Imports nothing heavy: planning a study reads outcomes.
"""

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from uscl.base.errors import UserError
from uscl.base.files import file_sha256, write_text
from uscl.jobs.recorded import checked

FILE = "outcome.json"
DONE, FAILED = "done", "failed"


class Outcome(NamedTuple):
    """`status` done or failed, the `reason` of a failure, the `key` of the run's dependencies, SHA-256 of its `files`.

    `record` is the record of a failed run, with its log and its end (see `uscl.jobs.attempts`); a finished run has its
    record in run.json.
    """

    status: str
    key: str
    reason: str | None = None
    files: Mapping[str, str] = {}
    record: Mapping[str, Any] | None = None

    @property
    def done(self) -> bool:
        """Whether the run succeeded."""
        return self.status == DONE


def key_of(parts: Any) -> str:
    """A hash of everything that a run depends on and that is known when the study is planned."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def read_outcome(path: Path) -> Outcome | None:
    """The outcome in a file; None if the file is missing or can't be read."""
    try:
        return Outcome(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def required(path: Path) -> Outcome:
    """The outcome in a file. Raises UserError if it is missing or damaged."""
    outcome = read_outcome(checked(path)) if path.exists() else None
    if outcome is None:
        raise UserError(f"{path} is missing or damaged: remove it and run again to repeat its run.")
    return outcome


def write_done(folder: Path, key: str, names: list[str]) -> None:
    """Record that a run succeeded; call it once all its files exist."""
    files = {name: file_sha256(folder / name) for name in names}
    write(folder, Outcome(DONE, key, files=files))


def write_failed(folder: Path, key: str, reason: str, record: Mapping[str, Any] | None = None) -> None:
    """Record that a run failed through an error of its own, and why."""
    write(folder, Outcome(FAILED, key, reason, record=record))


def write(folder: Path, outcome: Outcome) -> None:
    """Write an outcome into a run's folder."""
    write_text(folder / FILE, json.dumps(outcome._asdict(), indent=2, sort_keys=True) + "\n")


def lost_files(path: Path) -> list[Path]:
    """The files of a successful run that no longer exist, or that were changed since."""
    outcome = read_outcome(path)
    if outcome is None:
        return []
    end, files = path.stat().st_mtime_ns, {path.parent / name: digest for name, digest in outcome.files.items()}
    return [
        file
        for file, digest in files.items()
        if not file.exists() or (file.stat().st_mtime_ns > end and file_sha256(file) != digest)
    ]


class Runs(NamedTuple):
    """The runs of all arms and seeds: folders by arm and seed for complete arms, reasons for the others."""

    done: dict[tuple[str, int], Path]
    missing: dict[str, str]

    @property
    def arms(self) -> list[str]:
        """The arms that are complete."""
        return list(dict.fromkeys(arm for arm, _ in self.done))


def runs_of(paths: Sequence[str | Path], arms: Sequence[str], seeds: Sequence[int]) -> Runs:
    """Sort runs into done and missing by their outcomes in `paths`, one per arm and seed in this order.

    An arm counts only if all its seeds are done: means over different seeds can't be compared.
    """
    found = dict(zip(itertools.product(arms, seeds), map(Path, paths), strict=True))
    outcomes = {run: required(path) for run, path in found.items()}
    missing = {
        arm: f"seed {seed}: {outcome.reason}" for (arm, seed), outcome in reversed(outcomes.items()) if not outcome.done
    }
    return Runs({run: path.parent for run, path in found.items() if run[0] not in missing}, missing)
