"""Each fault gets an empty folder, which is kept if the fault fails; nothing that it started or mounted is left."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.processes import MARK, kill_all
from tests.chaos.project import SOURCE, WORK, checkout, finished


@pytest.fixture(scope="session")
def source() -> Iterator[Path]:
    """A copy of the checkout: all faults test the same code, whatever is edited meanwhile. Its study is run once."""
    WORK.mkdir(parents=True, exist_ok=True)
    folder = checkout(Path(tempfile.mkdtemp(prefix="source-", dir=WORK)))
    os.environ[SOURCE] = str(folder)
    finished()
    yield folder
    del os.environ[SOURCE]
    shutil.rmtree(folder)


@pytest.fixture
def folder(source: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder, whose name marks all processes that the fault starts."""
    home = Path(tempfile.mkdtemp(prefix=f"{request.node.originalname[5:45]}-", dir=WORK))
    monkeypatch.setenv(MARK, str(home))
    (home / "folder").mkdir()
    failed = request.session.testsfailed
    yield home / "folder"
    kill_all(str(home))
    unmount(home)
    if request.session.testsfailed == failed:
        shutil.rmtree(home, ignore_errors=True)


def unmount(folder: Path) -> None:
    """Remove what a fault has mounted below its folder and left behind."""
    mounts = Path("/proc/mounts")
    points = [line.split()[1] for line in mounts.read_text().splitlines()] if mounts.exists() else []
    for point in sorted((point.encode().decode("unicode_escape") for point in points), key=len, reverse=True):
        if Path(point).is_relative_to(folder):
            subprocess.run(["umount", "--lazy", point], check=False)
