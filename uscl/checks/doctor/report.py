"""All checks of a study, and the sentence on what to do next."""

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from uscl.base.errors import UserError
from uscl.checks.doctor import machine
from uscl.checks.doctor.amounts import Amount, amount
from uscl.checks.doctor.data import data_lines
from uscl.checks.doctor.disk_space import room
from uscl.checks.doctor.estimate import estimate, measured_seconds, time_lines
from uscl.checks.doctor.jobs import study_jobs
from uscl.checks.doctor.page_lines import Line, note
from uscl.checks.doctor.rates import fitting, read_records
from uscl.checks.doctor.store import store_lines
from uscl.checks.doctor.weights import weight_lines
from uscl.jobs.run_record import cpu_model


class Section(NamedTuple):
    """A part of the page."""

    title: str
    lines: list[Line]


class Report(NamedTuple):
    """What the doctor found of a study."""

    study: str
    sections: list[Section]
    left_s: float | None  # estimated seconds to come, by the clock; None where there is no estimate of the whole


def examine(
    config: Mapping[str, Any],
    *,
    registry: Mapping[str, Any],
    sets: Sequence[Mapping[str, Any]],
    results: Path,
    lock: Path,
    recorded: Path,
    cores: int | None = None,
    gpus: int = 1,
) -> Report:
    """Check a study; nothing is downloaded, trained or changed.

    `config` is sound; `registry` is config/datasets.yaml; `sets` has name, folder, exists, fetchable and how_to_get of
    every data set that the study uses; `lock` is requirements.lock, `recorded` benchmarks/recorded.yaml; `cores` (all
    if left out) and, for `device: cuda`, `gpus` are those that jobs may share.
    """
    cores = cores or os.cpu_count() or 1
    amounts = {given["name"]: amount(given["name"], config, results, registry, Path(given["folder"])) for given in sets}
    build, found = machine.gpus()
    gpus = max(gpus, config.get("devices", 1)) if config["device"] == "cuda" else 0
    times, left = time_section(config, amounts, results, recorded, cores, [gpu.name for gpu in found], gpus)
    sections = [
        Section("Software", software(lock)),
        Section("Machine", hardware(config, amounts, results, cores, build, found)),
        Section("Data", data_lines(sets, registry, config, amounts)),
        Section("Weights", weight_lines(config, results)),
        Section("MLflow", store_lines(config["tracking"], results / "mlflow.db", config.get("tracking_uri"))),
        Section("Time", times),
    ]
    return Report(config["study"], sections, left)


def software(lock: Path) -> list[Line]:
    """Python and packages."""
    packages = machine.package_lines(machine.installed_versions(), machine.locked_versions(lock))
    return [*machine.python_lines(platform.python_version()), *packages]


def hardware(
    config: Mapping[str, Any],
    amounts: Mapping[str, Amount],
    results: Path,
    cores: int,
    build: str,
    found: Sequence[machine.Gpu],
) -> list[Line]:
    """Device, cores, memory, and room for the results."""
    unknown = [name for name, known in amounts.items() if known.frames is None]
    free, used = machine.free_space(results), machine.used_space(results)
    return [
        *machine.device_lines(config["device"], config.get("devices", 1), build, found),
        *machine.cpu_lines(cores, *machine.memory()),
        *machine.disk_lines(results, free, used, room(config, amounts, cores), unknown),
    ]


def time_section(
    config: Mapping[str, Any],
    amounts: Mapping[str, Amount],
    results: Path,
    recorded: Path,
    cores: int,
    gpu_names: Sequence[str],
    gpus: int,
) -> tuple[list[Line], float | None]:
    """The estimated time, as lines and in seconds."""
    try:
        records = read_records(recorded)
    except UserError as error:
        return [note(str(error))], None
    device = config["device"]
    record = fitting(records, device, config["precision"], [cpu_model(), *gpu_names])
    if record is None:
        advice = f"python benchmarks/throughput.py --device {device} --precision {config['precision']}"
        return [note(f"unknown: no times are recorded for device {device}: {advice} records them (minutes).")], None
    measured = measured_seconds(results / "benchmarks")
    found = estimate(study_jobs(config, amounts, record, cores), measured, cores, gpus)
    return time_lines(found, cores, gpus, record), None if found.unknown else found.left
