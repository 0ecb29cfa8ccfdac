"""What an MLflow store holds, read without MLflow: its runs with all that must be the same however they came there."""

import hashlib
import sqlite3
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

PARENT, KEY = "mlflow.parentRunId", "uscl.key"


def content(database: Path) -> dict[str, dict[str, Any]]:
    """Every active run by its name, without ids. Raises AssertionError where a name stands there twice."""
    with closing(sqlite3.connect(database)) as connection:
        runs = connection.execute(
            "SELECT run_uuid, status, start_time, end_time, artifact_uri FROM runs WHERE lifecycle_stage = 'active'"
        ).fetchall()
        tags = {run: dict(pairs) for run, pairs in grouped(connection, "SELECT run_uuid, key, value FROM tags").items()}
        params = grouped(connection, "SELECT run_uuid, key, value FROM params")
        points = grouped(connection, "SELECT run_uuid, key, step, value, timestamp FROM metrics")
    names = {run: tags[run][KEY] for run, *_ in runs}
    doubled = sorted({name for name in names.values() if list(names.values()).count(name) > 1})
    assert not doubled, f"runs are doubled: {', '.join(doubled)}"
    return {
        names[run]: {
            "status": status,
            "times": (started, ended),
            "parent": names.get(tags[run].get(PARENT, "")),
            "tags": {key: value for key, value in tags[run].items() if not key.startswith("mlflow.")},
            "params": sorted(params[run]),
            "metrics": sorted(points[run]),
            "artifacts": artifacts(database, place),
        }
        for run, status, started, ended, place in runs
    }


def grouped(connection: sqlite3.Connection, query: str) -> dict[str, list[tuple]]:
    """Rows by their first column."""
    found = defaultdict(list)
    for first, *rest in connection.execute(query):
        found[first].append(tuple(rest))
    return found


def artifacts(database: Path, place: str) -> dict[str, str]:
    """SHA-256 of a run's files by name; those of a server lie in artifacts/ beside its database."""
    address = urlsplit(place)
    path = unquote(address.path)
    folder = Path(path) if address.scheme in ("", "file") else database.parent / "artifacts" / path.lstrip("/")
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.rglob("*") if file.is_file()}


def other_runs(found: Path, expected: Path) -> str:
    """What of a store isn't as in another, as the end of a sentence; empty where all is."""
    ours, theirs = content(found), content(expected)
    lost, more = sorted(theirs.keys() - ours.keys()), sorted(ours.keys() - theirs.keys())
    changed = [f"{name}: {', '.join(unlike(ours[name], theirs[name]))}" for name in ours.keys() & theirs.keys()]
    changed = sorted(line for line in changed if not line.endswith(": "))
    told = {"lost": lost, "not expected": more, "changed": changed}
    return "; ".join(f"runs {what}: {', '.join(names[:3])}" for what, names in told.items() if names)


def unlike(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """The parts in which two runs differ."""
    return [part for part in ours if ours[part] != theirs[part]]
