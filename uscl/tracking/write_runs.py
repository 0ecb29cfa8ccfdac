"""Runs in MLflow: logged once, taking the place of older ones, and finished only when all of them is there."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from mlflow.entities import Metric, Param, RunStatus
from mlflow.entities import Run as Logged
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NAME

from uscl.base.files import sha256

# MLflow refuses larger batches.
METRICS_A_BATCH, PARAMS_A_BATCH = 1000, 100
LONGEST_PARAM, LONGEST_TAG = 6000, 5000
KEY, DIGEST, REASON, SUPERSEDED = "uscl.key", "uscl.digest", "uscl.reason", "uscl.superseded"
# To be raised when what is logged of the same files changes.
LAYOUT = "1"


class Run(NamedTuple):
    """What is logged as one run.

    `record` is that of `uscl.jobs.run_record`; `history` has `epoch` and one column a metric; `children` are runs of
    their own; `reason` is why a run failed.
    """

    record: dict[str, Any]
    history: pd.DataFrame | None = None
    metrics: dict[str, float] | None = None
    artifacts: tuple[Path, ...] = ()
    children: tuple["Run", ...] = ()
    reason: str | None = None

    @property
    def name(self) -> str:
        """The name, which is the key of the run in the store."""
        return str(self.record["name"])

    def digest(self) -> str:
        """SHA-256 of all that is logged: record, tables, artifacts and children."""
        history = "" if self.history is None else self.history.to_csv(index=False)
        children = [child.digest() for child in self.children]
        files = [sha256(path) for path in self.artifacts]
        parts = [LAYOUT, self.record, history, self.metrics or {}, files, children, self.reason]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def log_once(client: MlflowClient, experiment_id: str, run: Run) -> tuple[dict[str, str], bool]:
    """Log a run and its children if the store hasn't got just them; returns ids by name, and whether it was logged.

    Older runs of the same name are marked superseded and deleted, as MLflow deletes: restorable. A failed run leaves
    an older finished one alone.
    """
    digest = run.digest()
    names = [run.name, *(child.name for child in run.children)]
    for old in found(client, experiment_id, KEY, run.name):
        ids = {run.name: old.info.run_id} | of_children(client, experiment_id, old)
        if old.data.tags.get(DIGEST) == digest and old.info.status == status(run) and set(ids) == set(names):
            return {name: ids[name] for name in names}, False
    parent = create(client, experiment_id, run, {DIGEST: digest})
    fill(client, parent, run)
    ids = {run.name: parent}
    for child in run.children:
        ids[child.name] = create(client, experiment_id, child, {MLFLOW_PARENT_RUN_ID: parent})
        fill(client, ids[child.name], child)
        end(client, ids[child.name], child)
    supersede(client, experiment_id, run, set(ids.values()))
    # Last: a run that was cut off isn't taken for a whole one.
    end(client, parent, run)
    return ids, True


def status(run: Run) -> str:
    """How MLflow calls the end of a run."""
    return str(RunStatus.to_string(RunStatus.FAILED if run.reason else RunStatus.FINISHED))


def found(client: MlflowClient, experiment_id: str, tag: str, value: str) -> list[Logged]:
    """Active runs by the value of a tag."""
    return list(client.search_runs([experiment_id], filter_string=f"tags.`{tag}` = '{value}'"))


def of_children(client: MlflowClient, experiment_id: str, parent: Logged) -> dict[str, str]:
    """Ids of a run's children by name."""
    children = found(client, experiment_id, MLFLOW_PARENT_RUN_ID, parent.info.run_id)
    return {child.data.tags[KEY]: child.info.run_id for child in children}


def supersede(client: MlflowClient, experiment_id: str, run: Run, kept: set[str]) -> None:
    """Mark and delete runs of this name that aren't kept, and their children, the children first.

    Children of the new run that aren't kept go too: a request that was sent twice may have made them.
    """
    for old in found(client, experiment_id, KEY, run.name):
        if run.reason and old.info.status == "FINISHED":
            continue
        for one in (*found(client, experiment_id, MLFLOW_PARENT_RUN_ID, old.info.run_id), old):
            if one.info.run_id not in kept:
                client.set_tag(one.info.run_id, SUPERSEDED, "true")
                client.delete_run(one.info.run_id)


def create(client: MlflowClient, experiment_id: str, run: Run, more: dict[str, str]) -> str:
    """A new run with its start and tags; returns its id."""
    started = int(1000 * run.record["started"])
    return str(client.create_run(experiment_id, start_time=started, tags=tags_of(run) | more).info.run_id)


def fill(client: MlflowClient, run_id: str, run: Run) -> None:
    """Log metrics, settings and files of a run."""
    started, ended = (int(1000 * run.record[key]) for key in ("started", "ended"))
    points = [Metric(name, value, ended, 0) for name, value in (run.metrics or {}).items() if pd.notna(value)]
    points += [] if run.history is None else by_epoch(run.history, started, ended)
    params = [Param(name, str(value)[:LONGEST_PARAM]) for name, value in flatten(run.record["params"]).items()]
    for batch in chunks(points, METRICS_A_BATCH):
        client.log_batch(run_id, metrics=batch)
    for batch in chunks(params, PARAMS_A_BATCH):
        client.log_batch(run_id, params=batch)
    client.log_dict(run_id, run.record, "run.json")
    for path in run.artifacts:
        client.log_artifact(run_id, str(path))


def end(client: MlflowClient, run_id: str, run: Run) -> None:
    """Set a run's end and status."""
    client.set_terminated(run_id, status(run), end_time=int(1000 * run.record["ended"]))


def tags_of(run: Run) -> dict[str, str]:
    """Tags that name the run, its place in the study, its provenance, and why it failed."""
    record = run.record
    provenance = {key: record[key] for key in ("commit", "config_sha256", "data_sha256")}
    hardware = {f"hardware.{key}": value for key, value in record["hardware"].items()}
    failed = {REASON: run.reason[:LONGEST_TAG]} if run.reason else {}
    return {MLFLOW_RUN_NAME: run.name, KEY: run.name, **record["tags"], **provenance, **hardware, **failed}


def by_epoch(history: pd.DataFrame, started: int, ended: int) -> list[Metric]:
    """One metric point a column and epoch, spread evenly over the run's time."""
    long = history.melt(id_vars="epoch", var_name="name").dropna()
    last = max(1, int(history["epoch"].max()))
    return [
        Metric(row.name, float(row.value), started + (ended - started) * int(row.epoch) // last, int(row.epoch))
        for row in long.itertuples(index=False)
    ]


def flatten(params: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings with dotted names.

    >>> flatten({"finetune": {"lr": 0.1}, "seed": 0})
    {'finetune.lr': 0.1, 'seed': 0}
    """
    flat: dict[str, Any] = {}
    for key, value in params.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def chunks(items: list, size: int) -> Iterable[list]:
    """Consecutive parts of at most `size` items."""
    return (items[start : start + size] for start in range(0, len(items), size))
