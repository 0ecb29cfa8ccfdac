"""The origin of a result: commit, configuration, data, seed, packages, hardware and cost of its run."""

import hashlib
import json
import os
import platform
import resource
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from uscl.base.files import sha256, write_text
from uscl.jobs.commit import commit
from uscl.jobs.recorded import checked

PACKAGES = (
    *("torch", "torchvision", "timm", "segmentation_models_pytorch", "kornia", "lightning-fabric"),
    *("numpy", "scipy", "pandas", "scikit-learn", "av", "opencv-python-headless", "pillow", "pydicom"),
)
OPTIONAL = ("python-gdcm",)  # recorded where it is installed: it decodes some DICOM files
NOT_RESULTS = ("results", "tracking", "tracking_uri", "keep_models", "verify")  # no result depends on these settings


class RunRecord:
    """The record of a run; times it from the creation of this object to `write`.

    `params` are the run's own settings, `config` the whole study's, `data` the files that hold or identify the data.
    """

    def __init__(
        self, name: str, *, params: dict[str, Any], config: dict[str, Any], data: list[Path], tags: dict[str, str]
    ) -> None:
        self.started = time.time()
        self._clock = time.monotonic()  # the system's clock may be set back
        self.record: dict[str, Any] = {
            "name": name,
            "started": self.started,
            "params": params,
            "config": config,
            "config_sha256": config_hash(config),
            "data_sha256": sha256(*data),
            "commit": str(commit()),
            "tags": tags,
            "packages": packages(),
            "hardware": hardware(),
        }

    def origin(self) -> dict[str, str]:
        """The parts of the record that an encoder file carries."""
        return {key: self.record[key] for key in ("name", "config_sha256", "data_sha256", "commit")}

    def identity(self, *more: str) -> str:
        """A hash of everything that the run's result depends on: settings, data, package versions, `more` hashes."""
        parts = [self.record["params"], self.record["data_sha256"], self.record["packages"], *more]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def write(self, path: Path, **more: Any) -> None:
        """Write the record as JSON, with start and end in seconds since 1970 and peak memory in MiB."""
        ended = self.started + time.monotonic() - self._clock
        record = self.record | more | {"ended": ended, "peak_memory_mib": peak_memory()}
        write_text(path, json.dumps(record, indent=2, sort_keys=True) + "\n")


def read_record(folder: Path) -> dict[str, Any]:
    """The record of a finished run in its folder. Raises UserError if the file is damaged."""
    record: dict[str, Any] = json.loads(checked(folder / "run.json").read_text(encoding="utf-8"))
    return record


def packages() -> dict[str, str]:
    """Versions of the packages that the results depend on."""
    installed = [package for package in OPTIONAL if is_installed(package)]
    return {package: version(package) for package in (*PACKAGES, *installed)}


def is_installed(package: str) -> bool:
    """Whether this environment has the package."""
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def config_hash(config: dict[str, Any]) -> str:
    """A hash of the settings that a study's results depend on: all but those for its folder, tracking and checks."""
    settings = {key: value for key, value in config.items() if key not in NOT_RESULTS}
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def hardware() -> dict[str, str]:
    """Processor, GPU if torch is in use and finds one, threads, and operating system."""
    torch = sys.modules.get("torch")  # a job that does not use torch need not wait for its import
    gpu = torch.cuda.get_device_name() if torch and torch.cuda.is_available() else "none"
    threads = torch.get_num_threads() if torch else os.environ.get("OMP_NUM_THREADS", "1")
    return {"cpu": cpu_model(), "gpu": gpu, "threads": str(threads), "system": platform.platform()}


def cpu_model() -> str:
    """The processor's name if the system reports it, else its architecture."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def peak_memory() -> float:
    """Largest resident memory of this process so far, in MiB (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
