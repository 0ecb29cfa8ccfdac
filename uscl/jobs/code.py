"""One hash over the code that a job depends on, since Snakemake does not see what a script imports.

The hash is a parameter of the job's rule. Editing a file re-runs the jobs that depend on it, whatever its time stamp; a
new time stamp with the same content re-runs nothing. Imports nothing heavy, since every `snakemake` call imports this.
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
    """Let child processes import the library from `root`, and switch off MLflow's telemetry in them."""
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")


@functools.cache  # many jobs depend on the same code
def code_hash(root: Path, *files: str) -> str:
    """A hash of the content of `files` and of all library files that they import, by their paths relative to `root`.

    Imports inside functions are followed. A module whose name is known only at run time, such as a reader, must be
    listed in `files`.
    """
    lines = [f"{file} {file_hash(root / file)}" for file in sorted(imported_files(root, files) | set(files))]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def imported_files(root: Path, files: tuple[str, ...]) -> set[str]:
    """The files of the package that `files` import, directly or indirectly."""
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
    """Files of the package that one file imports, with the `__init__.py` of every parent package."""
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
    """The existing files of a dotted name: its parent packages, then the module."""
    parts = name.split(".")
    stems = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
    files = (file for stem in stems for file in (f"{stem}/__init__.py", f"{stem}.py"))
    return tuple(file for file in files if (root / file).is_file())


@functools.cache
def file_hash(path: Path) -> str:
    """A hash of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
