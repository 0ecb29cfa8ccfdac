"""Write runs to MLflow: each is logged once, updated as its files appear, and marked complete only at the very end."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.entities import Metric, Param, RunStatus, RunTag
from mlflow.entities import Run as Logged
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NAME

from uscl.base.files import file_sha256

# MLflow refuses larger batches and longer texts.
METRICS_PER_BATCH, PARAMS_PER_BATCH = 800, 100
LONGEST_PARAM, LONGEST_TAG, LONGEST_NAME = 6000, 5000, 200
KEY, DIGEST, REASON, SUPERSEDED = "uscl.key", "uscl.digest", "uscl.reason", "uscl.superseded"
LEARNED = "learned"  # a key of an encoder's record (`uscl.pretrain.engine.pretrained`), and the tag's name
# Raise this when the same files are logged in another form.
LAYOUT = "2"
# Parts of a run that may change while it stays the same run; its files may change too.
CHANGING = ("status", "record", "end", "folds")


@dataclass(frozen=True)
class Run:
    """Everything that is logged as one run.

    `record` comes from `uscl.jobs.run_record`; `history` has `epoch` and one column per metric; `children` are runs
    themselves; `reason` says why a run failed; a `running` run has not ended.
    """

    record: dict[str, Any]
    history: pd.DataFrame | None = None
    metrics: dict[str, float] | None = None
    artifacts: tuple[Path, ...] = ()
    children: "tuple[Run, ...]" = ()
    reason: str | None = None
    running: bool = False

    @property
    def name(self) -> str:
        """The name, which is the key of the run in the store."""
        return str(self.record["name"])

    @property
    def status(self) -> str:
        """MLflow's word for the state of the run."""
        number = RunStatus.RUNNING if self.running else RunStatus.FAILED if self.reason else RunStatus.FINISHED
        return str(RunStatus.to_string(number))

    @property
    def started(self) -> int:
        """The start in milliseconds since 1970: runs of one name with the same start are the same run."""
        return int(1000 * self.record["started"])

    @property
    def ended(self) -> int | None:
        """The end in milliseconds since 1970; None while it is running."""
        return None if self.running else int(1000 * self.record["ended"])

    @cached_property
    def parts(self) -> dict[str, str]:
        """A short hash of each logged part: the store keeps the hashes in a tag, so that only changes are sent."""
        parts = {
            "settings": short([LAYOUT, self.record["params"], tags_of(self)]),
            "record": short(self.record),
            "status": self.status,
            "end": short([self.ended, self.reason]),
        }
        if self.history is not None:
            parts["history"] = history_part(self.history)
        if self.metrics:
            parts["metrics"] = short({name: str(value) for name, value in self.metrics.items()})
        if self.children:
            parts["folds"] = short([[child.name, child.parts] for child in self.children])
        return parts | {f"file {path.name}": file_sha256(path)[:12] for path in self.artifacts}


