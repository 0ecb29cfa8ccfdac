"""A study at the start of a `snakemake` call: what must be right before Snakemake plans its jobs."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from uscl.base.errors import UserError
from uscl.base.files import not_writable
from uscl.jobs.code import prepare_children
from uscl.study.contradictions import environment_fault
from uscl.study.study import Study
from uscl.study.validation import check_repeated_keys


def plan(config: dict[str, Any], files: Iterable[str], root: Path) -> Study:
    """The study of a config that was read from `files`; `root` is the project. Raises UserError on the first fault."""
    prepare_children(root)
    if {"{", "}"} & set(str(Path.cwd())):
        raise UserError(f"Snakemake can't work in a folder with a brace in its path: rename a part of {Path.cwd()}.")
    if there := not_writable(Path(".snakemake").absolute()):
        raise UserError(
            f"Snakemake keeps its notes in the folder of the call, and {there} can't be written to: call it from a"
            f" folder of yours with --snakefile {root / 'Snakefile'} and --configfile."
        )
    for file in files:
        check_repeated_keys(Path(file))
    study = Study.from_config(config, root)
    if fault := environment_fault(study.settings):
        raise UserError(fault)
    if there := not_writable(Path(study.results).absolute()):
        raise UserError(f"Config: {there} can't be written to: name another folder for `results`.")
    for evaluation in (*study.evaluations, *study.label_fractions):
        place = study.fit(evaluation.task, evaluation.regime)
        if not (root / f"{place.partition(':')[0].replace('.', '/')}.py").is_file():
            raise UserError(f"The regime {evaluation.regime} is declared with {place}, which doesn't exist: add it.")
    for arm in study.arms:
        for path in study.given_weights(arm):
            if not Path(path).is_file():
                raise UserError(
                    f"Config: methods.{arm} starts from {path}, which doesn't exist: correct `init`, `checkpoint` or"
                    " `imagenet_weights`."
                )
    return study


def without(study: Study, dataset: str) -> str:
    """The part of the study that can run without a data set, as the end of a sentence."""
    if dataset in study.pool:
        return "without a pool only arms of the method imagenet can run"
    tasks = study.tasks_on(dataset)
    others = [task for task in study.settings.tasks if task not in tasks]
    return f"without it {', '.join(others) or 'no task'} can run: take {', '.join(tasks)} out of `tasks`"
