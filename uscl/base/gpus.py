"""The GPUs of this machine, and which of them a job uses. Doesn't import torch.

Snakemake counts GPUs (`--resources gpu=4`) and doesn't say which a job gets. A job therefore takes those that no other
job of its user on the machine has: for each GPU a lock, which the system releases when the job ends, however it ends.
On a cluster, which hands out the GPUs itself, a job sees its own alone.
"""

import itertools
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

VISIBLE = "CUDA_VISIBLE_DEVICES"
OF_CALL = "USCL_GPUS"  # environment variable: how many GPUs there are where the call began
JOBS_OF_A_GPU = 64  # more never share one
held: list[Any] = []  # locks, until this process ends


def visible_gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them; if it isn't set, all of the machine."""
    if VISIBLE in os.environ:
        return [name for name in os.environ[VISIBLE].split(",") if name]
    command = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return []
    return found.stdout.split()


def gpus_of_call() -> int:
    """How many GPUs there are where the call began; its jobs, which may run on other machines, inherit the number."""
    os.environ.setdefault(OF_CALL, str(len(visible_gpus())))
    return int(os.environ[OF_CALL])


def take_gpus(count: int) -> None:
    """Let this process, and those that it starts, use `count` GPUs that other jobs don't; call it before CUDA.

    If more jobs run than there are GPUs, because `--resources` allows it, those with the fewest jobs are shared.
    """
    candidates = visible_gpus()
    if len(candidates) <= count:
        return  # nothing to choose
    folder = Path(tempfile.gettempdir(), f"uscl-gpus-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    taken: list[str] = []
    for job, name in itertools.product(range(JOBS_OF_A_GPU), candidates):
        if name not in taken and taken_now(folder / f"{name}-{job}.lock"):
            taken.append(name)
        if len(taken) == count:
            break
    os.environ[VISIBLE] = ",".join(sorted(taken, key=candidates.index))


def taken_now(path: Path) -> bool:
    """Hold a lock until this process ends; False if another process holds it."""
    from filelock import FileLock, Timeout  # late: every call counts GPUs, but only jobs on them take one

    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    held.append(lock)
    return True
