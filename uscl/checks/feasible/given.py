"""Do the checkpoints fit, and are given features and predictions complete? Checked before anything is trained."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from uscl.data.splits import read_folds
from uscl.data.store import FrameStore
from uscl.evaluate.given_features import given_features
from uscl.evaluate.given_predictions import check_seeds, given_predictions
from uscl.pretrain.own_method import method_named


def check_checkpoint(arm: str, arch: str, seed: int, settings: Mapping[str, Any]) -> str:
    """The line about an encoder from a file. Raises UserError if it can't be loaded."""
    method = method_named("file")  # by name, so that the checks rest on it only if the study has such an arm
    assert method.start is not None
    _, matched = method.start(arch, seed, None, method.settings(**settings))
    return f"methods.{arm}: {matched}"


def check_given(
    files: Sequence[Mapping[str, str]],
    tasks: Mapping[str, Mapping[str, Any]],
    splits: Mapping[str, Mapping[int, Path]],
    stores: Mapping[str, FrameStore],
) -> list[str]:
    """One line per file for readers. Raises UserError for the first fault of a file.

    `files` have arm, gives (features or predictions), task and file; `tasks` have dataset and kind; `splits` are the
    files of the folds by task and seed; `stores` are those of the data sets.
    """
    return [checked(each, files, tasks, splits[each["task"]], stores) for each in files]


def checked(
    given: Mapping[str, str],
    files: Sequence[Mapping[str, str]],
    tasks: Mapping[str, Mapping[str, Any]],
    splits: Mapping[int, Path],
    stores: Mapping[str, FrameStore],
) -> str:
    """The line about a file."""
    path, task = Path(given["file"]), given["task"]
    dataset, store = tasks[task]["dataset"], stores[tasks[task]["dataset"]]
    if given["gives"] == "features":
        of_arm = {tasks[each["task"]]["dataset"] for each in files if each["arm"] == given["arm"]}
        cases = {name: stores[name].manifest["case"] for name in sorted(of_arm)}
        needed = read_folds(next(iter(splits.values())))[0]["case"]
        dim = given_features(path, dataset, cases, list(needed)).shape[1]
        return f"methods.{given['arm']}: {path} has features of {dim} numbers for the {len(needed)} cases of {task}"
    check_seeds(path, list(splits))
    structures = tasks[task].get("native", {}).get("structures", {})
    rows = pd.concat(
        given_predictions(path, tasks[task]["kind"], *read_folds(folds), seed, store, structures)
        for seed, folds in splits.items()
    )
    return f"methods.{given['arm']}: {path} has predictions of {len(rows)} cases and seeds of {task}"
