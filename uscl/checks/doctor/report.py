"""All checks of a study, and the sentence on what to do next."""

import os
import platform
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from uscl.base.errors import UserError
from uscl.checks.doctor import encoder_cost, machine
from uscl.checks.doctor.data import data_findings, downloads
from uscl.checks.doctor.findings import Finding, note
from uscl.checks.doctor.forecast import Forecast, forecast, forecast_findings
from uscl.checks.doctor.steps import step_findings, videos_of
from uscl.checks.doctor.store import store_findings
from uscl.checks.doctor.weights import weight_findings, weights_to_download
from uscl.checks.expectations import expectations


class Section(NamedTuple):
    """A part of the page."""

    title: str
    findings: list[Finding]


class Report(NamedTuple):
    """The doctor's findings about a study.

    `finished` is whether every job has run, `command` runs the study, which first downloads `downloads`.
    """

    study: str
    sections: list[Section]
    finished: bool
    command: str
    downloads: Sequence[str] = ()


def examine(
    config: Mapping[str, Any],
    *,
    registry: Mapping[str, Any],
    sets: Sequence[Mapping[str, Any]],
    results: Path,
    lock: Path,
    snakefile: Path,
    options: Sequence[str] = (),
    cores: int | None = None,
    expected: Mapping[str, Any] | None = None,
    groups: Mapping[str, int | None] | None = None,
    pretraining: Mapping[str, Any] | None = None,
) -> Report:
    """Check a study; nothing is downloaded, trained or changed.

    `config` is a validated config; `registry` is config/datasets.yaml; `sets` has name, folder, exists, fetchable and
    how_to_get of every data set that the study uses; `lock` is requirements.lock; `snakefile` and `options` let
    Snakemake plan the study; `cores` is the number of cores that jobs may share (all if left out). `expected` and
    `groups` are arguments of `uscl.checks.expectations.expectations`; `pretraining` has `arms` (settings by name),
    `shares` of the pool (see `uscl.checks.doctor.steps.step_findings`) and `devices`.
    """
    cores = cores or os.cpu_count() or 1
    seconds = encoder_cost.measured(encoder_cost.inputs_of(config))
    times, finished = time_section(
        snakefile, options, results / "benchmarks", cores, encoder_cost.weights(config, seconds)
    )
    sections = [
        Section("Software", software(lock)),
        Section("Machine", hardware(config, results, cores, pretraining or {})),
        Section("Data", data_findings(sets, registry, config, results / "frames")),
        Section("Weights", weight_findings(config, results)),
        Section("MLflow", store_findings(config["tracking"], results / "mlflow.db", config.get("tracking_uri"))),
        Section("Time", [*times, *encoder_cost.cost_finding(seconds)]),
    ]
    if pretraining and (found := pretraining_findings(config, registry, pretraining, results)):
        sections.append(Section("Pretraining", found))
    if expected is not None:
        sentences = expectations(**expected, groups=groups or {})
        sections.append(Section("What the study can show", [note(sentence) for sentence in sentences]))
    coming = [*downloads(sets, registry, config, results / "frames"), *weights_to_download(config)]
    return Report(config["study"], sections, finished, command(snakefile, options), coming)


def command(snakefile: Path, options: Sequence[str]) -> str:
    """The command that runs the study from the working folder."""
    found = Path("Snakefile").exists() and Path("Snakefile").samefile(snakefile)
    named = [] if found else ["--snakefile", str(snakefile)]
    return shlex.join(["snakemake", "--cores", "all", *named, *options])


def pretraining_findings(
    config: Mapping[str, Any], registry: Mapping[str, Any], pretraining: Mapping[str, Any], results: Path
) -> list[Finding]:
    """Whether the steps of every arm can be enough."""
    if not pretraining["arms"]:
        return []
    settings = config["datasets"][config["pool"]]
    videos = videos_of(settings, registry.get(settings.get("reader", "")), results / "frames" / config["pool"])
    return step_findings(pretraining["arms"], pretraining["shares"], videos)


def software(lock: Path) -> list[Finding]:
    """Python and packages."""
    packages = machine.package_findings(machine.installed_versions(), machine.locked_versions(lock))
    return [*machine.python_findings(platform.python_version()), *packages]


def hardware(config: Mapping[str, Any], results: Path, cores: int, pretraining: Mapping[str, Any]) -> list[Finding]:
    """Device, cores, memory, and free disk space for the results."""
    build, found = machine.gpus()
    processes = len(pretraining.get("arms", ())) * len(config["seeds"]) * pretraining.get("devices", 1)
    return [
        *machine.device_findings(config["device"], pretraining.get("devices", 1), build, found),
        *machine.cpu_findings(cores, *machine.memory()),
        *machine.thread_findings(cores, processes, config.get("threads", 1)),
        *machine.disk_findings(results, machine.free_space(results), machine.used_space(results)),
    ]


def time_section(
    snakefile: Path, options: Sequence[str], benchmarks: Path, cores: int, weights: Mapping[str, Mapping[str, float]]
) -> tuple[list[Finding], bool]:
    """The forecast, and whether every job has run; `weights` are the relative costs of jobs by rule and arm."""
    try:
        found: Forecast = forecast(snakefile, options, benchmarks, weights)
    except UserError as error:
        return [note(f"unknown: {error}")], False
    return forecast_findings(found, cores), not found.jobs
