"""Arms whose features or predictions come from files: the evaluations that they take part in, and their files."""

import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from uscl.base.files import file_sha256
from uscl.base.text import nearest
from uscl.data.few_labels import ALL_LABELS, Labels
from uscl.evaluate.regimes import REGIMES
from uscl.pretrain.methods import methods
from uscl.study.schema import StudySettings

FORMATS = (".parquet", ".csv")  # of predictions


def why_absent(study: StudySettings, arm: str, task: str, regime: str, labels: Labels = ALL_LABELS) -> str | None:
    """Why an arm takes no part in an evaluation; None if it does, as every arm with an encoder."""
    settings = study.methods[arm]
    gives = methods()[settings.method].gives
    if gives == "encoder":
        return None
    if settings.tasks is not None and task not in settings.tasks:
        return f"not among methods.{arm}.tasks"
    if gives == "features":
        return "features from a file can only be probed" if REGIMES[regime].trains else None
    compared = settings.regime or study.tasks[task].regimes[0]
    if labels != ALL_LABELS:
        return "its predictions are of models trained with all labels"
    return None if regime == compared else f"its predictions are compared in the regime {compared}"


def tasks_of(study: StudySettings, arm: str) -> list[str]:
    """The tasks of which an arm takes part in any evaluation."""
    return [
        name
        for name, task in study.tasks.items()
        if not all(why_absent(study, arm, name, regime) for regime in task.regimes)
    ]


def faults(study: StudySettings) -> Iterator[str]:
    """Arms from files that name something undefined, or that no task of the study can evaluate."""
    for arm, settings in study.methods.items():
        gives = methods()[settings.method].gives
        if gives == "encoder":
            continue
        regime = getattr(settings, "regime", None)
        if regime is not None and regime not in REGIMES:
            yield f"methods.{arm}.regime: '{regime}' is not one of {', '.join(REGIMES)}{nearest(regime, REGIMES)}"
        for task in settings.tasks or ():
            if task not in study.tasks:
                hint = nearest(task, study.tasks)
                yield f"methods.{arm}.tasks names '{task}', but `tasks` has only {', '.join(study.tasks)}{hint}"
        evaluated = tasks_of(study, arm)
        if lost := [task for task in settings.tasks or () if task not in evaluated]:
            yield f"methods.{arm}.tasks names '{lost[0]}', {no_regime(study, lost[0], regime)}"
        if not evaluated:
            yield f"methods.{arm}: no task can evaluate it, {no_regime(study, next(iter(study.tasks)), regime)}"


def no_regime(study: StudySettings, task: str, regime: str | None) -> str:
    """The end of a sentence about a task without a regime for given features (no `regime`) or predictions."""
    has = f"tasks.{task}.regimes has only {', '.join(study.tasks[task].regimes)}"
    if regime is not None:
        return f"but its regime is {regime}, and {has}."
    return f"but features from a file can only be probed (linear, knn), and {has}."


def given_file(study: StudySettings, arm: str, task: str) -> str:
    """The file of an arm's features or of its predictions on a task; if a folder has none, the one that it lacks."""
    settings: Any = study.methods[arm]
    if methods()[settings.method].gives == "features":
        return os.path.expanduser(settings.file)
    stem = os.path.join(os.path.expanduser(settings.folder), task)
    return next((found for end in FORMATS if os.path.isfile(found := f"{stem}{end}")), f"{stem}{FORMATS[-1]}")


def file_faults(study: StudySettings) -> Iterator[str]:
    """Files of arms that are missing, or that are there in both formats."""
    given = {  # by file, since one has the features of all tasks
        given_file(study, arm, task): (arm, task, gives)
        for arm, settings in study.methods.items()
        if (gives := methods()[settings.method].gives) != "encoder"
        for task in tasks_of(study, arm)
    }
    for path, (arm, task, gives) in given.items():
        stem, _ = os.path.splitext(path)
        if not os.path.isfile(path):
            key, of_task = ("file", "") if gives == "features" else ("folder", f" --task {task}")
            yield (
                f"methods.{arm} takes {gives} from {path}, which doesn't exist: correct `{key}`, write the file (`uscl"
                f" template {gives}{of_task}`), or name the tasks that it is for in `tasks`."
            )
        elif gives == "predictions" and all(os.path.isfile(f"{stem}{end}") for end in FORMATS):
            yield f"methods.{arm}: {stem} is there as .csv and as .parquet: remove one of them."


def content(path: str) -> str:
    """The SHA-256 of a given file; empty if it isn't there."""
    if not os.path.isfile(path):
        return ""
    found = os.stat(path)
    return hashed(path, found.st_size, found.st_mtime_ns)


@functools.cache  # a process asks for it several times per job
def hashed(path: str, size: int, changed: int) -> str:
    """The SHA-256 of a file that has this size and this time of its last change."""
    return file_sha256(Path(path))