def short(value: Any) -> str:
    """A short hash of a value that JSON can represent."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def history_part(history: pd.DataFrame) -> str:
    """The number of epochs in a history, and a hash of them."""
    return f"{len(history)} {short(history.to_csv(index=False))}"


def log_once(client: MlflowClient, experiment_id: str, run: Run) -> tuple[dict[str, str], bool]:
    """Log what the store lacks of a run and its children; returns ids by name, and whether anything was missing.

    A run that has only gained something since it was logged (epochs, its end, scores, figures) continues under its id.
    Otherwise the run is logged again, and older runs of the same name are marked superseded and deleted; MLflow can
    restore deleted runs. A running or failed run does not replace an older finished one.
    """
    same = next(
        (old for old in found(client, experiment_id, KEY, run.name) if old.info.start_time == run.started), None
    )
    children = of_children(client, experiment_id, same) if same else {}
    if same and is_whole(same, run) and children.keys() == {child.name for child in run.children}:
        return {run.name: same.info.run_id} | {name: old.info.run_id for name, old in children.items()}, False
    parent = same if same and continues(same, run) else None
    run_id = parent.info.run_id if parent else create(client, experiment_id, run, {})
    ids = {run.name: run_id}
    for child in run.children:
        old = children.get(child.name) if parent else None
        kept = old if old and old.info.start_time == child.started and continues(old, child) else None
        more = {MLFLOW_PARENT_RUN_ID: run_id}
        ids[child.name] = kept.info.run_id if kept else create(client, experiment_id, child, more)
        if not (kept and is_whole(kept, child)):
            fill(client, ids[child.name], child, kept)
    supersede(client, experiment_id, run, set(ids.values()))
    fill(client, run_id, run, parent)  # last, so that an incomplete run does not count as complete
    return ids, True


def parts_of(logged: Logged) -> dict[str, str]:
    """The logged parts of a run; empty if logging was cut off or another version logged the run.

    The tag of a new run exists from the start, and lists more than was logged until the run has the same status.
    """
    try:
        found = json.loads(logged.data.tags.get(DIGEST, ""))
    except ValueError:
        return {}
    return found if isinstance(found, dict) and found.get("status") == logged.info.status else {}


def is_whole(logged: Logged, run: Run) -> bool:
    """Whether the store has exactly these parts of a run."""
    return parts_of(logged) == run.parts


def continues(logged: Logged, run: Run) -> bool:
    """Whether a run is a logged one that has only gained something: no logged part differs or is gone."""
    old, new = parts_of(logged), run.parts
    if not old:
        return False  # logging was cut off: log the whole run again
    free = (*CHANGING, "history") if logged.info.status == "RUNNING" else CHANGING
    differing = {name for name, value in old.items() if new.get(name) != value and name not in free}
    return all(name.startswith("file ") and name in new for name in differing)


def found(client: MlflowClient, experiment_id: str, tag: str, value: str) -> list[Logged]:
    """Active runs with a given value of a tag."""
    return list(client.search_runs([experiment_id], filter_string=f"tags.`{tag}` = '{value}'"))


def of_children(client: MlflowClient, experiment_id: str, parent: Logged) -> dict[str, Logged]:
    """A run's children by name."""
    children = found(client, experiment_id, MLFLOW_PARENT_RUN_ID, parent.info.run_id)
    return {child.data.tags[KEY]: child for child in children}


def supersede(client: MlflowClient, experiment_id: str, run: Run, kept: set[str]) -> None:
    """Mark and delete runs of this name that aren't kept, and their children; children first.

    Also deletes children of the new run that aren't kept: a request that was sent twice may have created them.
    """
    for old in found(client, experiment_id, KEY, run.name):
        if run.status != "FINISHED" and old.info.status == "FINISHED":
            continue
        for one in (*found(client, experiment_id, MLFLOW_PARENT_RUN_ID, old.info.run_id), old):
            if one.info.run_id not in kept:
                client.set_tag(one.info.run_id, SUPERSEDED, "true")
                client.delete_run(one.info.run_id)


def create(client: MlflowClient, experiment_id: str, run: Run, more: dict[str, str]) -> str:
    """Create a run with its start and tags; returns its id."""
    tags = tags_of(run) | more | ({} if run.running else state_tags(run))
    return str(client.create_run(experiment_id, start_time=run.started, tags=tags).info.run_id)


def fill(client: MlflowClient, run_id: str, run: Run, logged: Logged | None) -> None:
    """Log what the store lacks of a run: files, metrics, settings, then the tag that completes it, and its end."""
    old, new = parts_of(logged) if logged else {}, run.parts
    changed = {name for name, value in new.items() if old.get(name) != value}
    if "record" in changed and "fold" not in run.record["params"]:
        client.log_dict(run_id, run.record, "run.json")
    for path in run.artifacts:
        if f"file {path.name}" in changed:
            client.log_artifact(run_id, str(path))
    points = scores(run) if "metrics" in changed else []
    points += by_epoch(run, old.get("history", "")) if "history" in changed else []
    params = params_of(run) if "settings" in changed else []
    tags = [RunTag(*pair) for pair in state_tags(run).items()] if logged or run.running else []
    for batch in chunks(params[PARAMS_PER_BATCH:], PARAMS_PER_BATCH):
        client.log_batch(run_id, params=batch)
    for batch in chunks(points[METRICS_PER_BATCH:], METRICS_PER_BATCH):
        client.log_batch(run_id, metrics=batch)
    client.log_batch(run_id, points[:METRICS_PER_BATCH], params[:PARAMS_PER_BATCH], tags)
    if not run.running and {"status", "end"} & changed:
        client.set_terminated(run_id, run.status, end_time=run.ended)


