"""What the jobs of a study rest on, as parameters of their rules: the code, and for runs a key of everything else.

An outcome records the key that it was made with. A run whose outcome has the current key does not wait for any check;
all others wait until the checks have passed (`uscl.study.waiting`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from uscl.jobs.code import code_hash, file_hash, imported_files
from uscl.jobs.outcome import key_of
from uscl.pretrain.own_method import file_of, is_file
from uscl.study.given_arms import content
from uscl.study.study import Evaluation, Study


def code(study: Study, script: str, *files: str) -> str:
    """A hash of a script and of the library files that it rests on; `files` are those it finds by name."""
    return code_hash(study.root, f"workflow/scripts/{script}", *files)


def reader_code(study: Study, dataset: str) -> str:
    """The code that extracts a data set."""
    return code(study, "data/extract_frames.py", f"uscl/data/readers/{study.data.reader(dataset)}.py")


def encoder_code(study: Study, arm: str) -> str:
    """The code that makes an encoder."""
    script = "pretrain/pretrain.py" if study.method(arm).uses_pool else "pretrain/published_encoder.py"
    return method_code(study, script, [arm])


def method_code(study: Study, script: str, arms: Iterable[str]) -> str:
    """A hash of a script and of the methods of some arms; of those in files of the user's, by content alone."""
    named = sorted({study.settings.methods[arm].method for arm in arms})
    own = [file_of(name) for name in named if is_file(name)]
    files = [f"uscl/pretrain/methods/{name}.py" for name in named if not is_file(name)]
    of_project = code(study, script, *files, *sorted(imported_files(study.root, tuple(map(str, own)))))
    return key_of([of_project, *(file_hash(path) for path in own)]) if own else of_project


def evaluation_code(study: Study, task: str, regime: str) -> str:
    """The code that evaluates on a task in a regime."""
    module = study.fit(task, regime).partition(":")[0].replace(".", "/")
    return code(study, evaluation_script(study, regime), f"{module}.py")


def given_predictions_code(study: Study) -> str:
    """The code that reads predictions from a file."""
    return code(study, "evaluate/given_predictions.py")


def evaluation_script(study: Study, regime: str) -> str:
    """The script that evaluates in a regime."""
    return "evaluate/finetune.py" if study.trains(regime) else "evaluate/probe.py"


def authors_code(study: Study) -> str:
    """The code that evaluates by the authors' protocol."""
    return code(study, "evaluate/authors_protocol.py")


def checks_code(study: Study) -> str:
    """The code that checks whether the study can work; it uses the methods of arms that use the pool or a file."""
    of_files = [arm for arm in study.published if study.method(arm).name == "file"]
    return method_code(study, "checks/check_study.py", [*study.from_pool, *of_files])


def data_key(study: Study, dataset: str) -> str:
    """A hash of everything that the frames of a data set rest on."""
    simulated, reading = study.data.simulated(dataset), study.data.reading(dataset)
    # A simulated set is what it is simulated from, wherever and whenever that is done.
    unimportant = ("root", "fingerprint") if simulated else ("root",)
    parts: list[Any] = [{key: reading[key] for key in reading if key not in unimportant}, reader_code(study, dataset)]
    if simulated:
        parts += [study.data.simulation(dataset), code(study, "data/simulate.py")]
    return key_of(parts)


def encoder_key(study: Study, arm: str, seed: int) -> str:
    """A hash of everything that an encoder rests on."""
    settings = study.settings
    parts: list[Any] = [encoder_code(study, arm), study.method(arm).name, study.init(arm)]
    parts += [study.architecture(arm), seed, study.initial_weights(arm), study.stream(arm)]
    if own := study.own_input(arm):
        parts += [own]
    if study.method(arm).name == "file":
        parts += [study.method_settings(arm), *map(content, study.given_weights(arm))]
    if study.method(arm).uses_pool:
        parts += [study.method_settings(arm), study.pool_shares, settings.device, study.devices, settings.precision]
        parts += [data_key(study, settings.pool), *threads_key(study)]
    return key_of(parts)


def given_key(study: Study, arm: str, task: str) -> list[str]:
    """What an arm from files rests on, on a task, in place of an encoder."""
    return [study.method(arm).name, content(study.given_file(arm, task))]


def cell_key(study: Study, evaluation: Evaluation, arm: str, seed: int) -> str:
    """A hash of everything that a cell rests on."""
    settings, task, gives = study.settings, study.settings.tasks[evaluation.task], study.method(arm).gives
    rests_on = encoder_key(study, arm, seed) if gives == "encoder" else given_key(study, arm, evaluation.task)
    parts: list[Any] = [evaluation_code(study, evaluation.task, evaluation.regime), list(evaluation), seed]
    parts += [rests_on, data_key(study, task.dataset), folds_key(study, evaluation.task, seed)]
    if gives == "predictions":
        structures = study.structures(evaluation.task)
        return key_of([given_predictions_code(study), *parts[1:], *([structures] if structures else [])])
    if gives == "features":
        parts += [code(study, "evaluate/given_features.py")]
    if not study.trains(evaluation.regime) and (scaling := study.scaling(evaluation.task)):
        parts += [scaling]
    if study.trains(evaluation.regime):
        parts += [study.finetune_settings(evaluation.task), settings.device, settings.precision, *threads_key(study)]
    return key_of(parts)


def threads_key(study: Study) -> list[int]:
    """The number of threads, on which sums depend; nothing for one, which is what all runs had at first."""
    return [study.settings.threads] if study.settings.threads > 1 else []


def folds_key(study: Study, task: str, seed: int) -> list[Any]:
    """What the folds of a training rest on, besides the data."""
    splits = study.settings.splits
    number = "given" if task in study.given else splits.folds
    sampling = [sampled] if (sampled := study.sampling(task)) else []
    classes = [joined] if (joined := study.classes(task)) else []
    return [number, splits.inner, study.partition(seed), *sampling, *classes]


def authors_key(study: Study, task: str, arm: str, seed: int) -> str:
    """A hash of everything that a run by the authors' protocol rests on."""
    settings = study.settings
    parts: list[Any] = [authors_code(study), task, seed, encoder_key(study, arm, seed)]
    parts += [data_key(study, settings.tasks[task].dataset), folds_key(study, task, seed)]
    return key_of([*parts, settings.device, settings.precision, *threads_key(study)])
