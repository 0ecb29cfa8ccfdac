"""A run as it is logged to MLflow, and the hashes of its parts that show what the store lacks."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from uscl.base.files import file_sha256
from uscl.tracking.inputs import Input, inputs_of
from uscl.tracking.run_files import LAYOUT

RUNNING, PROVISIONAL, FAILED, FINISHED = "RUNNING", "SCHEDULED", "FAILED", "FINISHED"  # MLflow's words


class KeptModel(NamedTuple):
    """The model file of a fold, and its hash."""

    file: Path
    sha256: str


@dataclass(frozen=True)
class Run:
    """Everything that is logged as one run.

    `record` comes from `uscl.jobs.run_record`; `history` has `epoch` and one column per metric; `metrics` are named
    after their group, such as `test/macro_f1`; `texts` are artifacts by name; `children`
    are runs themselves; `reason` says why a run failed; a `running` run has not ended. `state` are tags that may
    change, and `note` is a text in Markdown that may change.

    A run that `gathers` sums up several runs, whose records are `gathered`: it always replaces the older run of its
    name, and the runs nested in it are not its own. While some of these have not ended, it is `provisional`. The run of
    a fold may have a `model`.
    """

    record: dict[str, Any]
    history: pd.DataFrame | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    artifacts: tuple[Path, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    children: "tuple[Run, ...]" = ()
    reason: str | None = None
    running: bool = False
    state: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    user: str = ""
    gathered: tuple[Mapping[str, Any], ...] = ()
    provisional: bool = False
    model: KeptModel | None = None

    @property
    def name(self) -> str:
        """The name, which is the key of the run in the store."""
        return str(self.record["name"])

    @property
    def status(self) -> str:
        """MLflow's word for the state of the run."""
        if self.running or self.provisional:
            return RUNNING if self.running else PROVISIONAL
        return FAILED if self.reason else FINISHED

    @property
    def started(self) -> int:
        """The start in milliseconds since 1970: runs of one name with the same start are the same run."""
        return int(1000 * self.record["started"])

    @property
    def ended(self) -> int | None:
        """The end in milliseconds since 1970; None while it is running."""
        return None if self.running else int(1000 * self.record["ended"])

    @property
    def above(self) -> str | None:
        """The name of the run that this one is nested in: a training of a cell in the run of its cell."""
        single = "task" in self.record["tags"] and not self.gathers
        return self.name.rpartition("/")[0] if single else None

    @property
    def gathers(self) -> bool:
        """Whether the run sums up others."""
        return bool(self.gathered)

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """The data sets that the run read, or that those read which it gathers."""
        return inputs_of(self.gathered or [self.record])

    @cached_property
    def parts(self) -> dict[str, str]:
        """A short hash of each logged part: the store keeps the hashes in a tag, so that only changes are sent."""
        parts = {
            "settings": short([LAYOUT, self.record["params"], self.record["tags"], provenance_of(self.record)]),
            "record": short(self.record),
            "status": self.status,
            "end": short([self.ended, self.reason]),
            "state": short([dict(self.state), self.note]),
        }
        if self.inputs:
            parts["inputs"] = short(self.inputs)
        if self.history is not None:
            parts["history"] = history_part(self.history)
        for group in sorted({group_of(name) for name in self.metrics}):
            parts[f"metrics {group}"] = short({name: str(value) for name, value in self.metrics_of(group).items()})
        if self.children:
            parts["folds"] = short([[child.name, child.parts] for child in self.children])
        if self.model:
            parts["model"] = self.model.sha256[:12]
        files = {path.name: file_sha256(path)[:12] for path in self.artifacts}
        files |= {name: short(text) for name, text in self.texts.items()}
        return parts | {f"file {name}": digest for name, digest in files.items()}

    def metrics_of(self, group: str) -> dict[str, float]:
        """The metrics of one group."""
        return {name: value for name, value in self.metrics.items() if group_of(name) == group}


def group_of(metric: str) -> str:
    """The group of a metric, which may have none.

    >>> group_of("test/macro_f1"), group_of("mean")
    ('test', '')
    """
    return metric.rpartition("/")[0]


def provenance_of(record: Mapping[str, Any]) -> dict[str, str]:
    """The tags that say where a run comes from."""
    provenance = {key: record[key] for key in ("commit", "config_sha256", "data_sha256") if key in record}
    return provenance | {f"hardware.{key}": value for key, value in record.get("hardware", {}).items()}


def short(value: Any) -> str:
    """A short hash of a value that JSON can represent."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def history_part(history: pd.DataFrame) -> str:
    """The number of epochs in a history, and a hash of them."""
    return f"{len(history)} {short(history.to_csv(index=False))}"
