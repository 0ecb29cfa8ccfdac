"""Checks run before training, without being inputs of it.

A finished run that is up to date waits for nothing, so a check that fails, or that runs again for a new arm, never
makes Snakemake repeat a finished training. All other runs wait for the checks.
"""

import functools
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from uscl.jobs.outcome import FAILED, FILE, lost_files, read_outcome
from uscl.models.model_folder import FOLDER
from uscl.study.keys import authors_key, cell_key, encoder_key
from uscl.study.study import Study


def after_checks(study: Study, outcome: str, key: str) -> list[str]:
    """What a run waits for: nothing if its outcome has this key, else the verdict of the checks."""
    found = read_outcome(Path(outcome))
    return [] if found and found.key == key else [checked(study)]


def checked(study: Study) -> str:
    """The file that says that the study passed its checks."""
    return f"{study.results}/audit/feasible.txt"


def runs(study: Study) -> list[str]:
    """The outcome files of all runs of the study, whether they exist or not."""
    return [*study.encoder_outcomes(), *study.cell_outcomes(*study.evaluations), *study.authors_outcomes()]


def failed_runs(study: Study) -> list[str]:
    """One sentence per run of the study that failed by a mistake of its own, if its settings are still the same."""
    sentences = []
    for folder, key in keyed_runs(study):
        outcome = read_outcome(Path(folder, FILE))
        if outcome and outcome.status == FAILED and outcome.key == key():
            sentences.append(f"{os.path.relpath(folder, study.results)}: {outcome.reason}")
    return sentences


def keyed_runs(study: Study) -> Iterator[tuple[str, Callable[[], str]]]:
    """The folder of each run of the study, and a function that gives its key."""
    for arm, seed in itertools.product(study.encoded, study.seeds):
        yield study.encoder(arm, seed), functools.partial(encoder_key, study, arm, seed)
    for evaluation in study.evaluations:
        for arm, seed in itertools.product(study.evaluated(evaluation), study.seeds):
            yield study.cell(evaluation, arm, seed), functools.partial(cell_key, study, evaluation, arm, seed)
    for task, arm, seed in itertools.product(study.settings.authors_protocol, study.encoded, study.seeds):
        yield study.authors_run(task, arm, seed), functools.partial(authors_key, study, task, arm, seed)


def forget_lost_runs(study: Study) -> list[str]:
    """Remove the outcome of each run whose files are missing or changed, so that the run is repeated.

    Models that the study does not keep may be missing. Returns these files.
    """
    lost: list[str] = []
    tested = {outcome for test in study.external for outcome in study.external_outcomes(test)}
    for path in map(Path, [*runs(study), *study.cell_outcomes(*study.label_cells)]):
        kept = str(path) in tested or study.keeps_models(int(path.parent.name.removeprefix("seed")))
        if missing := [file for file in lost_files(path) if kept or file.parent.name != FOLDER]:
            path.unlink()
            lost += map(str, missing)
    return lost