def tags_of(run: Run) -> dict[str, str]:
    """Tags that name the run, its place in the study and its provenance."""
    record = run.record
    provenance = {key: record[key] for key in ("commit", "config_sha256", "data_sha256") if key in record}
    hardware = {f"hardware.{key}": value for key, value in record.get("hardware", {}).items()}
    return {MLFLOW_RUN_NAME: run.name, KEY: run.name, **record["tags"], **provenance, **hardware}


def state_tags(run: Run) -> dict[str, str]:
    """Tags that are known when a run ends: which parts were logged, why it failed, and what an encoder learned."""
    failed = {REASON: run.reason[:LONGEST_TAG]} if run.reason else {}
    verdict = {LEARNED: run.record[LEARNED]} if LEARNED in run.record else {}
    return {DIGEST: json.dumps(run.parts, sort_keys=True), **failed, **verdict}


def params_of(run: Run) -> list[Param]:
    """The settings of a run."""
    flat = flatten(run.record["params"])
    names = accepted_names(flat)
    return [Param(names[name], str(value)[:LONGEST_PARAM]) for name, value in flat.items()]


def scores(run: Run) -> list[Metric]:
    """The scores of a finished run, logged at its end time."""
    figures = run.metrics or {}
    names = accepted_names(figures)
    return [
        Metric(names[name], value, run.ended or run.started, 0) for name, value in figures.items() if pd.notna(value)
    ]


def by_epoch(run: Run, logged: str) -> list[Metric]:
    """One metric point per column and epoch, without the first epochs if they are already in the store.

    The files don't say when an epoch ended. One second per epoch keeps the order, and does not change while a run
    continues.
    """
    history = run.history
    assert history is not None
    done = int(logged.partition(" ")[0] or 0)
    rest = history.iloc[done:] if history_part(history.iloc[:done]) == logged else history
    names = accepted_names([str(name) for name in history.columns])
    long = rest.melt(id_vars="epoch", var_name="name").dropna()
    return [
        Metric(names[name], float(value), run.started + 1000 * int(epoch), int(epoch))
        for epoch, name, value in zip(long["epoch"], long["name"], long["value"], strict=True)
    ]


def accepted_names(names: Iterable[str]) -> dict[str, str]:
    """A name that MLflow accepts for each name; different names stay different.

    >>> accepted_names(["f1", "recall B-line (mild)", "recall B-line [mild]"]).values()
    dict_values(['f1', 'recall B-line _mild_', 'recall B-line _mild__2'])
    """
    accepted: dict[str, str] = {}
    for name in names:
        base = re.sub(r"[^\w\-. :]", "_", name).strip(".")[:LONGEST_NAME] or "_"
        taken, number = set(accepted.values()), 1
        while (one := base if number == 1 else f"{base}_{number}") in taken:
            number += 1
        accepted[name] = one
    return accepted


def flatten(params: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings with dotted names.

    >>> flatten({"finetune": {"lr": 0.1}, "seed": 0})
    {'finetune.lr': 0.1, 'seed': 0}
    """
    flat: dict[str, Any] = {}
    for key, value in params.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def chunks(items: Sequence, size: int) -> Iterable[Sequence]:
    """Consecutive parts of at most `size` items."""
    return (items[start : start + size] for start in range(0, len(items), size))
