"""Files from the future: what a clock that was set back leaves behind.

Snakemake tells by times what is newer than what. Files from before the clock was set back would be newer than all that
is made from them, until the time comes round again: every call would make them anew, or stop.

Light on purpose (no torch, no pandas): every `snakemake` call pays for it.
"""

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

TOLERANCE_S = 2.0  # file systems keep their own time


def bring_back(folders: Iterable[Path]) -> int:
    """Give the files and folders below `folders` that are from the future times before now, in the same order.

    They stay behind those that are not from the future. Returns how many there were. What can't be changed is left.
    """
    now = time.time()
    times = {path: path.lstat().st_mtime for folder in folders for path in below(folder)}
    future = {path: at for path, at in times.items() if at > now + TOLERANCE_S}
    if not future:
        return 0
    past = max((at for at in times.values() if at <= now), default=now - 1)
    past = min(past, now - 1e-3 * len(future))  # room for an order that a file system can keep
    first, last = min(future.values()), max(future.values())
    for path, at in future.items():
        share = (at - first) / (last - first) if last > first else 1.0
        moved = past + (now - past) * (0.1 + 0.9 * share)
        os.utime(path, (moved, moved), follow_symlinks=False)
    return len(future)


def below(folder: Path) -> Iterator[Path]:
    """A folder's files and folders at any depth, links not followed; nothing of what MLflow keeps."""
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in ("mlartifacts", "__pycache__")]
        yield from (Path(parent, name) for name in (*folders, *files))
