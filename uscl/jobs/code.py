"""The code that a job rests on, as one hash: Snakemake does not see what a script imports.

The hash is a parameter of the job's rule. An edited file re-runs what rests on it whatever its time stamp, and a file
with a new time stamp and the same content re-runs nothing. Light: every `snakemake` call pays for it.
"""

import functools
import hashlib
import os
import re
from pathlib import Path

PACKAGE = "uscl"
# `import uscl.a.b`, `from uscl.a import b, c` and the same in parentheses over several lines.
IMPORT = re.compile(
    rf"^[ \t]*(?:import[ \t]+({PACKAGE}[\w.]*)|from[ \t]+({PACKAGE}[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n]*))",
    re.MULTILINE,
)


def prepare_children(root: Path) -> None:
    """Let processes started from here import the library from `root`, and keep MLflow from reporting its use."""
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")


@functools.cache  # many jobs rest on the same code
def code_hash(root: Path, *files: str) -> str:
    """A hash of the content of `files` and of all library files that they import, by their paths below `root`.

    Imports inside functions are followed. What is imported by a name that is known at run time only, such as a reader,
    must be among `files`.
    """
    lines = [f"{file} {file_hash(root / file)}" for file in sorted(imported_files(root, files) | set(files))]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def imported_files(root: Path, files: tuple[str, ...]) -> set[str]:
    """The files of the package that `files` import, directly or not."""
    found: set[str] = set()
    waiting = list(files)
    while waiting:
        for file in direct_imports(root, waiting.pop()):
            if file not in found:
                found.add(file)
                waiting.append(file)
    return found


@functools.cache
def direct_imports(root: Path, file: str) -> frozenset[str]:
    """Files of the package that one file imports, with the `__init__.py` of every package on the way."""
    if not file.endswith(".py"):
        return frozenset()
    found: set[str] = set()
    for plain, package, names in IMPORT.findall((root / file).read_text(encoding="utf-8")):
        module = plain or package
        found.update(module_files(root, module))
        for name in re.findall(r"(\w+)(?:[ \t]+as[ \t]+\w+)?[ \t]*(?:,|$|\)|#|\n)", names):
            found.update(module_files(root, f"{module}.{name}"))
    return frozenset(found)


@functools.cache
def module_files(root: Path, name: str) -> tuple[str, ...]:
    """The files of a dotted name, as far as they exist: packages on the way, then the module."""
    parts = name.split(".")
    stems = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
    files = (file for stem in stems for file in (f"{stem}/__init__.py", f"{stem}.py"))
    return tuple(file for file in files if (root / file).is_file())


@functools.cache
def file_hash(path: Path) -> str:
    """A hash of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
