"""What a job rests on beside its declared inputs: the library's own files, and a user's data folder.

Light on purpose (no torch, no pandas): every `snakemake` call pays for it.
"""

import ast
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path


def let_children_import(root: Path) -> None:
    """Processes started from here import the library from `root`, whether or not it is installed."""
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))


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


def direct_imports(root: Path, path: Path) -> Iterator[str]:
    """Files of the package that one file imports, with the `__init__.py` of every package on the way."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            yield from module_files(root, name)


def module_files(root: Path, name: str) -> Iterator[str]:
    """The files behind a dotted name, as far as they exist: packages on the way, then the module."""
    parts = name.split(".")
    if parts[0] != "uscl":
        return
    for depth in range(1, len(parts) + 1):
        stem = "/".join(parts[:depth])
        yield from (file for file in (f"{stem}/__init__.py", f"{stem}.py") if (root / file).is_file())


def fingerprint(folder: str) -> str:
    """A hash of names, sizes and modification times below a folder: changes as a data set does, without reading it.

    Hidden files don't count (Snakemake keeps a time stamp in folders that it made), nor does a missing folder.
    """
    lines = (
        f"{path} {(stat := path.stat()).st_size} {stat.st_mtime_ns}"
        for path in Path(folder).rglob("[!.]*")
        if path.is_file()
    )
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
