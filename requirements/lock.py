"""Write the hash of every file that pip may take into the lock files: `make lock`, after a change of a version by hand.

A lock file has lines `name==version`, some with a marker after a semicolon. Under each this writes the SHA-256 of the
package's wheels for CPython 3.11 to 3.13 on Linux, macOS and Windows, or of its source if it has no wheel, as the
package index lists them. cpu_wheels.txt has the hashes of the CPU builds of torch and torchvision, whose index serves
nothing else: add to it what `sha256sum` prints, or what that index lists.
"""

import argparse
import json
import os
import re
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version
from pip._internal.models.index import PyPI  # where pip itself looks

INDEX = os.environ.get("PIP_INDEX_URL") or PyPI.simple_url
ACCEPTED = "application/vnd.pypi.simple.v1+json"
CPU_WHEELS = Path(__file__).with_name("cpu_wheels.txt")
PYTHONS = ("py3", "py311", "cp311", "cp312", "cp313")
OLDER = re.compile(r"cp3\d?$|cp310$")  # with the stable ABI
PLATFORMS = re.compile(r"any|manylinux\w*_(x86_64|aarch64)|macosx\w*_(x86_64|arm64|universal2)|win_(amd64|arm64)")
TIMEOUT_S = 60


class File(NamedTuple):
    """A file of a release, with its SHA-256."""

    name: str
    sha256: str


def lines(text: str) -> list[str]:
    """The lines of a lock file without its hashes."""
    return re.sub(r" \\\n    --hash=\S+", "", text).splitlines()


def with_hashes(text: str, known: Iterable[File] = ()) -> str:
    """A lock file with the hashes that the index lists now, and those of `known` files."""
    found, known = [], list(known)
    for line in lines(text):
        pin = re.match(r"([\w.-]+)==([^\s;]+)", line)
        if pin:
            files = [*files_of(pin[1], release(pin[1]), pin[2]), *files_of(pin[1], known, pin[2])]
            if not files:
                raise SystemExit(f"The index has no file of {pin[1]} {pin[2]} for pip to install: correct the line.")
            hashes = sorted({file.sha256 for file in files})
            line = " \\\n".join([line, *(f"    --hash=sha256:{each}" for each in hashes)])
        found.append(line)
    return "\n".join(found) + "\n"


def release(name: str) -> list[File]:
    """All files of a package on the index."""
    request = urllib.request.Request(f"{INDEX}/{canonicalize_name(name)}/", headers={"Accept": ACCEPTED})  # noqa: S310
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
        return [File(each["filename"], each["hashes"]["sha256"]) for each in json.load(answer)["files"]]


def cpu_wheels() -> list[File]:
    """The files of cpu_wheels.txt, which has the form of sha256sum's output."""
    rows = (line.split() for line in CPU_WHEELS.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return [File(name, digest) for digest, name in rows]


def files_of(name: str, files: Iterable[File], version: str) -> list[File]:
    """The files of one release that pip may take: its wheels, or its source if there is no suitable wheel.

    >>> files_of("a", [File("a-1.0-py3-none-any.whl", "f0"), File("a-1.0.tar.gz", "f1")], "1")
    [File(name='a-1.0-py3-none-any.whl', sha256='f0')]
    """
    known = [(file, *described) for file in files if (described := describe(file.name))]
    of_release = [one for one in known if one[1] == canonicalize_name(name) and one[2] == Version(version)]
    wheels = [file for file, _, _, kind in of_release if kind == "wheel"]
    return wheels or [file for file, _, _, kind in of_release if kind == "source"]


def describe(file: str) -> tuple[str, Version, str] | None:
    """Name, public version and kind (wheel, source, or other for a wheel of another platform) of a file."""
    try:
        if file.endswith(".whl"):
            name, version, _, tags = parse_wheel_filename(file)
            suits = any(suitable(tag.interpreter, tag.abi) and PLATFORMS.fullmatch(tag.platform) for tag in tags)
            return name, Version(version.public), "wheel" if suits else "other"
        if file.endswith((".tar.gz", ".zip")):
            return *parse_sdist_filename(file), "source"
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return None
    return None


def suitable(interpreter: str, abi: str) -> bool:
    """Whether CPython 3.11, 3.12 or 3.13 takes a wheel with these tags; not the builds without the interpreter lock.

    >>> suitable("cp311", "cp311"), suitable("cp38", "abi3"), suitable("cp310", "cp310"), suitable("cp313", "cp313t")
    (True, True, False, False)
    """
    if abi == "abi3":
        return interpreter in PYTHONS or bool(OLDER.match(interpreter))
    return interpreter in PYTHONS and not abi.endswith("t")


def main() -> None:
    """Write the hashes into the files that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("locks", nargs="+", type=Path)
    for path in parser.parse_args().locks:
        path.write_text(with_hashes(path.read_text(encoding="utf-8"), cpu_wheels()), encoding="utf-8")
        print(f"{path}: {len(list(pins(path)))} packages")


def pins(path: Path) -> Iterator[str]:
    """The lines `name==version` of a lock file."""
    return (line for line in lines(path.read_text(encoding="utf-8")) if "==" in line and not line.startswith("#"))


if __name__ == "__main__":
    main()
