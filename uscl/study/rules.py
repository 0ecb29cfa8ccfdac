"""What the workflow's rules ask a study for by wildcards: one-line functions for Snakemake."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from uscl.data.few_labels import ALL_LABELS, PATTERN, labels_named
from uscl.evaluate.regimes import REGIMES
from uscl.jobs.outcome import FILE, read_outcome
from uscl.models.hub_file import on_hub
from uscl.models.model_folder import FOLDER
from uscl.study import keys
from uscl.study.figures import FIGURES, RANKINGS
from uscl.study.given_arms import content
from uscl.study.study import Evaluation, ExternalTest, Study
from uscl.study.waiting import after_checks

ALL_REGIMES = list(REGIMES)
# A cell's folder, and the same as one name.
CELL = "{task}/{regime}/labels{labels}/{arm}/seed{seed}"
CELL_NAME = "{task}-{regime}-labels{labels}-{arm}-seed{seed}"
EVALUATION = "{task}-{regime}-labels{labels}"
LABELS = PATTERN  # of the wildcard `labels`
# The folder of a run by the authors' protocol.
AUTHORS = "{task}/{arm}/seed{seed}"

# Files that the scripts of pages find by name.
PAGES = ("base", "parts", "report", "table", "claims", "text")
TEMPLATES = [
    f"uscl/report/page/templates/{name}" for name in ("page.css", "page.js", *(f"{page}.html.j2" for page in PAGES))
]

Ask = Callable[[Any], Any]  # a function of the wildcards of a job


def one_of(names: Iterable[str]) -> str:
    """A wildcard constraint that admits only these names, or nothing if there are none."""
    return "|".join(map(re.escape, names)) or "(?!)"


def code_of(study: Study) -> Callable[..., Ask]:
    """For a script, and library files that it finds by name: a function that gives the hash of the code of a job."""
    return lambda script, *files: lambda w: keys.code(study, script, *files)


def waits_of(study: Study, *, main: bool) -> Callable[[Callable[[Study, Any], list[str]]], Ask]:
    """Make an input function from one of the `checks_before` functions; only the `main` process waits for checks."""
    return lambda ask: lambda w: ask(study, w) if main else []


def study_figures(study: Study) -> list[str]:
    """The names of the figures of the whole study: those that can say something."""
    several = len(study.arms) > 1
    useful = {"differences": several, "ranks": several and len(study.settings.tasks) >= RANKINGS}
    return [name for name in FIGURES if useful.get(name, True)]


def asked(study: Study) -> dict[str, Any]:
    """What the report says about the study's file."""
    settings = study.settings
    return {
        "study": settings.study,
        "tasks": list(settings.tasks),
        "primary": study.primary,
        "encoder": ", ".join(study.architectures),
        "frame_size": settings.frame_size,
        "seeds": study.seeds,
        "regimes": study.regime_titles,
        "simulated": study.simulated,
    }


def evaluations_with_arms(study: Study) -> list[list[Any]]:
    """Task, regime and arms of every evaluation of the table."""
    return [[each.task, each.regime, study.evaluated(each)] for each in study.evaluations]


def arms_of_map(study: Study, w: Any) -> list[str]:
    """The arms whose frozen features of a task there are."""
    of_files = {arm for arm, task, _ in study.given_files if task == w.task}
    return [arm for arm in study.with_features if arm in study.encoded or arm in of_files]


def external_test_of(w: Any) -> ExternalTest:
    """The external test that the wildcards of a job name."""
    return ExternalTest(Evaluation(w.task, w.regime, ALL_LABELS), w.dataset)


def names_of_classes(study: Study, w: Any) -> dict[str, str]:
    """The task's names of the classes of an external set."""
    return study.settings.tasks[w.task].external_sets[w.dataset].classes


def kinds_in_figures(study: Study) -> dict[str, str]:
    """The kind of every task, also on its external sets."""
    tasks: dict[str, Any] = dict(study.settings.tasks)
    tasks |= {test.task: tasks[test.evaluation.task] for test in study.external}
    return {name: task.kind for name, task in tasks.items()}


def levels_in_figures(study: Study) -> dict[str, str]:
    """The level that figures show of every task, also on its external sets."""
    return {name: study.main_level(name) for name in study.settings.tasks} | {
        test.task: study.main_level(test.evaluation.task) for test in study.external
    }


def external_pairs(study: Study) -> list[list[str]]:
    """Each external set with each data set of a task that is tested on it, once."""
    tasks = study.settings.tasks
    pairs = {(test.dataset, tasks[test.evaluation.task].dataset): None for test in study.external}
    return [list(pair) for pair in pairs]


def external_tests(study: Study) -> list[dict[str, Any]]:
    """What the tables need to know about the external tests."""
    return [
        {
            "name": test.task,
            "task": test.evaluation.task,
            "regime": test.evaluation.regime,
            "dataset": test.dataset,
            "arms": study.externally_tested(test.evaluation),
        }
        for test in study.external
    ]


def evaluation_of(w: Any) -> Evaluation:
    """The evaluation that the wildcards of a cell name."""
    return Evaluation(w.task, w.regime, labels_named(w.labels))


def key_of_encoder(study: Study, w: Any) -> str:
    """The key of an encoder."""
    return keys.encoder_key(study, w.arm, int(w.seed))


