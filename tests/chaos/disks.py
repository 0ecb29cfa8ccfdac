"""Disks that are full or can only be read, for the time of a block."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chaos.faults import NotTried


def mount(*words: object) -> None:
    """Call mount. Raises NotTried where this user may not."""
    run = subprocess.run(["mount", *map(str, words)], capture_output=True, text=True, check=False)
    if run.returncode:
        raise NotTried(f"this user can't mount ({run.stderr.strip()})")


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[None]:
    """A disk of `size` bytes in the place of a folder, with what the folder holds."""
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(f"{folder.name}-aside")
    folder.rename(aside)
    folder.mkdir()
    mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder)
    try:
        shutil.copytree(aside, folder, dirs_exist_ok=True, symlinks=True)
        shutil.rmtree(aside)
        yield
    finally:
        keep = shutil.copytree(folder, aside, symlinks=True, dirs_exist_ok=True)
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()
        keep.rename(folder)


def make_room(folder: Path) -> None:
    """Let a small disk have room again."""
    mount("-o", "remount,size=1g", folder)


def size_of(folder: Path) -> int:
    """How many bytes a folder's files take on a tmpfs, which counts in pages, with a page a file and folder."""
    page = os.sysconf("SC_PAGE_SIZE")
    return sum(page * (2 + path.lstat().st_size // page) for path in folder.rglob("*"))


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """A folder on a disk that can only be read."""
    mount("--bind", folder, folder)
    try:
        mount("-o", "remount,ro,bind", folder)
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
