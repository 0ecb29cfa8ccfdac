"""All code that depends on Snakemake's internals. Other modules and the rules call these functions.

The names used here belong to no documented interface, so the version is pinned to a minor, and `check_snakemake` stops
a call whose Snakemake lacks one of them.
"""

import inspect
import logging
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import snakemake
from snakemake import benchmark
from snakemake.api import DAGApi
from snakemake.dag import DAG
from snakemake.exceptions import ApiError
from snakemake.jobs import Job
from snakemake.settings.types import ConfigSettings
from snakemake.workflow import Workflow
from snakemake_interface_executor_plugins.settings import CommonSettings

from uscl.base.errors import UserError

SUPPORTED = "9.27"  # as in pyproject.toml
NAMES = (
    (Workflow, ("is_main_process", "dag", "overwrite_configfiles")),
    (DAG, ("needrun_jobs", "jobs")),
    (CommonSettings, ("dryrun_exec",)),
    (ConfigSettings, ("config_args",)),
    (benchmark, ("BENCHMARK_INTERVAL_SHORT",)),
    (Job, ("is_norun",)),
)
SCREEN = "DefaultStreamHandler"  # the name of the handler that shows messages on the screen
# Methods of Workflow that this module replaces, with the functions that must call them.
REPLACED = {"execute": DAGApi.execute_workflow, "unlock": DAGApi.unlock}
SAMPLE_S = 5.0  # between looks at the memory of a job in its first half minute


def check_snakemake() -> None:
    """Raise UserError unless this Snakemake defines, and calls, every name that this module uses."""
    version = snakemake.__version__
    absent = [f"{owner.__name__}.{name}" for owner, names in NAMES for name in names if name not in vars(owner)]
    for name, caller in REPLACED.items():
        if name not in vars(Workflow) or name not in inspect.unwrap(caller).__code__.co_names:
            absent.append(f"Workflow.{name}")
    if not version.startswith(f"{SUPPORTED}.") or absent:
        lacks = f" (it has no {', '.join(absent)})" if absent else ""
        raise UserError(
            f"This project doesn't work with Snakemake {version}{lacks}: install the version of requirements.lock with"
            " pip install --no-deps -r requirements.lock."
        )


def sample_seldom() -> None:
    """Look at the memory of a new job every `SAMPLE_S` seconds for its benchmark file, and not every half second.

    A look walks all processes of the machine and stops the job while it adds up its pages: every half second, this
    takes two thirds of the CPU time of Snakemake itself, and a job on a busy machine runs 5 % longer.
    """
    benchmark.BENCHMARK_INTERVAL_SHORT = SAMPLE_S


def is_main_process(workflow: Workflow) -> bool:
    """Whether this process is the user's call and not one of its jobs, which read the Snakefile again."""
    return bool(workflow.is_main_process)


def before_jobs(workflow: Workflow, prepare: Callable[[], object]) -> None:
    """Call `prepare` before this call plans and runs jobs.

    Jobs, dry runs and calls that run no jobs (--unlock, --lint, --summary, --dag, ...) do not call it: while the
    Snakefile is read, only the command line distinguishes these. A UserError in `prepare` ends the call.
    """
    if not is_main_process(workflow):
        return
    execute = workflow.execute

    def prepare_and_execute(*args: Any, executor_plugin: Any, **settings: Any) -> Any:
        if not executor_plugin.common_settings.dryrun_exec:
            try:
                prepare()
            except UserError as error:
                raise ApiError(str(error)) from error  # Snakemake prints its text unchanged
        return execute(*args, executor_plugin=executor_plugin, **settings)

    workflow.execute = prepare_and_execute


def on_unlock(workflow: Workflow, clear: Callable[[], object]) -> None:
    """Call `clear` when the user calls Snakemake with --unlock."""
    unlock = workflow.unlock

    def clear_and_unlock() -> None:
        clear()
        unlock()

    workflow.unlock = clear_and_unlock


def cores(workflow: Workflow) -> int | None:
    """The cores that the jobs of this call share; None on a cluster, where each job has its own."""
    found: int | None = workflow.resource_settings.cores
    return found


def may_run(workflow: Workflow, rules: Collection[str]) -> bool:
    """Whether this call may run any of these rules: --allowed-rules can limit it to others."""
    allowed = workflow.dag_settings.allowed_rules
    return not allowed or any(rule in allowed for rule in rules)


def coming_jobs(workflow: Workflow) -> Iterator[Any]:
    """The jobs that this call still has to run; available once they are planned (in `onstart`)."""
    return iter(workflow.dag.needrun_jobs())


def working_jobs(workflow: Workflow) -> list[Any]:
    """The coming jobs that do something: all but the targets, such as `all`."""
    return [job for job in coming_jobs(workflow) if not job.is_norun]


def all_rules(workflow: Workflow) -> set[str]:
    """The rules of all jobs that lead to this call's targets, whether they have to run or not."""
    return {job.rule.name for job in workflow.dag.jobs}


def replace_screen(log: logging.Logger, create: Callable[[bool], logging.Handler]) -> logging.Handler | None:
    """Let a handler of our own show Snakemake's messages; `create` is told whether colours are wanted.

    Does nothing and returns None if the user asked for a display of another kind: --logger, --quiet, --verbose.
    """
    own = next((handler for handler in log.handlers if handler.name == SCREEN), None)
    if own is None or log.level < logging.INFO or any(getattr(given, "quiet", None) for given in own.filters):
        return None
    screen = create(not getattr(own, "nocolor", False))
    for given in own.filters:
        screen.addFilter(given)
    log.removeHandler(own)
    log.addHandler(screen)
    return screen


def study_options(workflow: Workflow) -> list[str]:
    """The options with which another Snakemake call reads the same config as this one."""
    here, settings = Path.cwd(), workflow.config_settings.config_args
    files = [file.relative_to(here) if file.is_relative_to(here) else file for file in workflow.overwrite_configfiles]
    return [
        *(["--configfile", *map(str, files)] if files else []),
        *(["--config", *settings] if settings else []),
    ]
