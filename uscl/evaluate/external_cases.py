"""The cases of an external set, with the class names of the task whose models are tested on it."""

from collections.abc import Mapping, Sequence

import pandas as pd

from uscl.audit.policy import audited_cases
from uscl.base.errors import UserError
from uscl.data.readers.shared.cells import examples
from uscl.data.splits import IDENTITY, task_cases, with_classes
from uscl.data.store import FrameStore
from uscl.data.units import counted_units


def external_cases(
    store: FrameStore, units: pd.DataFrame, kind: str, classes: Sequence[str], names: Mapping[str, str], where: str
) -> pd.DataFrame:
    """The cases of an external set (row and IDENTITY), with audited groups and the class names of the task.

    `classes` are those of the task (none for a segmentation), `names` gives the task's name of a class that the set
    calls otherwise, `where` is the place in the settings, as task and data set. Raises UserError for other classes.
    """
    cases = audited_cases(task_cases(store, kind), units)[["row", *IDENTITY]].reset_index(drop=True)
    if not classes:
        return cases
    cases = with_classes(cases, names, f"{where}: `classes`")
    if foreign := sorted(set(cases["label"]) - set(classes)):
        raise UserError(
            f"{where}: the set has the class {examples(foreign)}, but the task only {examples(classes)}: give"
            " the task's name for it in `classes`, or leave its files out with `exclude` of the data set."
        )
    return cases


def check_external(where: str, cases: pd.DataFrame) -> str:
    """What an external set has to test, in one line for readers. Raises UserError if it has nothing."""
    if cases.empty:
        raise UserError(f"{where}: the set has no case, so nothing can be tested on it: see its problems.csv.")
    labels = cases.loc[cases["label"] != "", "label"].value_counts().sort_index()
    counts = f" ({', '.join(f'{name} {count}' for name, count in labels.items())})" if len(labels) else ""
    return f"{where}: {len(cases)} cases of {counted_units(cases)}{counts} to test the models of all folds and seeds on"