def key_of_cell(study: Study, w: Any) -> str:
    """The key of a cell."""
    return keys.cell_key(study, evaluation_of(w), w.arm, int(w.seed))


def key_of_authors_run(study: Study, w: Any) -> str:
    """The key of a run by the authors' protocol."""
    return keys.authors_key(study, w.task, w.arm, int(w.seed))


def reading_of_models(study: Study, w: Any) -> dict[str, Any] | None:
    """How the models of a cell read pictures, if they are kept; else None.

    Models that a finished cell has already are no reason to repeat it without them.
    """
    evaluation = evaluation_of(w)
    folder = study.cell(evaluation, w.arm, w.seed)
    if w.arm not in study.encoded:
        return None  # the project can't read pictures with an encoder that it does not have
    tested = any(evaluation == test.evaluation for test in study.external)
    if not (tested or study.keeps_models(int(w.seed))):
        outcome = read_outcome(Path(folder, FILE))
        has = outcome and any(name.startswith(f"{FOLDER}/") for name in outcome.files)
        if not (outcome and has and outcome.key == key_of_cell(study, w)):
            return None
    return study.data.picture_reading(study.settings.tasks[w.task].dataset)


def checks_before_encoder(study: Study, w: Any) -> list[str]:
    """What an encoder waits for."""
    return after_checks(study, f"{study.encoder(w.arm, w.seed)}/outcome.json", key_of_encoder(study, w))


def checks_before_cell(study: Study, w: Any) -> list[str]:
    """What a cell waits for."""
    return after_checks(study, f"{study.cell(evaluation_of(w), w.arm, w.seed)}/outcome.json", key_of_cell(study, w))


def checks_before_authors_run(study: Study, w: Any) -> list[str]:
    """What a run by the authors' protocol waits for."""
    return after_checks(study, f"{study.authors_run(w.task, w.arm, w.seed)}/outcome.json", key_of_authors_run(study, w))


def splits_of_given_features(study: Study, w: Any) -> list[str]:
    """The files of folds whose cases an arm's given features of a data set must have: one per task."""
    return [
        study.splits(task, study.partition(study.seeds[0]))
        for arm, task, _ in study.given_files
        if (arm, study.settings.tasks[task].dataset) == (w.arm, w.dataset)
    ]


def datasets_of_given(study: Study, w: Any) -> list[str]:
    """The data sets of the tasks that an arm's given features are for, in alphabetical order."""
    return sorted({study.settings.tasks[task].dataset for arm, task, _ in study.given_files if arm == w.arm})


def content_of_given(study: Study, w: Any) -> str:
    """A hash of an arm's file of features."""
    return next(content(path) for arm, _, path in study.given_files if arm == w.arm)


def starting_from_files(study: Study) -> list[str]:
    """The arms that may start from a file, and are something else than this file."""
    return [arm for arm in study.encoded if study.method(arm).name != "file"]


def checked_checkpoints(study: Study) -> dict[str, Any]:
    """What the checks need to know about the arms that are an encoder from a file, unless the study makes it."""
    return {
        arm: {
            "arch": study.architecture(arm),
            "settings": study.method_settings(arm),
            "content": [*map(content, study.given_weights(arm))],
        }
        for arm in study.encoded
        if study.method(arm).name == "file" and (on_hub(study.init(arm)) or study.given_weights(arm))
    }


def checked_given(study: Study) -> list[dict[str, str]]:
    """What the checks need to know about the arms from files: their files, by task."""
    return [
        {"arm": arm, "gives": study.method(arm).gives, "task": task, "file": path, "content": content(path)}
        for arm, task, path in study.given_files
    ]


def checked_external(study: Study) -> list[list[Any]]:
    """Each task with each of its external sets, and the task's names of the set's classes."""
    tasks = study.settings.tasks.items()
    return [[name, dataset, one.classes] for name, task in tasks for dataset, one in task.external_sets.items()]


def checked_parts(study: Study, dataset: str) -> dict[str, Any] | None:
    """What the audit needs to know about the given split of a data set; None without one."""
    split, tasks = study.data.given_split(dataset), study.tasks_on(dataset)
    if split is None:
        return None
    labelled = all(study.settings.tasks[task].kind == "classification" for task in tasks)
    return {"on_leak": split.on_leak, "labelled": labelled}


def native_checks(study: Study, task: str) -> dict[str, Any]:
    """What the checks need to know about scores at the size of the source pictures; nothing of a classification."""
    in_mm = [each["metric"] for each in study.primary if task in each.get("tasks", [each["task"]])]
    named = [name for name in in_mm if name.startswith("mm_")]
    return study.native(task) and {**study.native(task), "in_mm": named}


def checked_task(study: Study, task: str) -> dict[str, Any]:
    """What the checks need to know about a task; the batch size is 0 if the study doesn't fine-tune on it."""
    settings = study.settings.tasks[task]
    trains = any(study.trains(regime) for regime in settings.regimes)
    return {
        "dataset": settings.dataset,
        "kind": settings.kind,
        "parts": [evaluation.labels for evaluation in study.label_cells if evaluation.task == task],
        "batch_size": settings.finetune.batch_size if settings.finetune and trains else 0,
        "levels": study.levels(task),
        "native": native_checks(study, task),
    }
