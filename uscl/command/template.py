"""Files for a user's own features and predictions, with the cases and folds of a study and without values."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from uscl.base.errors import UserError
from uscl.base.files import written
from uscl.base.text import counted, nearest
from uscl.command.recorded_study import read_config, study_of
from uscl.data.splits import read_folds
from uscl.evaluate.given_predictions import mask_names
from uscl.evaluate.predictions import class_numbers
from uscl.study.schema import Segmentation
from uscl.study.study import Study

DEFAULT = Path("results")


def write_predictions(results: Path | None, configfile: Path | None, tasks: Sequence[str], out: Path) -> list[str]:
    """Write TASK.csv per task into the folder `out`; returns a sentence per file.

    Columns: case, fold, seed, and p_<class> or mask (mask_<structure> if there are several), which are empty. Raises
    UserError if a file is there already, or if the study has not drawn its folds yet.
    """
    study = chosen_study(results, configfile)
    files = {task: out / f"{task}.csv" for task in chosen_tasks(study, tasks, list(study.settings.tasks))}
    for path in files.values():
        check_free(path)
    return [
        f"{saved(table, path)}: {counted(len(table), 'row')}; fill in {', '.join(values)}."
        for task, path in files.items()
        for table, values in [rows_to_predict(study, task)]
    ]


def rows_to_predict(study: Study, task: str) -> tuple[pd.DataFrame, list[str]]:
    """The empty table of a task, and the columns to fill in."""
    settings = study.settings.tasks[task]
    parts, values = [], mask_names(settings.structures or {}) if isinstance(settings, Segmentation) else []
    for seed in study.seeds:
        cases, folds = folds_of(study, task, seed)
        of_row = cases.set_index("row")["case"]
        parts += [pd.DataFrame({"case": of_row[fold.test].to_numpy(), "fold": k}) for k, fold in enumerate(folds)]
        parts[-len(folds) :] = [part.assign(seed=seed) for part in parts[-len(folds) :]]
        if settings.kind == "classification":
            values = [f"p_{name}" for name in class_numbers(cases)[0]]
    return pd.concat(parts, ignore_index=True).assign(**dict.fromkeys(values, "")), values


def write_features(results: Path | None, configfile: Path | None, tasks: Sequence[str], out: Path) -> list[str]:
    """Write the columns dataset, case and vector (null) for the cases of the tasks; returns one sentence."""
    study = chosen_study(results, configfile)
    check_free(out)
    if out.suffix != ".parquet":
        raise UserError(f"{out} must end in .parquet: a CSV has no room for vectors.")
    cases = {
        study.settings.tasks[task].dataset: folds_of(study, task, study.seeds[0])[0]["case"]
        for task in chosen_tasks(study, tasks, study.probed)
    }
    parts = [pd.DataFrame({"dataset": dataset, "case": of_set}) for dataset, of_set in cases.items()]
    table = pd.concat(parts, ignore_index=True).assign(vector=None)
    return [f"{saved(table, out)}: {counted(len(table), 'row')}; fill in vector, a list of numbers per case."]


def chosen_study(results: Path | None, configfile: Path | None) -> Study:
    """The study; without a results folder, its file names it."""
    if results is None and configfile is not None:
        named = read_config(configfile).get("results")
        results = Path(named).expanduser() if isinstance(named, str) else None
    return study_of(results or DEFAULT, configfile)


def chosen_tasks(study: Study, named: Sequence[str], known: Sequence[str]) -> list[str]:
    """The named tasks, else all that are known. Raises UserError for any other."""
    for task in named:
        if task not in known:
            raise UserError(
                f"There is no task '{task}' to write a file for, only {', '.join(known)}{nearest(task, known)}"
            )
    return list(dict.fromkeys(named)) or list(known)


def folds_of(study: Study, task: str, seed: int) -> tuple[pd.DataFrame, list]:
    """The cases and folds of a training. Raises UserError if they have not been drawn."""
    path = Path(study.splits(task, study.partition(seed)))
    if not path.is_file():
        raise UserError(
            f"The folds of {task} are not drawn yet ({path} is missing): run `snakemake --cores all folds` with the"
            " study's file, or name its results folder."
        )
    return read_folds(path)


def check_free(path: Path) -> None:
    """Raise UserError if a file is there already: it may hold values."""
    if path.exists():
        raise UserError(f"{path} is there already: remove it, or name another place with --out.")


def saved(table: pd.DataFrame, path: Path) -> Path:
    """Write a table, whole or not at all; returns its path."""
    with written(path) as partial:
        table.to_csv(partial, index=False) if path.suffix == ".csv" else table.to_parquet(partial, index=False)
    return path
