"""What a job rests on beside its declared inputs: the library's own files, and a user's data folder.

Light on purpose (no torch, no pandas): every `snakemake` call pays for it.
"""

import ast
import functools
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

DATA_SUFFIXES = (".avi", ".csv", ".dcm", ".gif", ".jpeg", ".jpg", ".mov", ".mp4", ".mpeg", ".mpg", ".pkl", ".png")


def prepare_children(root: Path) -> None:
    """Let processes started from here import the library from `root`, installed or not, and MLflow keep to itself."""
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")


def imported_modules(root: Path, files: Iterable[str]) -> list[str]:
    """The files of the package `uscl` that `files` import, directly or not, relative to `root` and sorted.

    A `files` entry that is itself part of the package counts too. Imports inside functions are followed; names given to
    `importlib` are not, and must be among `files`.
    """
    found: set[str] = {file for file in files if file.startswith("uscl/")}
    waiting = list(files)
    while waiting:
        for module in direct_imports(root, root / waiting.pop()):
            if module not in found:
                found.add(module)
                waiting.append(module)
    return sorted(found)


@functools.cache  # fifty rules rest on much the same files
def direct_imports(root: Path, path: Path) -> frozenset[str]:
    """Files of the package that one file imports, with the `__init__.py` of every package on the way."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            found.update(module_files(root, name))
    return frozenset(found)


def module_files(root: Path, name: str) -> Iterator[str]:
    """The files behind a dotted name, as far as they exist: packages on the way, then the module."""
    parts = name.split(".")
    if parts[0] != "uscl":
        return
    for depth in range(1, len(parts) + 1):
        stem = "/".join(parts[:depth])
        yield from (file for file in (f"{stem}/__init__.py", f"{stem}.py") if (root / file).is_file())


def fingerprint(folder: str) -> str:
    """A hash of the names, sizes and modification times of a data set's files: changes as they do, unread.

    Counts what a reader may read (videos, images, tables), not hidden files or what else lies in a clone. Times count
    in whole seconds, as archives keep them. A missing folder is one without files.
    """
    lines = []
    for parent, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith(".") and name.lower().endswith(DATA_SUFFIXES):
                path = Path(parent, name)
                stat = path.stat() if path.exists() else path.lstat()  # a link may lead nowhere
                lines.append(f"{os.path.relpath(parent, folder)}/{name} {stat.st_size} {int(stat.st_mtime)}")
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
