"""A `snakemake` call from start to end: one call at a time, checks before the first job, messages after the last."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from uscl.base.errors import UserError
from uscl.base.files import not_writable
from uscl.checks import display
from uscl.jobs import call as call_mark
from uscl.jobs import interruption
from uscl.jobs.commit import unknown_commit
from uscl.jobs.recorded import name_study
from uscl.jobs.snakemake_internals import (
    before_jobs,
    check_snakemake,
    coming_jobs,
    is_main_process,
    may_run,
    on_unlock,
    sample_seldom,
    study_options,
)
from uscl.study.given_arms import file_faults
from uscl.study.study import Study
from uscl.study.waiting import failed_runs, forget_lost_runs
from uscl.tracking import mirror_process
from uscl.tracking.address import moved
from uscl.tracking.plan import write_plan

# The rules with an outcome.
RULES_OF_RUNS = ("published_encoder", "pretrain", "finetune", "probe", "given_predictions", "authors_protocol")
FINISH_S = 120  # for the mirror's last pass at the end of a call


def begin(workflow: Any, study: Study, log: logging.Logger) -> None:
    """When the workflow is read: arrange the steps before the jobs, and warn about missing data and failed runs.

    The processes that run the jobs of a call read the workflow too; in them this function has no effect.
    """
    check_snakemake()
    if not is_main_process(workflow):
        return
    sample_seldom()
    interruption.name_caller()
    interruption.end_once()
    results = Path(study.results)
    if faults := list(filter(None, map(study.data.holds_results, study.datasets))):
        raise UserError(faults[0])
    before_jobs(workflow, lambda: take(workflow, study, log))
    on_unlock(workflow, lambda: call_mark.clear(results))
    for sentence in filter(None, map(study.data.missing, study.datasets)):
        log.warning(f"Missing: {sentence}")
    for sentence in file_faults(study.settings):
        log.warning(f"Missing: {sentence}")
    for sentence in filter(None, map(study.data.huge, study.datasets)):
        log.warning(sentence)
    for sentence in failed_runs(study):
        log.warning(f"Failed before: {sentence} (change its settings, or remove its outcome.json to repeat it)")


def take(workflow: Any, study: Study, log: logging.Logger) -> None:
    """Before the jobs are planned: take the results folder and the screen. Raises UserError if another call has it."""
    call_mark.take_call(Path(study.results))
    name_study(Path(study.results), study_options(workflow))
    display.take(workflow, study, log)
    if study.settings.tracking != "none" and (sentence := moved(Path(study.results), study.settings.tracking_uri)):
        log.warning(sentence)
    # A call that may not train makes tables from predictions that came without their encoders.
    for path in forget_lost_runs(study) if may_run(workflow, RULES_OF_RUNS) else []:
        log.warning(f"{path} is missing or was changed: its run is repeated.")


def start(workflow: Any, study: Study, log: logging.Logger) -> None:
    """Before the first job: check folders, data, GPUs and weights of the coming jobs, and start the MLflow mirror.

    Raises UserError on the first fault.
    """
    display.expect(workflow, study)
    coming = list(coming_jobs(workflow))
    check_folders(Path(file).parent for job in coming for file in [*job.output, *job.log])
    fetching, extracting = (
        {job.wildcards.dataset for job in coming if job.rule.name == rule} for rule in ("fetch_set", "extract_frames")
    )
    check_data(study, fetching, extracting)
    if any(job.rule.name in ("check_study", "given_features", "given_predictions") for job in coming):
        check_given(study)
    encoders = {job.wildcards.arm for job in coming if job.rule.name in ("published_encoder", "pretrain")}
    check_machine(study, encoders, max((int(job.resources.get("gpu", 0)) for job in coming), default=0))
    if coming and (sentence := unknown_commit()):
        log.warning(sentence)
    if study.settings.tracking != "none":
        write_plan(study)
        mirror_process.start(Path(study.results), study.settings.tracking_uri, study.settings.study)


def check_folders(folders: Iterable[Path]) -> None:
    """Raise UserError for a folder that can't be written to."""
    for folder in sorted(set(folders)):
        if there := not_writable(folder):
            raise UserError(f"{there} can't be written to: fix its permissions, or name another folder (`results`).")


def check_data(study: Study, fetching: set[str], extracting: set[str]) -> None:
    """Raise UserError for a data set that a job will read or fetch, and that can't be there."""
    for dataset in sorted(fetching | extracting):
        if sentence := study.data.missing(dataset):
            raise UserError(sentence)
        folder = study.data.folder(dataset)
        if dataset not in fetching and study.data.fetched(dataset) and not Path(folder).is_dir():
            raise UserError(
                f"Data set '{dataset}': the folder {folder} is gone: restore it, or fetch it again with --forcerun"
                " fetch_set."
            )


def check_given(study: Study) -> None:
    """Raise UserError for a file of features or predictions that isn't there."""
    for sentence in file_faults(study.settings):
        raise UserError(sentence)


def check_machine(study: Study, encoders: Iterable[str], gpus: int) -> None:
    """Raise UserError if the required GPUs or ImageNet weights aren't available; another process checks this."""
    needs = ["--gpus", str(gpus)] if gpus else []
    for arm in sorted(encoders):
        # Random weights of the two encoders that are chosen by hand can't fail.
        if study.init(arm) == "imagenet" or ("/" in study.architecture(arm) and study.init(arm) == "random"):
            needed = [study.architecture(arm), study.init(arm), next(iter(study.initial_weights(arm)), None)]
            needs += ["--encoder", json.dumps([*needed, study.own_input(arm)])]
    if needs:
        script = study.root / "workflow/scripts/checks/preflight.py"
        run = subprocess.run([sys.executable, script, *needs], stdout=subprocess.PIPE, text=True)
        if run.returncode:
            raise UserError(run.stdout.strip() or "The checks before the run failed; see above.")


def end(workflow: Any, study: Study, log: logging.Logger, *, failed: bool = False) -> None:
    """After the last job: end the mirror and the display, which shows what was found or what failed.

    Raises UserError for runs that failed by a mistake of their own, so that the call fails too.
    """
    if sentence := mirror_process.finish(FINISH_S):
        log.warning(sentence)
    display.end(workflow, study, log, failed=failed)
    if failures := failed_runs(study):
        raise UserError("Some runs failed, and the tables name them as missing:\n  " + "\n  ".join(failures))
