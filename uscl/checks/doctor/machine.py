"""Is the machine what the study asks for? Versions, device, memory and disk."""

import os
import platform
import re
import shutil
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from uscl.base.files import nearest_existing
from uscl.checks.doctor.findings import Finding, counted, missing, note, ok, size

PINNED_PYTHON = "3.11"  # what requirements.lock was made with
OLDEST_PYTHON = (3, 11)
LITTLE_SPACE = 300_000_000  # bytes that the embedded study takes

# The packages that results depend on or that the workflow needs.
WATCHED = (
    "torch",
    "torchvision",
    "timm",
    "segmentation-models-pytorch",
    "kornia",
    "lightning-fabric",
    "numpy",
    "pandas",
    "scikit-learn",
    "av",
    "opencv-python-headless",
    "pydicom",
    "snakemake",
    "mlflow",
)


class Gpu(NamedTuple):
    """A GPU that torch can use; memory in bytes."""

    name: str
    free: int
    total: int


def python_findings(given: str) -> list[Finding]:
    """Is this a Python that the project runs on? `given` is its version."""
    if tuple(map(int, given.split(".")[:2])) < OLDEST_PYTHON:
        return [missing(f"Python {given}: {PINNED_PYTHON} or newer is needed; make .venv again with it.")]
    if not given.startswith(f"{PINNED_PYTHON}."):
        return [note(f"Python {given}; the pinned versions are for {PINNED_PYTHON}, so scores may differ a little.")]
    return [ok(f"Python {given}")]


def locked_versions(lock: Path) -> dict[str, str]:
    """The watched packages' versions, as pinned by a file of `name==version` lines; none without the file."""
    text = lock.read_text(encoding="utf-8") if lock.is_file() else ""
    pinned = {normal(name): value for name, value in re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)}
    return {name: pinned[name] for name in WATCHED if name in pinned}


def installed_versions() -> dict[str, str]:
    """The watched packages' versions in this environment."""
    found = {}
    for name in WATCHED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def package_findings(installed: Mapping[str, str], locked: Mapping[str, str]) -> list[Finding]:
    """Which packages differ from their pinned versions. Builds (`2.13.0+cpu`) don't count as differences."""
    if not locked:
        return [note("requirements.lock isn't there: the versions of packages can't be compared.")]
    absent = [name for name in locked if name not in installed]
    other = [
        f"{name} {installed[name]} (pinned {pin})"
        for name, pin in locked.items()
        if name in installed and installed[name].partition("+")[0] != pin
    ]
    lines = (
        [missing(f"Not installed: {', '.join(absent)}: pip install --no-deps -r requirements.lock.")] if absent else []
    )
    if other:
        lines.append(note(f"Not as pinned: {', '.join(other)}: scores may differ from those of others."))
    return lines or [ok(f"{counted(len(locked), 'package')} that matter as requirements.lock pins them")]


def gpus() -> tuple[str, list[Gpu]]:
    """The build of torch, and the GPUs that it can use."""
    import torch  # late: checks that don't ask for a GPU need not wait for the import

    build = f"torch {torch.__version__} ({f'CUDA {torch.version.cuda}' if torch.version.cuda else 'no CUDA'})"
    found = range(torch.cuda.device_count() if torch.cuda.is_available() else 0)
    return build, [Gpu(torch.cuda.get_device_name(k), *torch.cuda.mem_get_info(k)) for k in found]


def device_findings(device: str, devices: int, build: str, found: Sequence[Gpu]) -> list[Finding]:
    """Is the device there that the study's `device` and `devices` ask for?"""
    described = [f"{gpu.name}, {size(gpu.free)} of {size(gpu.total)} free" for gpu in found]
    if device == "cuda" and not found:
        return [missing(f"device: cuda, but {build} finds no usable GPU: set `device: cpu`, or fix driver or torch.")]
    if device == "cuda" and len(found) < devices:
        return [missing(f"devices: {devices}, but torch finds {counted(len(found), 'GPU')}: set that number.")]
    if device == "cuda":
        return [ok(f"device: cuda, {build}; {'; '.join(described)}")]
    if found:
        return [note(f"device: cpu, though {build} could use {'; '.join(described)}: `device: cuda` may be faster.")]
    return [ok(f"device: cpu, {build}")]


def memory() -> tuple[int, int | None]:
    """Bytes of main memory, and how many are available if the system reports it."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    info = Path("/proc/meminfo")
    free = re.search(r"^MemAvailable:\s+(\d+) kB", info.read_text() if info.exists() else "", re.MULTILINE)
    return total, int(free[1]) * 1024 if free else None


def cpu_findings(cores: int, total: int, free: int | None) -> list[Finding]:
    """Cores that the study may use, and memory in bytes."""
    available = "" if free is None else f", {size(free)} of it available"
    text = f"{counted(cores, 'core')}, {size(total)} of memory{available}; {platform.system()} {platform.machine()}"
    return [ok(text)]


def thread_findings(cores: int, processes: int, threads: int) -> list[Finding]:
    """Does `threads` suit the cores and the number of processes that pretrain?"""
    if threads > cores:
        return [note(f"threads: {threads}, but there are {counted(cores, 'core')}: fewer are faster.")]
    useful = cores // max(1, processes)
    if useful <= threads:
        return []
    few = f"{counted(processes, 'pretraining')} for {counted(cores, 'core')}"
    return [note(f"{few}: `threads: {useful}` would keep all of them busy; it is part of a run's identity.")]


def free_space(folder: Path) -> int:
    """Free bytes on the disk of a folder, which need not exist yet."""
    return shutil.disk_usage(nearest_existing(folder)).free


def used_space(folder: Path) -> int:
    """Bytes of the files below a folder; links aren't followed."""
    return sum(
        path.lstat().st_size for parent, _, names in os.walk(folder) for path in (Path(parent, n) for n in names)
    )


def disk_findings(folder: Path, free: int, used: int) -> list[Finding]:
    """The free disk space of the results folder, and what it holds."""
    text = f"{folder}: {size(free)} free, {size(used)} used"
    if free < LITTLE_SPACE:
        return [note(f"{text}: even the embedded study takes 300 MB; free some, or set `results` to another disk.")]
    return [ok(text)]


def normal(name: str) -> str:
    """A package's name as PyPI compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()
