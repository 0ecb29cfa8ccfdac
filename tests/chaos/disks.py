"""Disks that are full or can only be read, for the time of a block."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def mount(*words: object) -> None:
    """Call mount; skip the test if this user may not."""
    run = subprocess.run(["mount", *map(str, words)], capture_output=True, text=True, check=False)
    if run.returncode:
        pytest.skip(f"this user can't mount ({run.stderr.strip()})")


@contextmanager
def small_disk(folder: Path, room: int) -> Iterator[None]:
    """A disk in the place of a folder, with what the folder holds, on which `room` bytes are left."""
    aside = folder.with_name(f"{folder.name}-aside")
    folder.rename(aside)
    folder.mkdir()
    mount("-t", "tmpfs", "-o", "size=1g", "tmpfs", folder)
    try:
        shutil.copytree(aside, folder, dirs_exist_ok=True, symlinks=True)
        shutil.rmtree(aside)
        (folder / "disk.txt").write_text("a disk of its own")  # folders that are empty Snakemake removes
        room += os.statvfs(folder).f_frsize * 2  # folders grow
        mount("-o", f"remount,size={shutil.disk_usage(folder).used + room}", folder)
        yield
    finally:
        shutil.copytree(folder, aside, symlinks=True, dirs_exist_ok=True)
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()
        aside.rename(folder)


def make_room(folder: Path) -> None:
    """Let a small disk have room again."""
    mount("-o", "remount,size=1g", folder)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """A folder on a disk that can only be read."""
    mount("--bind", folder, folder)
    try:
        mount("-o", "remount,ro,bind", folder)
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
