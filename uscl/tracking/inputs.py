"""The data sets that a run read, or that the runs read which it gathers. Imports neither MLflow nor pandas."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple


class Input(NamedTuple):
    """A data set: its name, a hash of the files that a run read of it, what for, and the folder of its frames."""

    name: str
    digest: str
    context: str
    folder: str


def inputs_of(records: Iterable[Mapping[str, Any]]) -> tuple[Input, ...]:
    """The data sets in the records of some runs, each once; none of a fold, whose run has it, and of published weights.

    >>> inputs_of([{"params": {"fold": 0}, "tags": {"task": "busi"}, "config": {}, "data_sha256": "1f"}])
    ()
    """
    return tuple(sorted({found for record in records if (found := input_of(record))}))


def input_of(record: Mapping[str, Any]) -> Input | None:
    """The data set of one run."""
    config, params = record.get("config"), record["params"]
    if not config or "data_sha256" not in record or "fold" in params:
        return None
    if task := record["tags"].get("task"):
        name, context = config["tasks"][task]["dataset"], "training and test"
    elif "pool_parts" in params:
        name, context = config["pool"], "pretraining"
    else:
        return None
    return Input(name, record["data_sha256"], context, f"{config['results']}/frames/{name}")
