"""The metrics, settings and data sets of a run as MLflow's objects, with names that MLflow accepts and groups."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

from uscl.tracking.run import Run, history_part

LONGEST_PARAM, LONGEST_NAME, LONGEST_DIGEST = 6000, 200, 36  # characters that MLflow takes
GROUPS = {"validation_": "val", "train_": "train", "weight_": "weights", "alpha_": "weights"}


def params_of(run: Run) -> list[Param]:
    """The settings of a run."""
    flat = flatten(run.record["params"])
    names = accepted_names(flat)
    return [Param(names[name], str(value)[:LONGEST_PARAM]) for name, value in flat.items()]


def scores(run: Run, groups: Iterable[str]) -> list[Metric]:
    """The metrics of some groups, logged at the run's end: of several values MLflow shows the latest."""
    names, wanted = accepted_names(run.metrics), set(groups)
    return [
        Metric(names[name], float(value), run.ended or run.started, 0)
        for group in sorted(wanted)
        for name, value in run.metrics_of(group).items()
        if pd.notna(value)
    ]


def curves(run: Run, logged: str) -> list[Metric]:
    """The points of a history that the store lacks; `logged` is the part of it that the store has.

    The files don't say when an epoch ended. One second per epoch keeps the order, and does not change while a run
    continues.
    """
    history = run.history
    assert history is not None
    done = int(logged.partition(" ")[0] or 0)
    before = history.iloc[:done] if history_part(history.iloc[:done]) == logged else history.iloc[:0]
    columns = [str(name) for name in history.columns if name not in ("epoch", "chosen")]
    names = accepted_names(map(curve_name, columns))
    return [
        Metric(names[curve_name(column)], float(value), run.started + 1000 * int(epoch), int(epoch))
        for column in columns
        for epoch, value in lacking(history.set_index("epoch")[column], before.set_index("epoch")[column]).items()
    ]


def lacking(values: pd.Series, before: pd.Series) -> pd.Series:
    """The points of a curve that are not drawn yet; `before` are the values of the epochs that are logged."""
    there = drawn(before).index
    return drawn(values).loc[lambda found: ~found.index.isin(there)]


def drawn(values: pd.Series) -> pd.Series:
    """The points that are logged: all, or the first one of a constant, which is no curve."""
    values = values.dropna()
    return values.iloc[:1] if values.nunique() <= 1 else values


def curve_name(column: str) -> str:
    """The name of a curve, after the group that MLflow shows it in.

    >>> [curve_name(name) for name in ("validation_loss", "loss", "weight_sd")]
    ['val/loss', 'train/loss', 'weights/sd']
    """
    for prefix, group in GROUPS.items():
        if column.startswith(prefix):
            return f"{group}/{column.removeprefix(prefix)}"
    return f"train/{column}"


def data_sets(run: Run) -> list[DatasetInput]:
    """The data sets that a run read, or that the runs read which it gathers."""
    return [
        DatasetInput(
            Dataset(name, digest[:LONGEST_DIGEST], "local", json.dumps({"uri": folder})),
            [InputTag(MLFLOW_DATASET_CONTEXT, context)],
        )
        for name, digest, context, folder in run.inputs
    ]


def accepted_names(names: Iterable[str]) -> dict[str, str]:
    """A name that MLflow accepts for each name; different names stay different.

    >>> accepted_names(["f1", "test/recall B-line (mild)", "test/recall B-line [mild]"]).values()
    dict_values(['f1', 'test/recall B-line _mild_', 'test/recall B-line _mild__2'])
    """
    accepted: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        steps = [re.sub(r"[^\w\-. :]", "_", step).strip(".") or "_" for step in name.split("/")]
        base, number = "/".join(steps)[:LONGEST_NAME].rstrip("/"), 1
        while (one := base if number == 1 else f"{base}_{number}") in taken:
            number += 1
        accepted[name] = one
        taken.add(one)
    return accepted


def flatten(params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings with dotted names.

    >>> flatten({"finetune": {"lr": 0.1}, "seed": 0})
    {'finetune.lr': 0.1, 'seed': 0}
    """
    flat: dict[str, Any] = {}
    for key, value in params.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
